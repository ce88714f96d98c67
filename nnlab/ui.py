"""`python -m nnlab.ui`: see `nnlab/commands/ui.py`."""

from nnlab.commands.ui import main

if __name__ == "__main__":
    main()
