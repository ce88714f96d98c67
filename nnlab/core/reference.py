"""The reference that the engine is checked against: a network, its loss and its gradients by formulas of their own.

In float64, without buffers, fusing or scaling, one formula per line, and none of the engine's operations. Training does
not use it; `gradient_check` and `step_check` do. A layer or loss that is not among nnlab's own has no reference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from nnlab.core.layers import Activation, Dense, Dropout
from nnlab.core.losses import (
    BinaryCrossEntropyWithLogits,
    CrossEntropyWithSoftmax,
    HalfSquaredError,
    MeanBinaryCrossEntropyWithLogits,
    MeanSquaredError,
)
from nnlab.core.node import Array
from nnlab.core.objective import Objective
from nnlab.core.regularizers import L1, L2, Regularizer
from nnlab.core.rows import Rows


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
    MeanBinaryCrossEntropyWithLogits: LossForm(
        lambda z, t: (t * np.logaddexp(0.0, -z) + (1.0 - t) * np.logaddexp(0.0, z)).mean(axis=1),
        lambda z, t: (sigmoid(z) - t) / t.shape[1],
    ),
}


def has_reference_form(objective: Objective) -> bool:
    """Whether all layers and the loss are known here."""
    known = all(type(layer) in (Dense, Activation, Dropout) for layer in objective.network.layers)
    return known and objective.loss.node in LOSSES


class Pass:
    """A batch on its way through a network, and back.

    Args:
        objective: for which `has_reference_form`.
        rows: the batch.
        dropout: the stream of masks, in the state in which the engine starts; None where nothing is dropped.
    """

    def __init__(self, objective: Objective, rows: Rows, dropout: np.random.Generator | None) -> None:
        network = objective.network
        values = {name: value.astype(np.float64) for name, value in network.parameters.named().items()}
        self._loss = LOSSES[objective.loss.node]
        self._targets = columns(rows, network.outputs)
        self._back: list[Callable[[Array], Array]] = []
        self._back_at_most: list[Callable[[Array], Array]] = []
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
                self._back_at_most.append(np.abs)
            elif isinstance(layer, Dropout) and dropout is not None and layer.rate > 0:
                kept = dropout.random(x.shape, dtype=np.float32) >= np.float32(layer.rate)
                mask = np.where(kept, 1.0 / (1.0 - layer.rate), 0.0)
                x = x * mask
                self._back.append(partial(np.multiply, mask))
                self._back_at_most.append(partial(np.multiply, mask))
        self._scores = x

    def _dense(self, x: Array, name: str, values: Mapping[str, Array]) -> Array:
        w, b = values[f"{name}.weight"], values.get(f"{name}.bias")

        def back(x: Array, w: Array, dy: Array) -> Array:
            self._gradients[f"{name}.weight"] = x.T @ dy
            if b is not None:
                self._gradients[f"{name}.bias"] = dy.sum(axis=0)
            return np.asarray(dy @ w.T)

        self._back.append(partial(back, x, w))
        self._back_at_most.append(partial(back, np.abs(x), np.abs(w)))
        return np.asarray(x @ w if b is None else x @ w + b)

    def loss(self) -> float:
        """The mean loss of the rows, without penalties."""
        return float(self._loss.value(self._scores, self._targets).mean())

    def gradients(self) -> dict[str, Array]:
        """The derivative of the mean loss by each parameter."""
        return self._from(self._loss.derivative(self._scores, self._targets), self._back)

    def gradients_at_most(self) -> dict[str, Array]:
        """The same sums without signs, saturation or a good fit: rounding errors are a fraction of these."""
        t = self._targets
        slope = sum(np.abs(self._loss.derivative(self._scores, targets)) for targets in (t, 1.0 - t))
        return self._from(np.asarray(slope), self._back_at_most)

    def _from(self, slope: Array, back: Sequence[Callable[[Array], Array]]) -> dict[str, Array]:
        slope = slope / len(slope)
        for layer in reversed(back):
            slope = layer(slope)
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
