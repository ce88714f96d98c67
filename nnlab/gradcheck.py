"""`python -m nnlab.gradcheck`: see `nnlab/commands/gradcheck.py`."""

from nnlab.commands.entry import start

if __name__ == "__main__":
    start("nnlab.commands.gradcheck")
