"""Keras on JAX, with its `fit`."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from numpy.typing import NDArray

from benchmarks.training.point import Array, Labels, Point, Weights


class _Keras:
    def __init__(self, point: Point, x: Array, labels: Labels) -> None:
        self._point, self._x, self._labels = point, x, labels
        layers = [keras.Input((point.widths[0],))]
        for place, units in enumerate(point.widths[1:]):
            activation = "relu" if place < len(point.widths) - 2 else None
            rule = keras.regularizers.L2(point.penalty)
            layers.append(keras.layers.Dense(units, activation=activation, kernel_regularizer=rule))
        self._model = keras.Sequential(layers)
        self._model.set_weights([array for pair in point.initial_weights() for array in pair])
        self._model.compile(
            optimizer=keras.optimizers.SGD(point.lr, momentum=point.momentum),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )

    def train(self, order: NDArray[np.intp]) -> None:
        # Short ones are the check, in this order; an epoch is Keras' own, shuffled by itself.
        if len(order) < self._point.rows:
            self._model.fit(self._x[order], self._labels[order], batch_size=self._point.batch, shuffle=False, verbose=0)
        else:
            rows = self._x[: len(order)], self._labels[: len(order)]
            self._model.fit(*rows, batch_size=self._point.batch, shuffle=True, verbose=0)

    def weights(self) -> Weights:
        arrays = self._model.get_weights()
        return list(zip(arrays[::2], arrays[1::2], strict=True))


def make(point: Point, x: Array, labels: Labels, threads: int) -> _Keras:
    """Keras on JAX."""
    return _Keras(point, x, labels)
