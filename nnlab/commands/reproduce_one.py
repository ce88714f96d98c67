"""One run that is reproduced, here or in a worktree of its code, with what is shown and noted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from nnlab.analysis.reproduction.home import is_in_store
from nnlab.analysis.reproduction.in_worktree import attempt_in_worktree
from nnlab.analysis.reproduction.reproduce import Reproduction, attempt, note_verdict, verdict_text
from nnlab.analysis.reproduction.sources import Places, Source
from nnlab.commands.reproduction_text import opening_lines, verdict_lines
from nnlab.errors import UserError
from nnlab.execution.signals import termination_raises
from nnlab.mlflow_sync.process import SyncProcess
from nnlab.mlflow_sync.sync import RUN_PATIENCE
from nnlab.mlflow_sync.waiting import WaitingLine
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import REPRODUCED_TAG
from nnlab.streams import warn, work_is_kept, write_line

STDERR = 2


@dataclass(frozen=True)
class Ways:
    """How runs are to be reproduced.

    Args:
        tolerance: within which numbers count as equal; None takes the one of the config's dtype.
        data_root: where the data is now; None is where it was.
        tracking_uri: the address of MLflow, as given.
        in_worktree: with the recorded code instead of the present one.
        trusts: whether recorded changes may be run that somebody else may have written.
        as_json: whether standard output is for JSON alone.
    """

    tolerance: float | None
    data_root: Path | None
    tracking_uri: str | None
    in_worktree: bool
    trusts: bool
    as_json: bool


def reproduce_source(source: Source, ways: Ways, places: Places) -> Reproduction:
    """Reproduce a run, and note the verdict on it.

    Raises:
        UserError: if it cannot be tried.
        RunFailedError: if the new run fails, or its process dies.
        KeyboardInterrupt: if interrupted or terminated.
    """
    with source.opened() as stored:
        in_mlflow = source.tag is not None
        runs_dir = places.runs_dir if in_mlflow else None
        uri = places.uri if in_mlflow else ways.tracking_uri
        if ways.in_worktree:
            done = _in_worktree(stored, source, ways, runs_dir, uri)
        else:
            tried = attempt(
                stored, tolerance=ways.tolerance, runs_dir=runs_dir, tracking_uri=uri, data_root=ways.data_root
            )
            _say(opening_lines(stored, tried, runs_dir), sys.stderr if ways.as_json else sys.stdout)
            done = tried.execute(stdout=STDERR if ways.as_json else None)
    if source.tag is not None:
        try:
            source.tag({REPRODUCED_TAG: verdict_text(done.verdict, done.again)})
        except UserError as error:
            warn(f"the verdict is not noted on {source.name}: {error}")
    if not ways.as_json:
        work_is_kept()  # the exit status is the verdict, whoever reads the lines
        _say(verdict_lines(done, source.name_alone), sys.stdout)
    return done


def _in_worktree(stored: StoredRun, source: Source, ways: Ways, runs_dir: Path | None, uri: str | None) -> Reproduction:
    tried = attempt_in_worktree(
        stored,
        tolerance=ways.tolerance,
        runs_dir=runs_dir,
        tracking_uri=uri,
        trusts=ways.trusts or source.is_own,
    )
    out = sys.stderr if ways.as_json else sys.stdout
    _say(opening_lines(stored, tried, runs_dir), out)
    try:
        with termination_raises():
            done = tried.execute(lambda text: write_line(out, text))
    except KeyboardInterrupt:
        write_line(sys.stderr, f"the worktree is removed, and {source.name} is as it was")
        raise
    changed = [done.again]
    noted = source.tag is None and note_verdict(stored.path, done.again, done.verdict, warn)
    if noted and is_in_store(stored.path, tried.tracking_uri):
        changed.append(stored.path)
    if tried.tracking_uri is not None:
        _bring_into_mlflow(changed, tried.tracking_uri, tried.runs_dir)
    return done


def _bring_into_mlflow(runs: Sequence[Path], uri: str, runs_dir: Path) -> None:
    process = SyncProcess()
    process.assign(uri, runs_dir, warn=warn)
    for run in runs:
        process.add(run.absolute())
    process.close()
    with WaitingLine(sys.stderr) as line:
        for problem in process.finish(RUN_PATIENCE, line.show):
            warn(problem)


def _say(lines: Sequence[str], out: TextIO) -> None:
    for line in lines:
        write_line(out, line)
