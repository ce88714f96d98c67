"""Going on with a run that was stopped, or extending one that has finished, in the same directory.

Nothing of the directory is believed, see `stored_job`.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nnlab.config.job import Job
from nnlab.errors import UserError
from nnlab.execution.events import Notice
from nnlab.execution.extending import check_extension, what_changes
from nnlab.execution.listener import RunListener
from nnlab.execution.opening import stopped_run
from nnlab.execution.result import RunResult
from nnlab.execution.run import execute
from nnlab.execution.stored_job import stored_job
from nnlab.execution.strict import check_strict
from nnlab.runs.directory import STUDY
from nnlab.runs.recorder import Announce
from nnlab.runs.resolve import runs_dir_option, study_command
from nnlab.runs.stored_run import StoredRun


@dataclass(frozen=True)
class Resumption:
    """A run that can go on. Nothing of it has been changed yet.

    Args:
        path: the run's directory, absolute.
        job: its config, where it is now, and its data.
        epochs: how many it is to have in total, if it is to be extended.
        notices: what is to be told first.
    """

    path: Path
    job: Job
    epochs: int | None
    notices: tuple[Notice, ...]

    def execute(self, *, listeners: Iterable[RunListener] = (), announce: Announce | None = None) -> RunResult:
        """Go on. Arguments, result and errors are those of `nnlab.execution.run.run`."""
        opening = stopped_run(self.path, announce, self.epochs, self._check, is_strict=self.job.config.strict)
        return execute(self.job, opening, listeners, notices=self.notices)

    def _check(self, stored: StoredRun) -> None:
        _check_what_is_left(stored, self.epochs)
        if self.epochs is not None:
            check_extension(stored, self.job, self.epochs)


def resume(
    path: Path,
    *,
    epochs: int | None = None,
    listeners: Iterable[RunListener] = (),
    announce: Announce | None = None,
) -> RunResult:
    """Go on with the run in the directory `path` from its newest checkpoint; it ends as if it had not been stopped.

    Args:
        path: of the run.
        epochs: extends a run that has finished: so many in total.
        listeners: as for `run`.
        announce: as for `run`.

    Raises:
        UserError: if it cannot go on, or is not to; see `resumption`.
        KeyboardInterrupt: as for `run`.
    """
    return resumption(path, epochs=epochs).execute(listeners=listeners, announce=announce)


def resumption(path: Path, *, epochs: int | None = None, tracking_uri: str | None = None) -> Resumption:
    """Check that the run in the directory `path` can go on.

    Args:
        path: of the run.
        epochs: as for `resume`.
        tracking_uri: the address of MLflow in full, which the run has without its password.

    Raises:
        UserError: if it is still recorded, has nothing left to do, or is a study's; if its files are damaged, or its
            config or its data are not what they were.
    """
    stored = StoredRun.open(path)
    _check_that_it_can_go_on(stored, epochs)
    job = stored_job(stored, stored.path.absolute().parent, tracking_uri=tracking_uri)
    check_strict([job.config])
    notices: list[Notice] = []
    if epochs is not None:
        check_extension(stored, job, epochs)
        notices = [Notice(line) for line in what_changes(stored, job, epochs)]
    return Resumption(path.absolute(), job, epochs, tuple(notices))


def resume_command(path: Path) -> str:
    """What to type to go on with the run in the directory `path`."""
    return shlex.join(["python", "-m", "nnlab.resume", path.name, *runs_dir_option(path.absolute().parent)])


def _check_that_it_can_go_on(stored: StoredRun, epochs: int | None) -> None:
    if (stored.path / STUDY).exists():
        raise UserError(f"{stored.name} is a study. Resume it: {study_command(stored.path)}")
    if stored.is_alive:
        raise UserError(
            f"A run is recorded by one process at a time, but {stored.name} is still being recorded. Wait until that "
            "process has ended, or stop it."
        )
    parent = stored.provenance.get("parent")
    if parent is not None:
        study = Path(os.path.normpath(stored.path.absolute() / str(parent)))
        raise UserError(
            f"A trial goes on with its study, but {stored.name} was given alone. Resume the study: "
            f"{study_command(study)}. To do the trial once more, alone: "
            f"{stored.tags.get('nnlab.command') or shlex.join(stored.provenance['command'])}"
        )
    _check_what_is_left(stored, epochs)


def _check_what_is_left(stored: StoredRun, epochs: int | None) -> None:
    done = stored.last_epoch
    if stored.status == "diverged":
        raise UserError(
            f"A run goes on that was stopped, but {stored.name} has ended by itself: {stored.reason} "
            "Start another with other settings."
        )
    if stored.is_over and epochs is None:
        raise UserError(
            f"A run goes on that was stopped, but {stored.name} has finished, with {done} epochs. "
            f"To train it for longer: {resume_command(stored.path)} --epochs {2 * done}"
        )
    if not stored.is_over and epochs is not None:
        raise UserError(
            f"Only a finished run can be extended, but {stored.name} was stopped after {done} epochs "
            f"({stored.status_now}). Let it finish first: {resume_command(stored.path)}"
        )
