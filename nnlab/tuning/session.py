"""One session of a study: passes the coordinator's events to the study's record, to MLflow and to the listeners."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from optuna.trial import FrozenTrial

from nnlab.execution.events import Warned
from nnlab.execution.listener import Listeners
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, end_if_dead
from nnlab.runs.journal import Status
from nnlab.runs.journal_reader import JournalReader
from nnlab.runs.recorder import Announce, Recorder
from nnlab.runs.tags import BEST_TRIAL_TAG, SELECTED_FROM_TAG, TEST_EVALUATIONS_TAG
from nnlab.tuning.coordinator import Coordinator, Ended, Lost, Started
from nnlab.tuning.duplicates import record_repetition
from nnlab.tuning.events import (
    StandingNow,
    StudyEnded,
    StudyEvent,
    StudyStarted,
    StudyStopping,
    TrialEnded,
    TrialEpoch,
    TrialLost,
    TrialStarted,
)
from nnlab.tuning.plan import Plan
from nnlab.tuning.record import StudyRecord, prepare_pictures
from nnlab.tuning.report.ranking import best_trial
from nnlab.tuning.report.standing import Standing
from nnlab.tuning.storage import JOURNAL_FILE
from nnlab.tuning.study import Study
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trials import Asked
from nnlab.tuning.winner import Winner, evaluate_winner


@dataclass(frozen=True)
class StudyResult:
    """The result of a session of a study.

    Attributes:
        directory: the study's own.
        status: `finished` if it has all its trials.
        reason: why, if it has not.
    """

    directory: Path
    status: Status
    reason: str


class Session:
    """Executes what is left of a study.

    Args:
        plan: of the study.
        study: opened.
        recorder: of the study's own directory.
        listeners: get the events, after they are recorded.
        announce: called with the directory of each run, to sync it into MLflow.
    """

    def __init__(
        self,
        plan: Plan,
        study: Study,
        recorder: Recorder,
        listeners: Listeners[StudyEvent],
        announce: Announce | None,
    ) -> None:
        self._plan = plan
        self._study = study
        self._recorder = recorder
        self._listeners = listeners
        self._announce = announce
        self._path = recorder.directory.path
        self._tasks = Tasks(plan, study.name, self._path, self._path / JOURNAL_FILE)
        self._objectives = plan.settings.objectives
        self._record = StudyRecord(recorder, self._objectives)
        self._started = time.monotonic()
        self._finished_before = study.finished
        self._journals: dict[Path, JournalReader] = {}
        self._running: dict[int, list[Path]] = {}
        self._status: Status = "finished"
        self._reason = ""

    def run(self, executor: Executor, presses: list[float]) -> None:
        """Run the trials; `presses` grows by one with each Ctrl-C."""
        coordinator = Coordinator(self._study, self._plan.settings, self._plan.workers, executor, self._tasks.task)
        self._listeners.on(
            StudyStarted(
                name=self._study.name,
                trials=self._plan.settings.trials,
                finished=self._study.finished,
                workers=self._plan.workers,
                objectives=self._objectives,
                searched=list(self._plan.space.to_dict()),
            )
        )
        if self._plan.fixed.tracking.plots:
            threading.Thread(target=prepare_pictures, daemon=True).start()
        self._catch_up()
        try:
            self._take_events(coordinator, presses)
        finally:
            coordinator.cancel()
        if coordinator.reason_to_give_up:
            self._status, self._reason = "failed", coordinator.reason_to_give_up

    def _take_events(self, coordinator: Coordinator, presses: list[float]) -> None:
        lost: set[int] = set()
        for event in coordinator.run():
            match event:
                case Started(trial, task, again):
                    self._running[trial.number] = list(task.paths)
                    values, again = Asked.of(trial).values, again and trial.number not in lost
                    self._listeners.on(TrialStarted(trial.number, values, again))
                case Lost(trial, attempt):
                    lost.add(trial.number)
                    self._listeners.on(TrialLost(trial.number, attempt, self._plan.settings.retries))
                case Ended(trial):
                    self._ended(trial)
            self._poll_running()
            self._listeners.on(StandingNow(self._standing()))
            if presses and self._status == "finished":
                self._status, self._reason = "interrupted", "interrupted by the user"
                coordinator.stop()
                self._listeners.on(StudyStopping(coordinator.running))

    def finish(self) -> StudyResult:
        """Table, pictures, the winner's test, and the end of the record."""
        trials = self._study.trials
        self._record.table(trials)
        for problem in self._record.pictures(trials) if self._plan.fixed.tracking.plots else []:
            self._listeners.on(Warned(problem))
        best = best_trial(trials, self._objectives)
        if self._status == "finished" and best is None:
            self._status, self._reason = "failed", "no trial is complete"
        is_chosen, is_tested = self._status == "finished", self._plan.fixed.trainer.test
        winner = self._evaluate(best) if best is not None and is_chosen and is_tested else None
        self._recorder.close(self._status, self._reason or None)
        self._listeners.on(
            StudyEnded(
                directory=self._path,
                status=self._status,
                trials=trials,
                objectives=self._objectives,
                finished=self._study.finished,
                winner=winner,
                test_left_alone=is_chosen and not is_tested,
            )
        )
        return StudyResult(self._path, self._status, self._reason)

    def _catch_up(self) -> None:
        """Record what an earlier session, which was killed, could not."""
        self._record.progress(self._study.trials)
        for trial in self._study.trials:
            if trial.state.is_finished():
                record_repetition(trial, self._tasks, self._announce)

    def _ended(self, trial: FrozenTrial) -> None:
        record_repetition(trial, self._tasks, self._announce)
        for path in self._running.pop(trial.number, []):
            self._has_started(path)
            if path.exists():
                end_if_dead(path)
        self._record.progress(self._study.trials)
        self._listeners.on(TrialEnded(trial, self._standing()))

    def _poll_running(self) -> None:
        """Announce the runs that have started since, and report their latest epochs."""
        for number, paths in self._running.items():
            for path in paths:
                if not self._has_started(path):
                    continue
                if epochs := self._journals[path].update():
                    epoch, metrics = list(epochs.items())[-1]
                    shown = {name: metrics[name] for name in self._objectives if name.startswith("val/")}
                    self._listeners.on(TrialEpoch(number, epoch, shown))

    def _has_started(self, path: Path) -> bool:
        """Whether there is a run at `path`; the first time that there is, it is announced."""
        if path in self._journals:
            return True
        if not journal.has_started(path / JOURNAL):
            return False
        self._journals[path] = JournalReader(path / JOURNAL)
        if self._announce is not None:
            self._announce(path)
        return True

    def _evaluate(self, best: FrozenTrial) -> Winner:
        """Evaluate the best trial on the test split, and record that for the study."""
        winner = evaluate_winner(
            best,
            self._study.trials,
            self._tasks,
            self._plan.fixed.tracking,
            warn=lambda text: self._listeners.on(Warned(text)),
            announce=self._announce,
        )
        count = self._study.finished
        self._recorder.test(count, winner.scores)
        self._recorder.tag(
            {
                BEST_TRIAL_TAG: str(winner.number),
                SELECTED_FROM_TAG: str(count),
                TEST_EVALUATIONS_TAG: str(winner.evaluations),
            }
        )
        return winner

    def _standing(self) -> Standing:
        return Standing.of(
            self._study.known,
            self._objectives,
            total=self._plan.settings.trials,
            elapsed=time.monotonic() - self._started,
            done_before=self._finished_before,
        )
