"""`python -m nnlab.diff`: see `nnlab/commands/diff.py`."""

from nnlab.commands.entry import start

if __name__ == "__main__":
    start("nnlab.commands.diff")
