"""One session of a study: passes the coordinator's events to the study's record, to MLflow and to the listeners."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor

from optuna.trial import FrozenTrial

from nnlab.execution.events import Notice, Warned
from nnlab.execution.listener import Listeners
from nnlab.runs.journal import Status
from nnlab.runs.recorder import Announce, Recorder
from nnlab.tuning.budget import Budget
from nnlab.tuning.budget_news import BudgetNews, study_started
from nnlab.tuning.confirm.results import Confirmation, stored_confirmation
from nnlab.tuning.confirm.session import Confirming
from nnlab.tuning.coordinator import Coordinator
from nnlab.tuning.coordinator_events import Ended, Halted, Lost, Started
from nnlab.tuning.events import (
    StandingNow,
    StudyEnded,
    StudyEvent,
    StudyStopping,
    TrialEnded,
    TrialLost,
    TrialStarted,
)
from nnlab.tuning.limits import why_limits_left_none
from nnlab.tuning.pause import Pause
from nnlab.tuning.plan import Plan
from nnlab.tuning.race.session import Racing, is_further
from nnlab.tuning.record import StudyRecord, prepare_pictures
from nnlab.tuning.report.ranking import best_trial
from nnlab.tuning.report.standing import Standing
from nnlab.tuning.run_ends import record_ends
from nnlab.tuning.running import RunningTrials
from nnlab.tuning.selection import choose
from nnlab.tuning.spending import Spending
from nnlab.tuning.storage import JOURNAL_FILE
from nnlab.tuning.study import Study
from nnlab.tuning.study_result import StudyResult
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trials import FINISHED, Asked
from nnlab.tuning.winner import Winner


class Session:
    """Executes what is left of a study.

    Args:
        plan: of the study.
        study: opened.
        recorder: of the study's own directory.
        listeners: get the events, after they are recorded.
        announce: called with the directory of each run, to sync it into MLflow.
        presses: grows by one with each Ctrl-C.
    """

    def __init__(
        self,
        plan: Plan,
        study: Study,
        recorder: Recorder,
        listeners: Listeners[StudyEvent],
        announce: Announce | None,
        presses: Sequence[float],
    ) -> None:
        self._plan = plan
        self._study = study
        self._recorder = recorder
        self._listeners = listeners
        self._announce = announce
        self._presses = presses
        self._path = recorder.directory.path
        self._tasks = Tasks(plan, study.name, self._path, self._path / JOURNAL_FILE)
        self._objectives = plan.settings.objectives
        self._record = StudyRecord(recorder, self._objectives)
        self._started = time.monotonic()
        self._finished_before = study.finished
        self._spending = Spending(Budget.of(plan.settings), study, recorder)
        self._budget_news = BudgetNews(self._spending, plan, self._path, tell=listeners.on)
        self._running = RunningTrials(self._objectives, announce)
        self._racing = Racing(study, plan, self._tasks, listeners, announce)
        self._confirmation: Confirmation | None = None
        self._status: Status = "finished"
        self._reason = ""
        self._pause = Pause(
            self._path,
            lambda: study.trials,
            warn=lambda text: listeners.on(Warned(text)),
            say=lambda text: listeners.on(Notice(text)),
            tick=lambda: listeners.on(StandingNow(self._standing())),
            presses=presses,
        )
        self._patiently = self._pause.patiently

    def run(self, executor: Executor) -> None:
        """Run the trials.

        Raises:
            KeyboardInterrupt: at Ctrl-C while the machine fails.
        """
        coordinator = Coordinator(
            self._study, self._plan.settings, self._plan.workers, executor, self._racing.task, self._spending.is_over
        )
        self._listeners.on(study_started(self._plan, self._study, self._spending))
        if self._plan.fixed.tracking.plots:
            prepare_pictures()
        self._patiently(self._catch_up)
        self._patiently(self._spending.start)
        self._budget_news.at_start()
        try:
            self._take_events(coordinator)
        finally:
            coordinator.cancel()
        if coordinator.reason_to_give_up:
            self._status, self._reason = "failed", coordinator.reason_to_give_up
        if self._status == "finished":
            self._patiently(self._spending.end)
            self._budget_news.nothing_left(self._study)
            self._confirm(executor)

    def _confirm(self, executor: Executor) -> None:
        """Run the best trials again with fresh seeds, if that is wanted."""
        parts = (self._plan, self._study, self._tasks, self._listeners, self._announce)
        confirming = Confirming(*parts, patiently=self._patiently, wait=self._pause.until_over, presses=self._presses)
        self._confirmation = confirming.run(executor)
        if confirming.was_stopped:
            self._status, self._reason = "interrupted", "interrupted by the user"

    def _take_events(self, coordinator: Coordinator) -> None:
        lost: set[int] = set()
        for event in coordinator.run():
            match event:
                case Started() | Lost() | Ended() if is_further(event.trial):
                    self._racing.on(event, self._standing(), self._patiently)
                case Started(trial, task, again):
                    self._running.add(trial.number, task.paths)
                    again = again and trial.number not in lost
                    self._listeners.on(TrialStarted(trial.number, Asked.of(trial).values, again))
                case Lost(trial, attempt, reason):
                    lost.add(trial.number)
                    self._listeners.on(TrialLost(trial.number, reason, attempt, self._plan.settings.retries))
                case Halted(error):
                    self._pause.until_over(error)
                case Ended(trial):
                    self._ended(trial)
            for news in self._patiently(lambda: [*self._running.news(), *self._racing.news()]):
                self._listeners.on(news)
            self._patiently(self._spending.sign)
            self._listeners.on(StandingNow(self._standing()))
            self._budget_news.now(coordinator.running)
            if self._presses and self._status == "finished":
                self._status, self._reason = "interrupted", "interrupted by the user"
                coordinator.stop()
                self._listeners.on(StudyStopping(coordinator.running))

    def finish(self) -> StudyResult:
        """Table, pictures, the winner's test, and the end of the record.

        Raises:
            KeyboardInterrupt: at Ctrl-C while the machine fails.
        """
        trials = self._patiently(lambda: self._study.trials)
        confirmation = self._confirmation or self._patiently(
            lambda: stored_confirmation(self._study.storage, self._study.name, trials, self._objectives)
        )
        self._patiently(lambda: self._record.table(trials, confirmation))
        has_pictures = self._plan.fixed.tracking.plots
        for problem in self._patiently(lambda: self._record.pictures(trials, confirmation)) if has_pictures else []:
            self._listeners.on(Warned(problem))
        if (best := best_trial(trials, self._objectives)) is None and self._status == "finished":
            reason = why_limits_left_none(trials) or self._budget_news.without_a_winner
            self._status, self._reason = "failed", reason
        if self._status == "finished" and confirmation is not None and confirmation.winner is None:
            self._status, self._reason = "failed", confirmation.reason
        is_chosen = self._status == "finished"
        winner = self._patiently(lambda: self._choose(best, confirmation)) if best is not None and is_chosen else None
        self._patiently(self._close)
        self._listeners.on(
            StudyEnded(
                directory=self._path,
                status=self._status,
                trials=trials,
                objectives=self._objectives,
                finished=self._study.finished,
                winner=winner,
                test_left_alone=self._plan.why_untested if is_chosen else None,
                confirmation=confirmation,
                ended_by=self._budget_news.at_end,
            )
        )
        return StudyResult(self._path, self._status, self._reason)

    def _close(self) -> None:
        if not self._recorder.is_open:  # its end could not be written
            self._recorder = Recorder.reopen(self._path, self._announce)
        self._recorder.close(self._status, self._reason or None)

    def _catch_up(self) -> None:
        """Record what an earlier session, which was killed, could not."""
        trials = self._study.trials
        self._record.progress(trials)
        for trial in trials:
            if trial.state.is_finished():
                record_ends(trial, self._tasks, self._announce)
        self._racing.catch_up()

    def _ended(self, trial: FrozenTrial) -> None:
        self._patiently(lambda: self._record_end(trial))
        if trial.state in FINISHED:
            self._pause.worked()
        self._listeners.on(TrialEnded(trial, self._standing()))

    def _record_end(self, trial: FrozenTrial) -> None:
        record_ends(trial, self._tasks, self._announce)
        self._running.end(trial.number)
        self._record.progress(self._study.known)

    def _choose(self, best: FrozenTrial, confirmation: Confirmation | None) -> Winner | None:
        """Record which trial is chosen, and its test, if that is wanted."""
        return choose(
            best,
            confirmation,
            self._study.trials,
            self._tasks,
            self._recorder,
            self._plan.fixed,
            warn=lambda text: self._listeners.on(Warned(text)),
            announce=self._announce,
        )

    def _standing(self) -> Standing:
        return Standing.of(
            self._study.known,
            self._objectives,
            total=self._plan.settings.trials,
            elapsed=time.monotonic() - self._started,
            done_before=self._finished_before,
            budget=self._spending.budget,
            searched=self._spending.seconds,
        )
