"""A network, its loss and a training step once more, as the textbooks write them: what the fast form is held against.

In float64, without buffers, fusing or scaling, a formula a line. Nothing here is used in training. What somebody has
added to nnlab (a layer, an optimizer, a schedule) has no textbook form: then its own is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from nnlab.core import schedules
from nnlab.core.layers import Activation, Dense, Dropout
from nnlab.core.losses import (
    BinaryCrossEntropyWithLogits,
    CrossEntropyWithSoftmax,
    HalfSquaredError,
    MeanSquaredError,
)
from nnlab.core.node import Array
from nnlab.core.objective import Objective
from nnlab.core.optimizers import SGD, Adam, Momentum, Nesterov, Optimizer
from nnlab.core.regularizers import L1, L2, Regularizer
from nnlab.core.rows import Rows
from nnlab.core.schedules import Horizon, Schedule


def log_softmax(z: Array) -> Array:
    """z_i − log Σ_j exp(z_j) of each row."""
    logarithms: Array = z - np.logaddexp.reduce(z, axis=-1, keepdims=True)
    return logarithms


def softmax(z: Array) -> Array:
    """exp(z_i) / Σ_j exp(z_j) of each row."""
    return np.asarray(np.exp(log_softmax(z)))


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(−z))."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -z)))


class ActivationForm(NamedTuple):
    """Its value y, and the derivative by its argument, from y and the derivative by y."""

    value: Callable[[Array], Array]
    derivative: Callable[[Array, Array], Array]


class LossForm(NamedTuple):
    """Of each row, from predictions (or logits) and targets (n, outputs); and its derivative by the first."""

    value: Callable[[Array, Array], Array]
    derivative: Callable[[Array, Array], Array]


ACTIVATIONS = {
    "identity": ActivationForm(lambda z: z, lambda y, dy: dy),
    "sigmoid": ActivationForm(sigmoid, lambda y, dy: dy * y * (1.0 - y)),
    "tanh": ActivationForm(np.tanh, lambda y, dy: dy * (1.0 - y**2)),
    "relu": ActivationForm(lambda z: np.where(z > 0.0, z, 0.0), lambda y, dy: np.where(y > 0.0, dy, 0.0)),
    "softmax": ActivationForm(softmax, lambda y, dy: y * (dy - (dy * y).sum(axis=1, keepdims=True))),
}

LOSSES: dict[Any, LossForm] = {
    HalfSquaredError: LossForm(lambda p, t: 0.5 * ((p - t) ** 2).sum(axis=1), lambda p, t: p - t),
    MeanSquaredError: LossForm(lambda p, t: ((p - t) ** 2).mean(axis=1), lambda p, t: 2.0 * (p - t) / t.shape[1]),
    CrossEntropyWithSoftmax: LossForm(
        lambda z, t: -(t * log_softmax(z)).sum(axis=1), lambda z, t: softmax(z) * t.sum(axis=1, keepdims=True) - t
    ),
    BinaryCrossEntropyWithLogits: LossForm(
        lambda z, t: (t * np.logaddexp(0.0, -z) + (1.0 - t) * np.logaddexp(0.0, z)).sum(axis=1),
        lambda z, t: sigmoid(z) - t,
    ),
}


def has_textbook_form(objective: Objective) -> bool:
    """Whether all layers and the loss are known here."""
    known = all(type(layer) in (Dense, Activation, Dropout) for layer in objective.network.layers)
    return known and objective.loss.node in LOSSES


class Pass:
    """A batch on its way through a network, and back.

    Args:
        objective: for which `has_textbook_form`.
        rows: the batch.
        dropout: the stream of masks, at the state that the other form begins with; None where nothing is dropped.
    """

    def __init__(self, objective: Objective, rows: Rows, dropout: np.random.Generator | None) -> None:
        network = objective.network
        values = {name: value.astype(np.float64) for name, value in network.parameters.named().items()}
        self._loss = LOSSES[objective.loss.node]
        self.targets = columns(rows, network.outputs)
        self._back: list[Callable[[Array], Array]] = []
        self._gradients: dict[str, Array] = {}
        x = rows.inputs(np.float64)
        dense = 0
        for layer in network.layers[:-1] if objective.loss.fused_with else network.layers:
            if isinstance(layer, Dense):
                dense += 1
                x = self._dense(x.reshape(len(x), -1), f"dense_{dense}", values)
            elif isinstance(layer, Activation):
                x = ACTIVATIONS[layer.function].value(x)
                self._back.append(partial(ACTIVATIONS[layer.function].derivative, x))
            elif isinstance(layer, Dropout) and dropout is not None and layer.rate > 0:
                kept = dropout.random(x.shape, dtype=np.float32) >= np.float32(layer.rate)
                mask = np.where(kept, 1.0 / (1.0 - layer.rate), 0.0)
                x = x * mask
                self._back.append(partial(np.multiply, mask))
        self._scores = x

    def _dense(self, x: Array, name: str, values: Mapping[str, Array]) -> Array:
        w, b = values[f"{name}.weight"], values.get(f"{name}.bias")

        def back(dy: Array) -> Array:
            self._gradients[f"{name}.weight"] = x.T @ dy
            if b is not None:
                self._gradients[f"{name}.bias"] = dy.sum(axis=0)
            return np.asarray(dy @ w.T)

        self._back.append(back)
        return np.asarray(x @ w if b is None else x @ w + b)

    def loss(self) -> float:
        """The mean loss of the rows, without penalties."""
        return float(self._loss.value(self._scores, self.targets).mean())

    def gradients(self, targets: Array | None = None) -> dict[str, Array]:
        """The derivative of the mean loss by each parameter; for other targets (n, outputs), if they are given."""
        targets = self.targets if targets is None else targets
        slope = self._loss.derivative(self._scores, targets) / len(targets)
        for back in reversed(self._back):
            slope = back(slope)
        return dict(self._gradients)


def columns(rows: Rows, outputs: int) -> Array:
    """Targets as columns (n, outputs): labels are one-hot rows, or 0 and 1 where there is one output."""
    y = rows.targets()
    if y.ndim == 2:
        return y.astype(np.float64)
    return np.asarray(y[:, None] == (np.arange(outputs) if outputs > 1 else 1), np.float64)


def penalty(rule: Regularizer, w: Array) -> float:
    """λ Σ w² or λ Σ |w|."""
    if type(rule) is L2:
        return rule.strength * math.fsum((w.astype(np.float64) ** 2).flat)
    if type(rule) is L1:
        return rule.strength * math.fsum(np.abs(w.astype(np.float64)).flat)
    return rule.value(w)


def penalty_gradient(rule: Regularizer, w: Array) -> Array:
    """2λw or λ sign(w)."""
    if type(rule) is L2:
        return 2.0 * rule.strength * w
    if type(rule) is L1:
        return rule.strength * np.sign(w)
    gradient = np.zeros_like(w)
    rule.add_gradient(w, gradient, np.empty_like(w))
    return gradient


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
    return float(schedule.floor + (1 - schedule.floor) * math.cos(0.5 * math.pi * min(1.0, step / last)) ** 2)


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
