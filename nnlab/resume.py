"""`python -m nnlab.resume RUN_ID`: see `nnlab/commands/resume.py`."""

from nnlab.commands.entry import start

if __name__ == "__main__":
    start("nnlab.commands.resume", syncs=True, has_workers=True)
