"""The next trials of a study, as far as no outcome that is still to come decides about them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import takewhile

import optuna
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import FrozenTrial

from nnlab.tuning.beginning import Beginning
from nnlab.tuning.plan import Plan
from nnlab.tuning.search.samplers import LEARNING
from nnlab.tuning.search.settings import direction
from nnlab.tuning.study import Study
from nnlab.tuning.trials import Asked


def next_trials(
    plan: Plan, beginning: Beginning, stored: Sequence[FrozenTrial], most: int
) -> tuple[list[FrozenTrial], str]:
    """The next trials, which the study itself proposes, in memory.

    Args:
        plan: of the study.
        beginning: with what it begins.
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
        accepts=plan.accepts,
        guesses=beginning.guesses,
        offset=0 if beginning.growth is None else beginning.growth.offset,
    )
    proposed = study.propose_batch(most)
    first_unknown = _first_unknown(plan, stored)
    # Nothing of a whole guess is drawn by the sampler.
    whole = {guess.trial for guess in beginning.guesses if plan.space.is_whole(guess.params)}

    def is_known(trial: FrozenTrial) -> bool:
        return trial.number < first_unknown or (trial.number in whole and Asked.of(trial).source is not None)

    known = list(takewhile(is_known, proposed))
    return known, study.nothing_left if len(known) == len(proposed) else ""


def _first_unknown(plan: Plan, stored: Sequence[FrozenTrial]) -> float:
    """The number of the first trial whose proposal depends on an outcome that is still to come.

    A sampler that learns is random until as many trials have ended; and a trial, or a batch of them, that is proposed
    while none is running depends on those before, which are known.
    """
    if not isinstance(sampler := plan.settings.sampler, LEARNING):
        return math.inf
    is_idle = all(trial.state.is_finished() for trial in stored)
    at_once = plan.workers if plan.settings.deterministic else 1
    return max(sampler.startup_trials, len(stored) + at_once if is_idle else 0)


def _copied(name: str, objectives: Sequence[str], trials: Sequence[FrozenTrial]) -> BaseStorage:
    """A storage in memory with the trials of a study."""
    storage = InMemoryStorage()
    study = optuna.create_study(storage=storage, study_name=name, directions=list(map(direction, objectives)))
    study.add_trials(trials)
    return storage
