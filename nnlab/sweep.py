"""`python -m nnlab.sweep`: see `nnlab/commands/sweep.py`."""

from nnlab.commands.sweep import main
from nnlab.commands.sweep import sweep as sweep

if __name__ == "__main__":
    main()
