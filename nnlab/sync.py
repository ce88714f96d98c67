"""`python -m nnlab.sync`: see `nnlab/commands/sync.py`."""

from nnlab.commands.entry import start

if __name__ == "__main__":
    start("nnlab.commands.sync")
