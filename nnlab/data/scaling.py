"""What turns stored rows into inputs: one factor for all, or one and an offset for each feature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnlab.core.rows import Rows, Scaling

CHUNK = 4096
"""Rows that are turned into floats at a time, so that no float copy of a whole split is made."""


def unit_scaling(maximum: int | None) -> Scaling:
    """Bring whole numbers from 0 to `maximum` into [0, 1]; None, for floats, leaves them as they are."""
    return Scaling() if maximum is None else Scaling(scale=1.0 / maximum)


def standardized(rows: Rows, scaling: Scaling) -> Scaling:
    """What gives each feature of `rows`, scaled by one factor, mean 0 and standard deviation 1.

    The deviation is that of the rows as a population (divisor n). A feature that is the same in every row
    becomes 0 and keeps its scale. Two passes of float64 sums, taken from the first row: so a constant
    feature has a deviation of exactly 0, and large offsets cost no digits.

    Args:
        rows: the training split, at least one row.
        scaling: what is applied before, a single scale and offset.

    Returns:
        scale and offset of shape (features,), float64.
    """
    first = rows.x[rows.index[0]].astype(np.float64)
    mean = first + _column_sums(rows, first, power=1) / len(rows)
    deviation = np.sqrt(_column_sums(rows, mean, power=2) / len(rows))
    scale = np.asarray(scaling.scale / np.where(deviation > 0, deviation * scaling.scale, 1.0))
    return Scaling(scale=scale, offset=-mean * scale)


def _column_sums(rows: Rows, centre: NDArray[np.float64], power: int) -> NDArray[np.float64]:
    """The sum over rows of (x - centre) ** power, per feature."""
    total = np.zeros_like(centre)
    for start in range(0, len(rows), CHUNK):
        difference = rows.x[rows.index[start : start + CHUNK]] - centre
        total += (difference**power).sum(axis=0)
    return total
