"""`python -m nnlab.sweep [overrides]`, and `sweep` for scripts: see `nnlab/commands/sweep.py`."""

from nnlab.commands.entry import start

if __name__ == "__main__":
    start("nnlab.commands.sweep", syncs=True, has_workers=True)
elif __name__ == "nnlab.sweep":  # else it is a worker, which imports the program that started it under another name
    from nnlab.commands.sweep import sweep as sweep
