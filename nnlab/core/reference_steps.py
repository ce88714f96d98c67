"""The reference for steps: clipping, schedules and optimizers as published, which training is checked against.

In float64, without fusing or scaling. An optimizer or schedule that is not among nnlab's own has no reference: then it
stands for itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nnlab.core import schedules
from nnlab.core.node import Array
from nnlab.core.optimizers import SGD, Adam, Momentum, Nesterov, Optimizer
from nnlab.core.schedules import Horizon, Schedule


def clipped(gradients: Mapping[str, Array], limit: float | None) -> dict[str, Array]:
    """All gradients, divided by as much as their common norm is above `limit`."""
    norm = math.hypot(*(element for gradient in gradients.values() for element in gradient.flat))
    factor = limit / norm if limit is not None and norm > limit else 1.0
    return {name: gradient * factor for name, gradient in gradients.items()}


def factor(schedule: Schedule, step: int, horizon: Horizon) -> float:
    """What a schedule multiplies the learning rate by in update `step`, counted from 0."""
    known = FACTORS.get(type(schedule))
    if known is None:
        return schedule.factor(step, horizon)
    warmup_steps = schedule.warmup * horizon.steps_per_epoch
    warmup = (step + 1) / warmup_steps if step + 1 < warmup_steps else 1.0
    return warmup * known(schedule, step, horizon)


def _cosine(schedule: Any, step: int, horizon: Horizon) -> float:
    last = max(1, horizon.epochs * horizon.steps_per_epoch - 1)
    return float(schedule.floor + (1 - schedule.floor) * (1 + math.cos(math.pi * min(1.0, step / last))) / 2)


FACTORS: dict[type, Callable[[Any, int, Horizon], float]] = {
    schedules.Constant: lambda schedule, step, horizon: 1.0,
    schedules.TimeDecay: lambda schedule, step, horizon: 1.0 / (1.0 + schedule.decay * step),
    schedules.StepDecay: lambda schedule, step, horizon: (
        schedule.drop ** (step // horizon.steps_per_epoch // schedule.every)
    ),
    schedules.Exponential: lambda schedule, step, horizon: math.exp(
        step / horizon.steps_per_epoch * math.log(schedule.decay)
    ),
    schedules.Cosine: _cosine,
}


class Stepper:
    """An optimizer's rule on one parameter: from the gradient of loss and penalty to what is added to it.

    Args:
        optimizer: the rule.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer: Any = optimizer
        self._v: Any = 0.0
        self._m: Any = 0.0
        self._t = 0
        self._state: Any = None

    def step(self, w: Array, g: Array, lr: float) -> Array:
        """The change of `w`, for gradient `g` of the same shape, at learning rate `lr`."""
        rule, kind = self._optimizer, type(self._optimizer)
        if kind is SGD:
            return -lr * g
        if kind in (Momentum, Nesterov):
            self._v = rule.momentum * self._v - lr * g
            step: Array = self._v if kind is Momentum else rule.momentum * self._v - lr * g
            return step
        if kind is Adam:
            self._t += 1
            self._m = rule.beta1 * self._m + (1 - rule.beta1) * g
            self._v = rule.beta2 * self._v + (1 - rule.beta2) * g * g
            m, v = self._m / (1 - rule.beta1**self._t), self._v / (1 - rule.beta2**self._t)
            return np.asarray(-lr * m / (np.sqrt(v) + rule.epsilon))
        moved = w.reshape(-1).copy()
        if self._state is None:
            self._state = rule.init(moved)
        rule.step(moved, g.reshape(-1).copy(), self._state, lr)
        return (moved - w.reshape(-1)).reshape(w.shape)
