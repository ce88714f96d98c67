"""Whether a network's dtype keeps its inputs apart: no number may become infinite, no feature a single value."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nnlab.core.batches import chunks
from nnlab.core.rows import Rows
from nnlab.data.dataset import Dataset
from nnlab.data.number_types import CHUNK

SHARE = 0.1
"""The share of a feature's distinct values that may become equal to others."""


class Loss(NamedTuple):
    """What narrowing would lose, as a rule with its facts, and the remedy."""

    rule: str
    remedy: str


def narrowing_loss(dataset: Dataset, dtype: np.dtype[np.floating]) -> Loss | None:
    """What a network of `dtype` would lose of the dataset; None if nothing that matters.

    Every input of every split has to be finite. And of the first `CHUNK` training rows, no feature may have more
    than a tenth of its distinct values made equal to others, as float32 does with dates written as 20240131, with
    milliseconds since 1970, and with all that is large compared with its spread. Where values are dense, a few may
    become equal without harm.
    """
    if dataset.train.x.dtype == np.uint8:
        return None
    is_scaled = not dataset.train.scaling.is_identity
    if not is_scaled and np.can_cast(dataset.train.x.dtype, dtype, "safe") and dataset.train.x.dtype.kind == "f":
        return None
    for name in ("train", "validation", "test"):
        if (found := _infinite(getattr(dataset, name), dtype)) is not None:
            value, row, feature = found
            return Loss(
                f"must hold every input, but {value!s} in row {row} of the {name} split's table, at position {feature} "
                f"(counted from 0), {'standardized, ' if is_scaled else ''}is beyond its largest number, "
                f"{np.finfo(dtype).max:.3g}",
                _remedy(dtype, is_scaled, "a value as large as the others in that row"),
            )
    if (merged := _merged(dataset.train, dtype)) is not None:
        feature, (low, high), before, after = merged
        return Loss(
            f"must tell the values of a feature apart, but of {before:,} in the first training rows at position "
            f"{feature} (counted from 0) only {after:,} would remain: {low!s} and {high!s}, say, would become equal",
            _remedy(dtype, is_scaled, "values at that position that are closer to the others"),
        )
    return None


def _remedy(dtype: np.dtype[np.floating], is_scaled: bool, otherwise: str) -> str:
    ways = ["dtype=float64"] if dtype == np.float32 else []
    return ", or ".join([*ways, otherwise] if is_scaled else ["data.standardize=true", *ways])


def _infinite(rows: Rows, dtype: np.dtype[np.floating]) -> tuple[object, int, int] | None:
    """The first value whose input is not finite, its row in the arrays, and its feature. Inputs grow with values."""
    for ids in chunks(rows.index, CHUNK):
        chunk = rows.x[ids]
        extremes = np.stack([chunk.min(axis=0), chunk.max(axis=0)])
        finite = np.isfinite(rows.scaling.inputs(extremes, dtype))
        if not finite.all():
            side, feature = np.argwhere(~finite)[0]
            row = int(ids[np.argmax(chunk[:, feature] == extremes[side, feature])])
            return extremes[side, feature], row, int(feature)
    return None


def _merged(rows: Rows, dtype: np.dtype[np.floating]) -> tuple[int, tuple[object, object], int, int] | None:
    """The first feature that loses too many values: two that become equal, the count before, and the count after."""
    chunk = rows.x[rows.index[:CHUNK]]
    inputs = rows.scaling.inputs(chunk, dtype)
    for feature in range(chunk.shape[1]):
        values, first = np.unique(chunk[:, feature], return_index=True)
        narrowed = inputs[first, feature]
        after = len(np.unique(narrowed))
        if len(values) - after > SHARE * len(values):
            # Inputs grow with values, so those that become equal are neighbours.
            at = int(np.argmax(narrowed[1:] == narrowed[:-1]))
            return feature, (values[at], values[at + 1]), len(values), after
    return None
