"""`python -m nnlab.sweep [overrides]`, and `sweep` for scripts: see `nnlab/commands/sweep.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nnlab.commands.entry import start

if TYPE_CHECKING:
    from concurrent.futures import Executor


def sweep(arguments: Sequence[str], *, executor: Executor | None = None) -> int:
    """Execute a study and bring it into MLflow; returns the exit status of the command.

    Args:
        arguments: overrides, as on the command line.
        executor: executes the trials, at most `sweep.workers` at a time; None starts processes here. Whatever it
            executes them in needs nnlab, the runs folder and the storage.
    """
    from nnlab.commands import sweep  # only now: each worker imports the script that calls this, and so this module

    return sweep.sweep(arguments, executor=executor)


if __name__ == "__main__":
    start("nnlab.commands.sweep", syncs=True, has_workers=True)
