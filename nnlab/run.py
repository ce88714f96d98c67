"""`python -m nnlab.run [overrides]`: see `nnlab/commands/run.py`."""

from nnlab.commands.entry import start

if __name__ == "__main__":
    start("nnlab.commands.run", syncs=True)
