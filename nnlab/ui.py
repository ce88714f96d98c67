"""`python -m nnlab.ui`: see `nnlab/commands/ui.py`."""

from nnlab.commands.entry import start

if __name__ == "__main__":
    start("nnlab.commands.ui")
