"""The matrix products of a step and nothing else, on arrays that are there: what no NumPy can be faster than."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.training.point import Array, Labels, Point, Weights
from nnlab.core.memory import aligned_empty


class _Floor:
    def __init__(self, point: Point) -> None:
        self._batch = point.batch
        self._products: list[Callable[[], object]] = []
        self._weights = point.beginning()
        values = [_filled(point.batch, width) for width in point.widths]
        slopes = [_filled(point.batch, width) for width in point.widths]
        for place, (inputs, outputs) in enumerate(pairwise(point.widths)):
            weight = _filled(inputs, outputs)
            gradient = _filled(inputs, outputs)
            x, z, dz = values[place], values[place + 1], slopes[place + 1]
            self._products.append(partial(np.dot, x, weight, out=z))
            self._products.append(partial(np.dot, x.T, dz, out=gradient))
            if place:
                self._products.append(partial(np.dot, dz, weight.T, out=slopes[place]))

    def train(self, order: NDArray[np.intp]) -> None:
        for _ in range(len(order) // self._batch):
            for product in self._products:
                product()

    def weights(self) -> Weights:
        return self._weights


def _filled(rows: int, columns: int) -> Array:
    array: Array = aligned_empty((rows, columns), np.float32)
    array[...] = np.random.default_rng(0).standard_normal(array.shape, np.float32) * 1e-3
    return array


def make(point: Point, x: Array, labels: Labels, threads: int) -> _Floor:
    """The floor."""
    return _Floor(point)
