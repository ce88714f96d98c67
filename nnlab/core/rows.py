"""Where the numbers of a batch come from: rows of an array, held once, compactly, and never copied whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Scaling:
    """What turns a stored row into the network's input: `x * scale + offset`, per feature or one for all.

    Args:
        scale: shape () or (features,), float.
        offset: the same.
    """

    scale: float | Array = 1.0
    offset: float | Array = 0.0

    @property
    def is_identity(self) -> bool:
        """Whether rows go through unchanged."""
        return bool(np.all(self.scale == 1.0) and np.all(self.offset == 0.0))


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
    scaling: Scaling = Scaling()

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
        """The scaled inputs of every row, shape (n, features...): a copy, for plots and small sets."""
        chosen = self.x[self.index].astype(dtype)
        scaled: Array = (chosen * self.scaling.scale + self.scaling.offset).astype(dtype, copy=False)
        return scaled

    def targets(self) -> Array:
        """The labels (n,) or targets (n, outputs) of every row: a copy."""
        chosen: Array = self.y[self.index]
        return chosen
