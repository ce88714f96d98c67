"""From a RUN_ID, which names a run on the command line, to the run's directory."""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from nnlab.errors import UserError
from nnlab.paths import expanded
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, MLFLOW, TRIALS, run_directories
from nnlab.runs.reading import read_stored
from nnlab.typed import OPEN, Fields

MLFLOW_ID = re.compile(r"[0-9a-f]{32}")
SHOWN = 5
"""How many runs a message names when the one asked for does not exist."""
_KNOWN = Annotated[dict[str, Any], Fields({"run_id": str | None}), OPEN]


def default_runs_dir() -> Path:
    """The default folder of the runs: NNLAB_RUNS_DIR, or `runs` in the current folder."""
    return expanded(os.environ.get("NNLAB_RUNS_DIR") or "runs")


def runs_dir_option(runs_dir: Path) -> list[str]:
    """What a command line needs for this folder of the runs: nothing for `runs` in the current folder.

    A folder that is the default by NNLAB_RUNS_DIR is named: the variable may have been set for one command alone.
    """
    folder = expanded(runs_dir).absolute()
    is_found = not os.environ.get("NNLAB_RUNS_DIR") and folder == expanded(default_runs_dir()).absolute()
    return [] if is_found else ["--runs-dir", str(folder)]


def study_command(path: Path) -> str:
    """What to type to resume the study in the directory `path`."""
    command = f"python -m nnlab.sweep sweep.resume={path.name}"
    if not runs_dir_option(path.absolute().parent):
        return command
    from nnlab.config.quoting import as_override  # imports Hydra

    return f"{command} {shlex.quote(as_override('runs_dir', str(path.absolute().parent)))}"


def resolve(run_id: str, runs_dir: Path | None = None, *, option: str = "--runs-dir") -> Path:
    """The directory of the run that `run_id` names, a study's or a trial's among them.

    Args:
        run_id: the name of a run's directory, MLflow's id of the run, or a path (absolute, from the runs folder, or
            from the current folder).
        runs_dir: the folder of the runs; None is `default_runs_dir()`.
        option: of the command, with which another folder is chosen.

    Raises:
        UserError: if it names no run, or several.
    """
    runs_dir = expanded(runs_dir or default_runs_dir())
    for path in (runs_dir / run_id, Path(run_id)):
        if _is_run(path):
            return path if path.name not in ("", "..") else path.resolve()  # its name is what commands know it by
    runs = [path for path in run_directories(runs_dir, of_others=True) if _is_run(path)]
    found = [path for path in runs if path.name == run_id]
    if not found and MLFLOW_ID.fullmatch(run_id):
        found = [path for path in runs if mlflow_id(path) == run_id]
    if len(found) > 1:
        paths = ", ".join(str(path) for path in found)
        raise UserError(f"A RUN_ID must name one run, but {run_id!r} names {len(found)}. Give a path: {paths}.")
    if not found:
        raise UserError(
            "A RUN_ID must be the name of a run's directory, MLflow's id of the run, or a path, but "
            f"{runs_dir} has no run {run_id!r}. {_nearest(run_id, runs)}. "
            f"Choose another folder with {option} or NNLAB_RUNS_DIR."
        )
    return found[0]


def mlflow_id(run: Path) -> str | None:
    """MLflow's id of the run in the directory `run`; None if MLflow does not have it, as far as is noted there."""
    try:
        run_id: str | None = read_stored(run / MLFLOW, _KNOWN, "")["run_id"]
    except (FileNotFoundError, UserError):  # damaged: the sync reports it
        return None
    return run_id


def _nearest(run_id: str, runs: Sequence[Path]) -> str:
    """The runs whose names are nearest, without trials, of which hundreds have almost the same name."""
    names = [path.name for path in runs if path.parent.name != TRIALS]
    if not names:
        return "There are no runs there"
    names.sort(key=lambda name: difflib.SequenceMatcher(None, run_id, name).ratio(), reverse=True)
    return f"The nearest {'is' if len(names) == 1 else 'are'}: {', '.join(names[:SHOWN])}"


def _is_run(path: Path) -> bool:
    return journal.has_started(path / JOURNAL)
