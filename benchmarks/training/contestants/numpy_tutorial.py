"""NumPy as tutorials write it: new arrays for every value, a loop over lists of layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.training.point import Array, Labels, Point, Weights, targets


class _Tutorial:
    def __init__(self, point: Point, x: Array, labels: Labels) -> None:
        self._point = point
        self._x, self._labels, self._targets = x, labels, targets(point, labels)
        self._layers = [
            [weight.copy(), None if bias is None else bias.copy()] for weight, bias in point.initial_weights()
        ]
        self._losses: list[float] = []
        self._velocities = [[np.zeros_like(weight), 0.0] for weight, _ in self._layers]

    def train(self, order: NDArray[np.intp]) -> None:
        step = self._classic if self._point.is_classic else self._modern
        for start in range(0, len(order), self._point.batch):
            batch = order[start : start + self._point.batch]
            self._losses.append(step(self._x[batch], self._targets[batch]))

    def _classic(self, x: Array, target: Array) -> float:
        activations = [x]
        for weight, _ in self._layers:
            activations.append(1 / (1 + np.exp(-(activations[-1] @ weight))))
        loss = 0.5 * np.sum((activations[-1] - target) ** 2) / len(x)
        delta = (activations[-1] - target) * activations[-1] * (1 - activations[-1]) / len(x)
        for place in reversed(range(len(self._layers))):
            weight = self._layers[place][0]
            gradient = activations[place].T @ delta
            if place:
                delta = (delta @ weight.T) * activations[place] * (1 - activations[place])
            self._layers[place][0] = weight - self._point.lr * gradient
        return float(loss)

    def _modern(self, x: Array, target: Array) -> float:
        point = self._point
        activations = [x]
        for place, (weight, bias) in enumerate(self._layers):
            z = activations[-1] @ weight + bias
            activations.append(np.maximum(z, 0) if place < len(self._layers) - 1 else z)
        logits = activations[-1]
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        loss = -np.sum(target * np.log(probabilities + 1e-9)) / len(x)
        delta = (probabilities - target) / len(x)
        for place in reversed(range(len(self._layers))):
            weight, bias = self._layers[place]
            gradients = activations[place].T @ delta + 2 * point.penalty * weight, delta.sum(axis=0)
            if place:
                delta = (delta @ weight.T) * (activations[place] > 0)
            for i, gradient in enumerate(gradients):
                self._velocities[place][i] = point.momentum * self._velocities[place][i] - point.lr * gradient
                self._layers[place][i] = self._layers[place][i] + self._velocities[place][i]
        return float(loss)

    def weights(self) -> Weights:
        return [(weight, bias) for weight, bias in self._layers]


def make(point: Point, x: Array, labels: Labels, threads: int) -> _Tutorial:
    """The tutorial."""
    return _Tutorial(point, x, labels)
