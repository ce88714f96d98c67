"""The next trials of a study, as far as no outcome that is still to come decides about them."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import FrozenTrial

from nnlab.tuning.plan import Plan
from nnlab.tuning.search.samplers import LEARNING
from nnlab.tuning.search.settings import direction
from nnlab.tuning.study import Study


def next_trials(plan: Plan, stored: Sequence[FrozenTrial], most: int) -> tuple[list[FrozenTrial], str]:
    """The next trials, which the study itself proposes, in memory.

    Args:
        plan: of the study.
        stored: the trials that it has.
        most: how many to give.

    Returns:
        the trials; and why there can be no more than those, empty where that is not known.
    """
    study = Study(
        "ahead",
        _copied("ahead", plan.settings.objectives, stored),
        plan.settings,
        plan.space,
        plan.fixed.seed,
        plan.fixed.trainer.last_epoch,
        shares_seeds=plan.has_a_split_per_seed,
    )
    return study.propose_batch(min(most, _known(plan, stored, most))), study.nothing_left


def _known(plan: Plan, stored: Sequence[FrozenTrial], most: int) -> int:
    """How many of the next trials depend on no outcome that is still to come.

    A sampler that learns is random until as many trials have ended; and a trial, or a batch of them, that is proposed
    while none is running depends on those before, which are known.
    """
    if not isinstance(sampler := plan.settings.sampler, LEARNING):
        return most
    is_idle = all(trial.state.is_finished() for trial in stored)
    at_once = plan.workers if plan.settings.deterministic else 1
    return max(0, sampler.startup_trials - len(stored), at_once if is_idle else 0)


def _copied(name: str, objectives: Sequence[str], trials: Sequence[FrozenTrial]) -> BaseStorage:
    """A storage in memory with the trials of a study."""
    storage = InMemoryStorage()
    study = optuna.create_study(storage=storage, study_name=name, directions=list(map(direction, objectives)))
    study.add_trials(trials)
    return storage
