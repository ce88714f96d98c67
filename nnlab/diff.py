"""`python -m nnlab.diff`: see `nnlab/commands/diff.py`."""

from nnlab.commands.diff import main

if __name__ == "__main__":
    main()
