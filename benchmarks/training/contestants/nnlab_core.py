"""nnlab's own core, as its trainer uses it: digits are kept as the bytes that they are, and scaled batch by batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.training.point import Array, Labels, Point, Weights
from nnlab.core import L2, SGD, Activation, Constant, Dense, Momentum, Network
from nnlab.core.layers import Layer
from nnlab.core.learner import Learner, Tally, evaluate
from nnlab.core.objective import Objective
from nnlab.core.profile import Profile
from nnlab.core.rows import Rows, Scaling
from nnlab.core.schedules import Horizon


class _Nnlab:
    def __init__(self, point: Point, x: Array, labels: Labels, profile: Profile | None = None) -> None:
        rule = None if point.is_classic else L2(point.penalty)
        layers: list[Layer] = []
        for place, units in enumerate(point.widths[1:]):
            is_last = place == len(point.widths) - 2
            function = "sigmoid" if point.is_classic else "softmax" if is_last else "relu"
            dense = Dense(units, use_bias=not point.is_classic, kernel_regularizer=rule)
            layers += [dense, Activation(function)]
        network = Network(layers, features=(point.widths[0],), rng=np.random.default_rng(0), dtype=np.float32)
        for (weight, bias), number in zip(point.initial_weights(), range(1, len(point.widths)), strict=True):
            network.parameters[f"dense_{number}.weight"].value[...] = weight
            if bias is not None:
                network.parameters[f"dense_{number}.bias"].value[...] = bias
        loss = "half_squared_error" if point.is_classic else "cross_entropy"
        self._rows = _as_stored(x, labels)
        self._objective = Objective(network, loss, dropout=np.random.default_rng(0))
        rate = point.lr
        optimizer = SGD(lr=rate) if point.is_classic else Momentum(lr=rate, momentum=point.momentum)
        horizon = Horizon(point.steps, 1)
        self._learner = Learner(
            self._objective, optimizer, Constant(), horizon, rows=self._rows, batch_size=point.batch, profile=profile
        )

    def train(self, order: NDArray[np.intp]) -> None:
        self._learner.learn(order, Tally())

    def weights(self) -> Weights:
        found: Weights = []
        for array in self._objective.network.parameters.named().values():
            if array.ndim == 2:
                found.append((array, None))
            else:  # a bias stands behind its weight
                found[-1] = (found[-1][0], array)
        return found

    def evaluate(self, rows: int) -> float:
        return evaluate(self._objective, self._rows.first(rows)).accuracy


def _as_stored(x: Array, labels: Labels) -> Rows:
    """As `nnlab.data` keeps them: digits as bytes, the truth table as the floats that it is."""
    pixels = np.rint(x * 255).astype(np.uint8)
    rows = Rows(pixels, labels, np.arange(len(x), dtype=np.intp), Scaling(scale=1 / 255))
    is_digits = np.any((x > 0) & (x < 1)) and np.array_equal(rows.first(1000).inputs(), x[:1000])
    return rows if is_digits else Rows.whole(x, labels)


def make(point: Point, x: Array, labels: Labels, threads: int) -> _Nnlab:
    """nnlab."""
    return _Nnlab(point, x, labels)


def make_watched(point: Point, x: Array, labels: Labels, profile: Profile) -> _Nnlab:
    """nnlab, with the time of each operation added up."""
    return _Nnlab(point, x, labels, profile)
