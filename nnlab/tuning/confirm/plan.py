"""Which runs confirm the best trials of a study: a run for each of the best K, with each of the fresh seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice
from typing import Annotated, Any, Self

import numpy as np
from optuna.storages import BaseStorage
from optuna.study import get_all_study_names
from optuna.trial import FrozenTrial

from nnlab.check import Range
from nnlab.tuning.report.ranking import ranking
from nnlab.tuning.storage import answering
from nnlab.tuning.trials import Asked, as_stored

Count = Annotated[int, Range(ge=0)]

PLAN = "confirms"
"""The attribute of the confirming runs' study that holds the plan."""
CONFIRMING = 2**32 - 1
"""Stands where the number of a trial stands in the seeds of trials: no study has so many."""
FRESH = 2**32
"""Trials have seeds of 32 bits. Fresh ones have one bit more, so that no trial can have used them."""


def fresh_seeds(study_seed: int, number: int) -> list[int]:
    """The first `number` of a study's fresh seeds: all different, of 33 bits, and no trial's, whatever the study."""
    drawn = (int(np.random.SeedSequence([study_seed, CONFIRMING, n]).generate_state(1)[0]) for n in count())
    return [FRESH + seed for seed in islice(_distinct(drawn), number)]


def _distinct(seeds: Iterable[int]) -> Iterable[int]:
    known: set[int] = set()
    for seed in seeds:
        if seed not in known:
            known.add(seed)
            yield seed


def study_of(name: str) -> str:
    """The name in the storage of the confirming runs of the study `name`; no study of its own can have it."""
    return f"{name}/confirm"


@dataclass(frozen=True)
class ConfirmPlan:
    """Which runs confirm which trials.

    Attributes:
        trials: their numbers, the best of the search first.
        seeds: the same for each.
    """

    trials: list[Count]
    seeds: list[Count]

    @classmethod
    def of(cls, trials: Sequence[FrozenTrial], objectives: Sequence[str], count: int, seeds: Sequence[int]) -> Self:
        """The best `count` trials of different values, or as many as there are."""
        best: dict[int, dict[str, Any]] = {}
        for trial in ranking(trials, objectives) if count else ():
            if len(best) < count and (values := Asked.of(trial).values) not in best.values():
                best[trial.number] = values
        return cls(list(best), list(seeds))

    @property
    def items(self) -> list[tuple[int, int]]:
        """Trial and seed of each run, in the order in which they are made: all trials with the first seed, then on."""
        return [(trial, seed) for seed in self.seeds for trial in self.trials]

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def stored_plan(storage: BaseStorage, name: str) -> ConfirmPlan | None:
    """The latest plan of the study `name`; None if nothing is to be confirmed.

    Raises:
        UserError: if the storage does not have it as nnlab wrote it.
    """
    if study_of(name) not in get_all_study_names(storage):
        return None
    study_id = storage.get_study_id_from_name(study_of(name))
    fields = storage.get_study_user_attrs(study_id).get(PLAN)
    if fields is None:
        return None
    plan: ConfirmPlan = as_stored(ConfirmPlan, fields, f"what confirms {name!r}")
    return plan if plan.trials else None


def forget_plan(storage: BaseStorage, name: str) -> None:
    """Note that nothing of the study `name` is to be confirmed (any more); what was run stays.

    Raises:
        MachineError: if the storage does not answer.
    """
    with answering():
        if stored_plan(storage, name) is not None:
            study_id = storage.get_study_id_from_name(study_of(name))
            storage.set_study_user_attr(study_id, PLAN, ConfirmPlan([], []).to_dict())
