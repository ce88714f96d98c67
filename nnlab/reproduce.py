"""`python -m nnlab.reproduce`: see `nnlab/commands/reproduce.py`."""

from nnlab.commands.entry import start

if __name__ == "__main__":
    start("nnlab.commands.reproduce")
