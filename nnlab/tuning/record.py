"""What a study records about itself as it runs: its best value over the trials, its table and its pictures."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress

from optuna.trial import FrozenTrial

from nnlab.machine import raise_if_disk
from nnlab.runs.directory import PLOTS
from nnlab.runs.files import write_atomically
from nnlab.runs.recorder import Recorder
from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.confirm.results import Confirmation
from nnlab.tuning.known import KnownTrials
from nnlab.tuning.report.trials_table import trials_table
from nnlab.tuning.trials import FINISHED, ended_at

TABLE = "trials.csv"


def prepare_pictures() -> None:
    """Import what draws, which takes a second or two, in a thread while workers train."""
    with suppress(RuntimeError):  # the system has no more threads
        threading.Thread(target=_import_pictures, daemon=True).start()


def _import_pictures() -> None:
    with suppress(Exception):  # drawing reports what is wrong
        import nnlab.tuning.report.pictures  # noqa: F401


class StudyRecord:
    """The study's own run, which in MLflow is the parent of its trials' runs.

    Args:
        recorder: of the study's directory.
        objectives: their names.
    """

    def __init__(self, recorder: Recorder, objectives: Sequence[str]) -> None:
        self._recorder = recorder
        self._objectives = objectives
        self._recorded = max(StoredRun.open(recorder.directory.path).trials, default=0)

    def progress(self, trials: Sequence[FrozenTrial]) -> None:
        """Record the best value as it was after each finished trial, from where the record ends.

        What a session that was killed after the end of a trial could not record is recorded too.
        """
        known = KnownTrials.of(trials, self._objectives)
        if known.finished == self._recorded + 1:  # as ever, but after a kill
            self._record(known)
        elif known.finished > self._recorded:
            past = KnownTrials(self._objectives)
            for trial in sorted((trial for trial in known if trial.state in FINISHED), key=ended_at):
                past.note(trial)
                if past.finished > self._recorded:
                    self._record(past)

    def _record(self, known: KnownTrials) -> None:
        best, count = known.best, known.finished
        metrics = {} if best is None else dict(zip(self._best_names(), best.values, strict=True))
        self._recorder.trial(count, {**metrics, "trials/finished": count})
        self._recorded = count

    def table(self, trials: Sequence[FrozenTrial], confirmation: Confirmation | None = None) -> None:
        """Write `trials.csv`, with what was confirmed."""
        table = trials_table(trials, self._objectives, confirmation)
        write_atomically(self._recorder.directory.path / TABLE, table)

    def pictures(self, trials: Sequence[FrozenTrial], confirmation: Confirmation | None = None) -> list[str]:
        """Draw the pictures; returns what could not be drawn. A failure costs a warning, not the study.

        Raises:
            MachineError: if the disk cannot be written.
        """
        try:
            from nnlab.tuning.report.pictures import draw_study

            directory = self._recorder.directory
            folder, name = directory.folder(PLOTS), directory.name
            return draw_study(folder, trials, self._objectives, name=name, confirmation=confirmation).problems
        except Exception as error:
            raise_if_disk(error)
            return [f"the plots could not be drawn: {type(error).__name__}: {error}"]

    def _best_names(self) -> list[str]:
        return [f"best/{name}" for name in self._objectives]
