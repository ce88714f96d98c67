"""The matrix products of a step and nothing else, on existing arrays: a lower bound for any NumPy code.

With the update's passes it is a lower bound for any NumPy code that trains by momentum.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.training.point import Array, Labels, Point, Weights
from nnlab.core.memory import aligned_empty


class _Floor:
    def __init__(self, point: Point, *, updates: bool = False) -> None:
        self._batch = point.batch
        self._products: list[Callable[[], object]] = []
        self._weights = point.initial_weights()
        sizes = [_whole_lines(inputs * outputs + outputs) for inputs, outputs in pairwise(point.widths)]
        parameters, gradients, velocity = (filled(1, sum(sizes))[0] for _ in range(3))
        values = [filled(point.batch, width) for width in point.widths]
        slopes = [filled(point.batch, width) for width in point.widths]
        for place, (inputs, outputs) in enumerate(pairwise(point.widths)):
            start = sum(sizes[:place])
            weight, gradient = (
                vector[start : start + inputs * outputs].reshape(inputs, outputs) for vector in (parameters, gradients)
            )
            x, z, dz = values[place], values[place + 1], slopes[place + 1]
            self._products.append(partial(np.dot, x, weight, out=z))
            self._products.append(partial(np.dot, x.T, dz, out=gradient))
            if place:
                self._products.append(partial(np.dot, dz, weight.T, out=slopes[place]))
        if updates:  # v ← μv − g; w ← (1 − c)w + v, each a pass
            self._products += [
                partial(np.multiply, velocity, np.float32(0.9), out=velocity),
                partial(np.subtract, velocity, gradients, out=velocity),
                partial(np.multiply, parameters, np.float32(0.9998), out=parameters),
                partial(np.add, parameters, velocity, out=parameters),
            ]

    def train(self, order: NDArray[np.intp]) -> None:
        for _ in range(len(order) // self._batch):
            for product in self._products:
                product()

    def weights(self) -> Weights:
        return self._weights


def _whole_lines(size: int) -> int:
    """So many floats, rounded up to whole cache lines of 16."""
    return -(-size // 16) * 16


def filled(rows: int, columns: int) -> Array:
    """A matrix of small numbers, at a cache line."""
    array: Array = aligned_empty((rows, columns), np.float32)
    array[...] = np.random.default_rng(0).standard_normal(array.shape, np.float32) * 1e-3
    return array


def make(point: Point, x: Array, labels: Labels, threads: int) -> _Floor:
    """The floor."""
    return _Floor(point)


def make_updated(point: Point, x: Array, labels: Labels, threads: int) -> _Floor:
    """The floor, and the passes of momentum with an L2 penalty over all parameters."""
    return _Floor(point, updates=True)
