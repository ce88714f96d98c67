"""scikit-learn's MLPClassifier."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from benchmarks.training.point import Array, Labels, Point, Weights


class _ScikitLearn:
    def __init__(self, point: Point, x: Array, labels: Labels) -> None:
        warnings.filterwarnings("ignore")
        self._x, self._labels = x, labels
        # Its penalty is ½ α Σ w² / rows of the batch.
        self._model = MLPClassifier(
            hidden_layer_sizes=point.widths[1:-1],
            solver="sgd",
            alpha=2 * point.penalty * point.batch,
            batch_size=point.batch,
            learning_rate_init=point.lr,
            momentum=point.momentum,
            nesterovs_momentum=False,
            shuffle=False,
            max_iter=1,
        )
        # A first call on one batch makes its arrays; then it gets everybody's weights, and an optimizer at rest.
        self._model.partial_fit(x[: point.batch], labels[: point.batch], classes=np.arange(point.widths[-1]))
        for place, (weight, bias) in enumerate(point.initial_weights()):
            self._model.coefs_[place][...] = weight
            self._model.intercepts_[place][...] = bias
        for velocity in self._model._optimizer.velocities:
            velocity[...] = 0

    def train(self, order: NDArray[np.intp]) -> None:
        # The whole epoch is gathered at once: with `shuffle` it would gather each batch by itself, which is slower.
        self._model.partial_fit(self._x[order], self._labels[order])

    def weights(self) -> Weights:
        return list(zip(self._model.coefs_, self._model.intercepts_, strict=True))


def make(point: Point, x: Array, labels: Labels, threads: int) -> _ScikitLearn:
    """scikit-learn."""
    return _ScikitLearn(point, x, labels)
