"""`python -m nnlab.run [overrides]`: see `nnlab/commands/run.py`."""

from nnlab.commands.run import main
from nnlab.exit_status import end_after

if __name__ == "__main__":
    end_after(main)
