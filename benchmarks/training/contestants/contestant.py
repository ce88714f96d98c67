"""What every contestant must be able to do."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.training.point import Weights


class Contestant(Protocol):
    """A network with the point's first weights, and the point's rows in the form that suits it best."""

    def train(self, order: NDArray[np.intp]) -> None:
        """Train on the rows in this order, batch by batch; everything is done when this returns."""

    def weights(self) -> Weights:
        """The weights as they are."""


class Evaluator(Protocol):
    """A contestant that can also evaluate."""

    def evaluate(self, rows: int) -> float:
        """Loss and accuracy of the first rows; returns the accuracy."""
