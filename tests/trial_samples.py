"""Trials as nnlab stores them, made without a study."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from nnlab.tuning.trials import ASKED, OUTCOME, STATES, Asked, Outcome, TrialStatus

DISTRIBUTIONS: dict[str, BaseDistribution] = {
    "optimizer.lr": FloatDistribution(1e-3, 1.0, log=True),
    "optimizer": CategoricalDistribution(["sgd", "momentum", "adam"]),
    "optimizer.momentum": FloatDistribution(0.0, 0.99),
    "trainer.batch_size": CategoricalDistribution([16, 32, 64, 128]),
    "model.depth": IntDistribution(1, 3),
    "model.width.0": IntDistribution(16, 256, log=True),
    "model.width.1": IntDistribution(16, 256, log=True),
    "model.width.2": IntDistribution(16, 256, log=True),
}
START = datetime(2026, 3, 1, 12, 0)


def make_trial(
    number: int,
    values: Sequence[float] = (),
    *,
    status: TrialStatus | None = "finished",
    params: Mapping[str, Any] | None = None,
    reason: str = "",
    scores: Mapping[str, float] | None = None,
    std: Mapping[str, float] | None = None,
    epochs: int = 3,
    seconds: float = 1.5,
    parameters: int = 1000,
    seeds: Sequence[int] = (7,),
    duplicate_of: int | None = None,
    reports: Sequence[float] = (),
) -> FrozenTrial:
    """A trial with these values of its objectives; one that runs for `status=None`."""
    params = {"optimizer.lr": 0.1, "trainer.batch_size": 32} if params is None else params
    asked = Asked(_config_values(params), list(seeds), (number, 1), duplicate_of)
    outcome = Outcome(
        status=status or "finished",
        reason=reason,
        scores=dict(zip(["val/loss"], values, strict=False)) if scores is None else scores,
        std=std or {},
        epoch=epochs,
        epochs=epochs,
        seconds=seconds,
        parameters=parameters,
        runs=[f"study-{number:04}"],
        weights_sha256=["0" * 64],
    )
    user_attrs: dict[str, Any] = {ASKED: asked.to_dict()}
    if status is not None:
        user_attrs[OUTCOME] = outcome.to_dict()
    started = START + timedelta(seconds=10 * number)
    return FrozenTrial(
        number=number,
        trial_id=number,
        state=TrialState.RUNNING if status is None else STATES[status],
        value=None,
        values=list(values) or None,
        datetime_start=started,
        datetime_complete=None if status is None else started + timedelta(seconds=8),
        params=dict(params),
        distributions={name: DISTRIBUTIONS[name] for name in params},
        # As a storage gives them back: all that it keeps has been JSON.
        user_attrs=json.loads(json.dumps(user_attrs)),
        system_attrs={},
        intermediate_values=dict(enumerate(reports, 1)),
    )


def _config_values(params: Mapping[str, Any]) -> dict[str, Any]:
    """What a space makes of these parameters: the widths are one list."""
    values = {name: value for name, value in params.items() if not name.startswith(("model.depth", "model.width"))}
    widths = [value for name, value in params.items() if name.startswith("model.width")]
    return {**values, **({"model.hidden": widths} if widths else {})}
