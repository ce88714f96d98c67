"""What is trained: the network, the batch, and the rows that all contestants get."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Labels = NDArray[np.int64]
Weights = list[tuple[Array, Array | None]]
"""For each layer the weight (inputs, outputs), and the bias (outputs,) if there is one."""


@dataclass(frozen=True)
class Point:
    """A network and how it is trained.

    Args:
        name: for tables.
        widths: of the layers, from the input to the output.
        batch: rows per update.
        is_classic: sigmoid units without biases and ½ Σ (p − t)², plain SGD; else ReLU and softmax with cross-entropy,
            momentum, and an L2 penalty on every weight.
        rows: how many rows an epoch has.
        lr: the learning rate.
    """

    name: str
    widths: tuple[int, ...]
    batch: int
    is_classic: bool = False
    rows: int = 48_000
    lr: float = 0.01

    momentum = 0.9
    penalty = 0.01
    """λ of λ Σ w², on every weight: scikit-learn has no penalty on some layers alone."""

    @property
    def steps(self) -> int:
        """Updates per epoch; every batch is full."""
        return self.rows // self.batch

    def initial_weights(self) -> Weights:
        """The weights that all contestants start with."""
        rng = np.random.default_rng(1)
        weights: Weights = []
        for inputs, outputs in pairwise(self.widths):
            scale = 1.0 if self.is_classic else np.sqrt(2.0 / inputs)
            weight = (scale * rng.standard_normal((inputs, outputs))).astype(np.float32)
            weights.append((weight, None if self.is_classic else np.zeros(outputs, np.float32)))
        return weights

    def loss(self, weights: Weights, x: Array, labels: Labels) -> float:
        """The mean loss of rows `x`, without the penalty, in float64: by it all contestants' weights are judged."""
        values = x.astype(np.float64)
        for place, (weight, bias) in enumerate(weights):
            values = values @ weight.astype(np.float64)
            if self.is_classic:
                values = 1.0 / (1.0 + np.exp(-values))
            elif bias is not None:
                values = values + bias
                values = np.maximum(values, 0.0) if place < len(weights) - 1 else values
        if self.is_classic:
            return float(0.5 * np.square(values - targets(self, labels)).sum() / len(x))
        values -= values.max(axis=1, keepdims=True)
        logs = np.log(np.exp(values).sum(axis=1)) - values[np.arange(len(labels)), labels]
        return float(logs.mean())


DEEP_50 = Point("784-300-50-10, batch 50", (784, 300, 50, 10), 50)
DEEP_128 = Point("784-300-50-10, batch 128", (784, 300, 50, 10), 128)
WIDE = Point("784-800-10, batch 128", (784, 800, 10), 128)
ONLINE = Point("784-50-10 sigmoid, one row at a time", (784, 50, 10), 1, is_classic=True, rows=4_000)
TRUTH_TABLE = Point("truth table 3-4-1, whole batch", (3, 4, 1), 8, is_classic=True, rows=8 * 4_000, lr=1.0)
POINTS = {
    "deep-50": DEEP_50,
    "deep-128": DEEP_128,
    "wide": WIDE,
    "online": ONLINE,
    "truth-table": TRUTH_TABLE,
}


def point_text(widths: tuple[int, ...], batch: int, rows: int) -> str:
    """A point of ReLU and softmax as a word, for `point_of`."""
    return f"{'-'.join(map(str, widths))}@{batch}x{rows}"


def point_of(text: str) -> Point:
    """The point of this name, or the one that `point_text` wrote."""
    if text in POINTS:
        return POINTS[text]
    widths, _, batch_and_rows = text.partition("@")
    batch, rows = map(int, batch_and_rows.split("x"))
    return Point(text, tuple(map(int, widths.split("-"))), batch, rows=rows)


def targets(point: Point, labels: Labels) -> Array:
    """Columns for a squared error: one per class, or the label itself for a single output."""
    if point.widths[-1] == 1:
        return labels[:, None].astype(np.float32)
    return np.eye(point.widths[-1], dtype=np.float32)[labels]
