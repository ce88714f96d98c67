"""The part of a session that concerns a race: its study, its tasks, and what is said of further runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from nnlab.execution.listener import Listeners
from nnlab.runs.recorder import Announce
from nnlab.tuning.coordinator_events import Ended, Lost, Started
from nnlab.tuning.events import FurtherRunEnded, StudyEvent, TrialEpoch, TrialLost, TrialStarted
from nnlab.tuning.plan import Plan
from nnlab.tuning.race.board import is_further as is_further
from nnlab.tuning.race.board import item_of
from nnlab.tuning.race.means import record_means
from nnlab.tuning.race.study import RacingStudy
from nnlab.tuning.race.tasks import RaceTasks
from nnlab.tuning.report.standing import Standing
from nnlab.tuning.run_ends import record_ends
from nnlab.tuning.running import RunningTrials
from nnlab.tuning.search.guess import Guess
from nnlab.tuning.study import Study
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trials import Asked


def study_of_plan(plan: Plan, name: str, storage: BaseStorage, guesses: Sequence[Guess] = (), offset: int = 0) -> Study:
    """The study that a plan asks for, new or resumed; for `guesses` and `offset` see `Study`.

    Raises:
        RunFailedError: if the storage does not answer.
    """
    make = RacingStudy if plan.settings.race else Study
    parts = (name, storage, plan.settings, plan.space, plan.fixed.seed, plan.fixed.trainer.last_epoch)
    shares_seeds = plan.has_a_split_per_seed
    return make(*parts, shares_seeds=shares_seeds, accepts=plan.accepts, guesses=guesses, offset=offset)


class Racing:
    """What a session does about a race; nothing where its study has none.

    Attributes:
        task: makes the task of a trial or of a further run.

    Args:
        study: of the session.
        plan: of the study.
        tasks: of the study.
        listeners: get the events.
        announce: called with the directory of each run, to sync it into MLflow.
    """

    def __init__(
        self, study: Study, plan: Plan, tasks: Tasks, listeners: Listeners[StudyEvent], announce: Announce | None
    ) -> None:
        self._study = study
        self._retries = plan.settings.retries
        self._objectives = plan.settings.objectives
        self._listeners = listeners
        self._tasks = tasks
        self._announce = announce
        self._running = RunningTrials(plan.settings.objectives, announce)
        self._lost: set[int] = set()
        seeds = plan.settings.seeds
        self.task = RaceTasks(tasks, study, seeds).task if isinstance(study, RacingStudy) else tasks.task

    def on(
        self, event: Started | Lost | Ended, standing: Standing, patiently: Callable[[Callable[[], Any]], Any]
    ) -> None:
        """Say what an event of the coordinator means that is about a further run.

        Args:
            event: of the coordinator.
            standing: of the study now.
            patiently: takes a step again and again while the machine fails.
        """
        run = event.trial
        number, place = item_of(run)
        match event:
            case Started(_, task, again):
                self._running.add(run.number, task.paths)
                again = again and run.number not in self._lost
                self._listeners.on(TrialStarted(number, Asked.of(run).values, again, further=place))
            case Lost(_, attempt, reason):
                self._lost.add(run.number)
                self._listeners.on(TrialLost(number, reason, attempt, self._retries, further=place))
            case Ended():
                patiently(lambda: self._running.end(run.number))
                trial = patiently(lambda: self._study.trials)[number]
                patiently(lambda: self._record(trial))
                self._listeners.on(FurtherRunEnded(run, number, place, trial, standing))

    def catch_up(self) -> None:
        """Record what an earlier session, which was killed, could not."""
        if isinstance(self._study, RacingStudy):
            for number in {item_of(run)[0] for run in self._study.runs.known if run.state.is_finished()}:
                self._record(self._study.known[number])

    def _record(self, trial: FrozenTrial) -> None:
        record_ends(trial, self._tasks, self._announce)
        record_means(trial, self._tasks, self._objectives)

    def news(self) -> Iterator[TrialEpoch]:
        """The latest epochs of the further runs that are under way."""
        if not isinstance(self._study, RacingStudy):
            return
        for news in self._running.news():
            number, place = item_of(self._study.runs.known[news.number])
            yield replace(news, number=number, further=place)
