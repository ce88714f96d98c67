"""Learning curves of whole trials: a study that prunes nothing, without any files."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial
from threadpoolctl import threadpool_limits

from nnlab.config.build import build_trainer
from nnlab.training import DivergedError, EpochEnd
from nnlab.tuning.plan import Plan
from nnlab.tuning.planning import make_plan
from nnlab.tuning.study import Study
from nnlab.tuning.trials import Asked, Outcome

TRIALS = 40
METRIC = "val/loss"


@dataclass(frozen=True)
class Curve:
    """A trial's score after each of its epochs.

    Attributes:
        scores: `val/loss`; fewer than the study has epochs if the trial diverged.
        has_diverged: whether it did.
    """

    scores: tuple[float, ...]
    has_diverged: bool = False

    @property
    def kept(self) -> dict[str, float]:
        """What the trial's outcome would have as its scores."""
        return {METRIC: self.best}

    @property
    def best(self) -> float:
        """What the trial would be worth if nothing stopped it."""
        return min(self.scores)


def study_curves(overrides: Sequence[str], seed: int, trials: int = TRIALS) -> list[Curve]:
    """The curves of a study in the order of its trials.

    Args:
        overrides: of `nnlab.sweep`.
        seed: of the study; its split is drawn from it too.
        trials: how many it has.
    """
    fixed = ("data.split.seed=null", "sweep.pruner=none", "tracking.enabled=false")
    plan = make_plan([*overrides, *fixed, f"seed={seed}"])
    study = Study("curves", InMemoryStorage(), plan.settings, plan.space, seed, plan.fixed.trainer.last_epoch)
    curves = []
    with threadpool_limits(1):
        for _ in range(trials):
            trial = study.propose()
            curves.append(curve := _trained(plan, trial))
            study.tell(trial, Outcome("diverged") if curve.has_diverged else Outcome("finished", scores=curve.kept))
    return curves


def _trained(plan: Plan, trial: FrozenTrial) -> Curve:
    asked = Asked.of(trial)
    config, dataset = plan.at(asked.values, plan.fixed.seed)  # all trials of a study have one split
    trainer = build_trainer(dataclasses.replace(config, seed=asked.seeds[0]), dataset)
    events = (event for event in trainer.run(test=False) if isinstance(event, EpochEnd))
    scores: list[float] = []
    with suppress(DivergedError):
        scores.extend(event.metrics[METRIC] for event in events)  # keeps those before the error
    return Curve(tuple(scores), has_diverged=not trainer.is_complete)
