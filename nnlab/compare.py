"""`python -m nnlab.compare`: see `nnlab/commands/compare.py`."""

from nnlab.commands.entry import start

if __name__ == "__main__":
    start("nnlab.commands.compare")
