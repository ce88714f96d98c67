"""`python -m nnlab.gradcheck`: see `nnlab/commands/gradcheck.py`."""

from nnlab.commands.gradcheck import main

if __name__ == "__main__":
    main()
