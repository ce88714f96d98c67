"""The source of batches: rows of an array, held once, as they are stored, and never copied as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlab.core.scaling import Scaling as Scaling

Array = NDArray[Any]

UNSCALED = Scaling()


@dataclass(frozen=True)
class Rows:
    """A split of a dataset: some rows, in an order, of arrays that other splits may share.

    Args:
        x: (N, features...) bytes or floats, as they are stored.
        y: (N,) integer class labels, or (N, outputs) float targets.
        index: (n,) positions in `x` and `y`, in the split's order.
        scaling: what turns a stored row into the network's input.
    """

    x: Array
    y: Array
    index: NDArray[np.intp]
    scaling: Scaling = UNSCALED

    @classmethod
    def whole(cls, x: Array, y: Array) -> Rows:
        """All rows of `x` (N, features...) and `y`, in their order."""
        if len(x) != len(y):
            raise ValueError(f"`x` and `y` need as many rows as each other, but got {len(x)} and {len(y)}.")
        return cls(x, y, np.arange(len(x), dtype=np.intp))

    def __len__(self) -> int:
        return len(self.index)

    def first(self, n: int) -> Rows:
        """The first `n` rows of the split (all of them if there are fewer)."""
        return Rows(self.x, self.y, self.index[:n], self.scaling)

    def inputs(self, dtype: np.dtype[Any] | type = np.float32) -> Array:
        """The inputs of every row, shape (n, features...), bit for bit those of training: a copy, for small sets."""
        return self.scaling.inputs(self.x[self.index], dtype)

    def targets(self) -> Array:
        """The labels (n,) or targets (n, outputs) of every row: a copy."""
        chosen: Array = self.y[self.index]
        return chosen
