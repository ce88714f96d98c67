"""A trial as it is to be stored: in one record, with all its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.trial import FrozenTrial, TrialState, create_trial

from nnlab.tuning.search.space import Space
from nnlab.tuning.trials import ASKED, Asked


def running(
    number: int, params: Mapping[str, Any], space: Space, asked: Asked, attributes: Mapping[str, Any]
) -> FrozenTrial:
    """A trial that is about to run.

    Args:
        number: of the trial.
        params: as Optuna stores them.
        space: that has them.
        asked: what it is to run.
        attributes: that its sampler needs with it.
    """
    axes = {dimension.name: dimension.distribution for dimension in space.dimensions}
    trial = create_trial(
        state=TrialState.RUNNING,
        params=dict(params),
        distributions={name: axes[name] for name in params},
        user_attrs={ASKED: asked.to_dict()},
        system_attrs=dict(attributes),
    )
    trial.number = number
    return trial
