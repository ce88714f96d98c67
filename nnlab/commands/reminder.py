"""The line by which commands say that runs have not reached MLflow, and what brings them there."""

from __future__ import annotations

import shlex
import time
from collections.abc import Collection
from pathlib import Path

from nnlab.commands.invocation import python
from nnlab.mlflow_sync.backlog import unsynced
from nnlab.paths import expanded
from nnlab.runs.resolve import runs_dir_option
from nnlab.wording import number_of

SECONDS = 0.5
"""How long a command may look, which is enough for some thousand runs."""


def reminder(runs_dir: Path, but: Collection[Path] = ()) -> str | None:
    """The line; None if all runs of the folder have arrived, as far as is noted there, or are still recorded.

    Args:
        runs_dir: the folder; may be missing.
        but: runs that are spoken of already.
    """
    runs_dir = expanded(runs_dir).absolute()
    but = {run.absolute() for run in but}
    count, at_least, deadline = 0, "", time.monotonic() + SECONDS
    for found in unsynced(runs_dir):
        # A study's trials are on their way while it is.
        if not {found.run, found.run.parent.parent} & but and not found.is_alive:
            count += 1
        if time.monotonic() > deadline:
            at_least = "at least "
            break
    if not count:
        return None
    has = number_of(count, "run has", "runs have")
    options = shlex.join(["-m", "nnlab.sync", *runs_dir_option(runs_dir)])
    return f"{at_least}{has} not reached MLflow: {python()} {options}"
