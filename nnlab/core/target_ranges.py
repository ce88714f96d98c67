"""Which targets a loss is defined for, and what to do about others: checked when training is set up, not in a step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from nnlab.core.node import Array


@dataclass(frozen=True)
class TargetRange:
    """The numbers that a loss can be given as targets.

    Args:
        loss: in words, for messages.
        low: the smallest; None where any finite number is allowed.
        high: the largest; the same.
    """

    loss: str
    low: float | None = None
    high: float | None = None

    def check(self, targets: Array, dtype: DTypeLike = np.float64) -> None:
        """Check that all of `targets`, (n, ...) of any dtype, lie in the range.

        Args:
            targets: what is to be predicted.
            dtype: of training.

        Raises:
            ValueError: if one lies outside, or is not finite in `dtype`; with the row, and a remedy.
        """
        if not targets.size:
            return
        largest = float(np.finfo(dtype).max)
        low = -largest if self.low is None else self.low
        high = largest if self.high is None else self.high
        # Two passes that allocate nothing; NaN is the least and the greatest of whatever it stands among.
        # As Python's floats: NumPy would bring a bound of float64 down to the targets' own type.
        if low <= float(targets.min()) and float(targets.max()) <= high:
            return
        values = targets.astype(np.float64)
        outside = ~((values >= low) & (values <= high))
        first = np.argwhere(outside)[0]
        raise ValueError(
            f"{self.loss} needs {self._words(dtype)}, but got {targets[tuple(first)]} (row {first[0]}, counted from 0; "
            f"{np.count_nonzero(outside)} of {targets.size} lie outside). {self._remedy(targets)}"
        )

    def _words(self, dtype: DTypeLike) -> str:
        if self.low is None or self.high is None:
            return f"targets that are finite in {np.dtype(dtype)}"
        return f"targets from {self.low:g} to {self.high:g}"

    def _remedy(self, targets: Array) -> str:
        values = targets[np.isfinite(targets)]
        if values.size < targets.size:
            return "Leave out the rows without a target: `keep = np.isfinite(y.reshape(len(y), -1)).all(axis=1)`."
        distinct = np.unique(values)
        if self.high is not None and len(distinct) == 2:
            return f"For two classes give `y == {distinct[-1]}`."
        if self.high is not None:
            return "To predict numbers, take mean_squared_error; for one of several classes, cross_entropy."
        return "Give them in larger units, or take dtype=float64."


@dataclass(frozen=True)
class ClassLabels:
    """A class for each row: labels (n,), whole numbers from 0 to one less than there are outputs.

    Args:
        loss: in words, for messages.
    """

    loss: str

    def check(self, targets: Array, dtype: DTypeLike = np.float64) -> None:
        """Check `targets`, except against the number of outputs, which only the network knows.

        Raises:
            ValueError: if they are not (n,), or one is not a class.
        """
        if targets.ndim != 1:
            raise ValueError(
                f"{self.loss} needs a class for each row, labels (n,), but got targets {targets.shape}. "
                "For one-hot rows give `y.argmax(axis=1)`."
            )
        wrong = targets[~((targets >= 0) & (np.floor(targets) == targets))]
        if wrong.size:
            raise ValueError(
                f"{self.loss} needs classes, whole numbers from 0, but got {wrong[0]}. Count them from 0: "
                "`classes, y = np.unique(y, return_inverse=True)`."
            )
