"""What the confirming runs of a study say: the ranking by fresh seeds, and its winner."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from nnlab.tuning.confirm.plan import ConfirmPlan, stored_plan, study_of
from nnlab.tuning.confirm.study import item_of
from nnlab.tuning.report.ranking import cost
from nnlab.tuning.trials import Asked, Outcome


@dataclass(frozen=True)
class Confirmed:
    """A trial of the search with the runs that confirm it.

    Attributes:
        trial: of the search.
        seeds: the fresh ones.
        runs: those that have ended, by their seeds, in the order of the seeds.
    """

    trial: FrozenTrial
    seeds: Sequence[int]
    runs: Mapping[int, FrozenTrial]

    @cached_property
    def finished(self) -> dict[int, Outcome]:
        """The outcomes of the runs that have finished, by their seeds."""
        outcomes = {seed: Outcome.of(run) for seed, run in self.runs.items()}
        return {seed: each for seed, each in outcomes.items() if each is not None and each.status == "finished"}

    @property
    def is_whole(self) -> bool:
        """Whether each of the runs has finished: only such trials are ranked by them."""
        return len(self.finished) == len(self.seeds)

    @property
    def failed(self) -> int:
        """How many of the runs have failed or diverged."""
        return len(self.runs) - len(self.finished)

    def values(self, name: str) -> list[float]:
        """An objective or score of each run that has finished, in the order of the seeds."""
        return [outcome.objective(name) for outcome in self.finished.values()]

    def mean(self, name: str) -> float:
        """Their mean; NaN if there are none."""
        return statistics.fmean(self.values(name) or [math.nan])


@dataclass(frozen=True)
class Confirmation:
    """The confirmed trials of a study.

    Attributes:
        objective: by which they are ranked.
        seeds: the fresh ones.
        confirmed: the best first; after those whose runs have all finished come the others, as the search has them.
    """

    objective: str
    seeds: Sequence[int]
    confirmed: Sequence[Confirmed]

    @classmethod
    def of(cls, plan: ConfirmPlan, trials: Sequence[FrozenTrial], runs: Sequence[FrozenTrial], objective: str) -> Self:
        """Put together what `runs`, the confirming ones, say about `trials`, those of the search."""
        latest = {item_of(run): run for run in sorted(runs, key=lambda run: run.number) if run.state.is_finished()}
        found = [
            Confirmed(
                trial=next(each for each in trials if each.number == number),
                seeds=plan.seeds,
                runs={seed: latest[number, seed] for seed in plan.seeds if (number, seed) in latest},
            )
            for number in plan.trials
        ]
        whole = [each for each in found if each.is_whole]
        whole.sort(key=lambda each: (cost(objective, each.mean(objective)), each.trial.number))
        return cls(objective, plan.seeds, [*whole, *(each for each in found if not each.is_whole)])

    @property
    def is_over(self) -> bool:
        """Whether all runs have ended."""
        return all(len(each.runs) == len(self.seeds) for each in self.confirmed)

    @property
    def winner(self) -> Confirmed | None:
        """The best of those whose runs have all finished, once it is known; None if there is none."""
        return next((each for each in self.confirmed if each.is_whole and self.is_over), None)

    @property
    def reason(self) -> str:
        """Why there is no winner, in words."""
        return (
            f"no trial finished with all of its {len(self.seeds)} fresh seeds, so none can be chosen by them; "
            "a larger sweep.confirm tries further trials, sweep.confirm=null chooses by the search"
        )

    def at(self, number: int) -> Confirmed | None:
        """What is confirmed of the trial `number`; of one that repeats another nothing."""
        return next((each for each in self.confirmed if each.trial.number == number), None)

    @property
    def first_of_search(self) -> Confirmed:
        """What was the best by the search, of those that are confirmed."""
        return min(self.confirmed, key=lambda each: (cost(self.objective, each.trial.values[0]), each.trial.number))


def stored_confirmation(
    storage: BaseStorage, name: str, trials: Sequence[FrozenTrial], objectives: Sequence[str]
) -> Confirmation | None:
    """What the storage of the study `name` has of its confirming runs; None if nothing is to be confirmed.

    Raises:
        UserError: if it does not have it as nnlab wrote it.
    """
    plan = stored_plan(storage, name)
    if plan is None or len(objectives) != 1:
        return None
    known = {trial.number for trial in trials if Asked.of(trial).duplicate_of is None}
    plan = ConfirmPlan([number for number in plan.trials if number in known], plan.seeds)
    runs = optuna.load_study(study_name=study_of(name), storage=storage).get_trials(deepcopy=False)
    return Confirmation.of(plan, trials, runs, objectives[0])
