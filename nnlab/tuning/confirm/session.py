"""The part of a session that confirms: runs the best trials of the search again, with fresh seeds."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from nnlab.errors import MachineError
from nnlab.execution.listener import Listeners
from nnlab.runs.recorder import Announce
from nnlab.tuning.confirm.plan import ConfirmPlan, forget_plan, fresh_seeds
from nnlab.tuning.confirm.results import Confirmation
from nnlab.tuning.confirm.study import ConfirmStudy
from nnlab.tuning.confirm.tasks import ConfirmTasks
from nnlab.tuning.coordinator import Coordinator
from nnlab.tuning.coordinator_events import Ended, Halted, Lost, Started
from nnlab.tuning.events import (
    ConfirmationStarted,
    ConfirmingRunEnded,
    StandingNow,
    StudyEvent,
    StudyStopping,
    TrialLost,
    TrialStarted,
)
from nnlab.tuning.plan import Plan
from nnlab.tuning.report.standing import Standing
from nnlab.tuning.running import RunningTrials
from nnlab.tuning.study import Study
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trials import Asked

Patiently = Callable[[Callable[[], Any]], Any]


class Confirming:
    """Confirms the best trials of a study, or goes on with that.

    Attributes:
        was_stopped: whether Ctrl-C was pressed before all runs had ended.

    Args:
        plan: of the study, with `sweep.confirm`.
        study: its search, which is over.
        tasks: of the study.
        listeners: get the events, after they are recorded.
        announce: called with the directory of each run, to sync it into MLflow.
        patiently: takes a step again and again while the machine fails.
        wait: waits until an error of the machine is over.
        presses: grows by one with each Ctrl-C.
    """

    def __init__(
        self,
        plan: Plan,
        study: Study,
        tasks: Tasks,
        listeners: Listeners[StudyEvent],
        announce: Announce | None,
        *,
        patiently: Patiently,
        wait: Callable[[MachineError], None],
        presses: Sequence[float],
    ) -> None:
        self._plan = plan
        self._search = study
        self._search_tasks = tasks
        self._listeners = listeners
        self._patiently = patiently
        self._wait = wait
        self._presses = presses
        self._running = RunningTrials(plan.settings.objectives, announce)
        self._started = time.monotonic()
        self.was_stopped = False

    def run(self, executor: Executor) -> Confirmation | None:
        """Make the runs that are missing; returns what all of them say, or None if nothing is to be confirmed.

        Raises:
            KeyboardInterrupt: at Ctrl-C while the machine fails.
        """
        settings, search = self._plan.settings, self._search
        trials: list[FrozenTrial] = self._patiently(lambda: search.trials)
        seeds = fresh_seeds(self._plan.fixed.seed, settings.confirm_seeds)
        plan = ConfirmPlan.of(trials, settings.objectives, settings.confirm or 0, seeds)
        if not plan.trials:
            self._patiently(lambda: forget_plan(search.storage, search.name))
            return None
        self._study: ConfirmStudy = self._patiently(lambda: ConfirmStudy(search, settings, trials, plan))
        self._tasks = ConfirmTasks(self._search_tasks, self._study)
        self._finished_before = self._study.finished
        self._listeners.on(
            ConfirmationStarted(settings.confirm or 0, plan.trials, len(plan.seeds), self._finished_before)
        )
        coordinator = Coordinator(self._study, self._study.settings, self._plan.workers, executor, self._tasks.task)
        try:
            self._take_events(coordinator)
        finally:
            coordinator.cancel()
        runs = self._patiently(lambda: self._study.trials)
        return Confirmation.of(plan, trials, runs, settings.objectives[0])

    def _take_events(self, coordinator: Coordinator) -> None:
        lost: set[int] = set()
        for event in coordinator.run():
            match event:
                case Started(run, task, again):
                    self._running.add(run.number, task.paths)
                    number, place = self._study.place(run)
                    again = again and run.number not in lost
                    self._listeners.on(TrialStarted(number, Asked.of(run).values, again, place))
                case Lost(run, attempt, reason):
                    lost.add(run.number)
                    number, place = self._study.place(run)
                    self._listeners.on(TrialLost(number, reason, attempt, self._plan.settings.retries, place))
                case Halted(error):
                    self._wait(error)
                case Ended(run):
                    self._patiently(functools.partial(self._running.end, run.number))
                    self._listeners.on(ConfirmingRunEnded(run, *self._study.place(run), self._standing()))
            self._patiently(self._report_epochs)
            self._listeners.on(StandingNow(self._standing()))
            if self._presses and not self.was_stopped and self._study.finished < len(self._study.plan.items):
                self.was_stopped = True
                coordinator.stop()
                self._listeners.on(StudyStopping(coordinator.running))

    def _report_epochs(self) -> None:
        for news in self._running.news():
            number, place = self._study.place(self._study.known[news.number])
            self._listeners.on(replace(news, number=number, place=place))

    def _standing(self) -> Standing:
        """How many of the confirming runs are done; the best trial is the search's."""
        planned = self._study.planned
        states = [run.state for run in planned]
        complete = states.count(TrialState.COMPLETE)
        search = Standing.of(self._search.known, self._plan.settings.objectives, total=0, elapsed=0)
        return replace(
            search,
            total=len(self._study.plan.items),
            complete=complete,
            pruned=0,
            over_limit=0,
            failed=states.count(TrialState.FAIL),
            running=states.count(TrialState.RUNNING),
            elapsed=time.monotonic() - self._started,
            done_here=complete - self._finished_before,
        )
