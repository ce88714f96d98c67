"""From stored rows to the network's inputs: one arithmetic, for training, evaluation, pictures and stored models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from nnlab.core.memory import aligned_empty
from nnlab.core.node import Array, Calls, call

WHOLE_LIMIT = 2**62
"""Whole numbers below it, and their differences, are exact in int64."""


@dataclass(frozen=True)
class Scaling:
    """What turns a stored row into the network's input: `(x - shift) * scale + offset`, by feature or one for all.

    It is computed in the network's dtype, or in float64 and narrowed last. The latter is for rows that need it: those
    that float32 does not hold, and those that are large compared with their spread, such as timestamps.

    Args:
        scale: shape () or (features,), float.
        offset: the same.
        shift: the same.
        in_float64: compute in float64, whatever the network's dtype. The shift is then subtracted exactly from
            64-bit integers, before they become floats.
    """

    scale: float | Array = 1.0
    offset: float | Array = 0.0
    shift: float | Array = 0.0
    in_float64: bool = False

    @property
    def is_identity(self) -> bool:
        """Whether rows go through unchanged."""
        return bool(np.all(self.scale == 1.0) and np.all(self.offset == 0.0) and np.all(self.shift == 0.0))

    def calls(self, stage: Array, out: Array) -> Calls:
        """Calls that write the inputs for the rows in `stage` (n, features...), overwritten, into `out` of that shape.

        Args:
            stage: numbers of any type, as they are stored.
            out: of the network's dtype.
        """
        dtype = np.dtype(np.float64) if self.in_float64 else out.dtype
        work = next((array for array in (out, stage) if array.dtype == dtype), None)
        if work is None:
            work = aligned_empty(stage.shape, dtype)
        shift = np.asarray(self.shift, np.float64)
        if self.in_float64 and _is_long(stage.dtype) and np.all(np.abs(shift) < WHOLE_LIMIT):
            whole = np.trunc(shift).astype(stage.dtype)
            shift = shift - whole
            yield call(np.subtract, stage, whole, stage)
        # Widened first, then scaled in place: twice as fast as one multiplication of mixed types.
        if work is not stage:
            yield call(np.copyto, work, stage)
        if np.any(shift):
            yield call(np.subtract, work, shift.astype(dtype), work)
        if np.any(np.asarray(self.scale) != 1.0):
            yield call(np.multiply, work, np.asarray(self.scale, dtype), work)
        if np.any(self.offset):
            yield call(np.add, work, np.asarray(self.offset, dtype), work)
        if work is not out:
            yield call(np.copyto, out, work)

    def inputs(self, rows: Array, dtype: DTypeLike) -> Array:
        """The inputs for `rows` (n, features...) of any type of number: a new array, of `dtype`."""
        stage = rows.astype(_staged_type(rows))
        out = np.empty(rows.shape, dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            for step in self.calls(stage, out):
                step()
        return out


def _is_long(dtype: np.dtype[np.generic]) -> bool:
    return dtype.kind == "i" and dtype.itemsize == 8


def _staged_type(rows: Array) -> np.dtype[np.generic]:
    """The type that rows are brought in as: their own, but for long whole numbers, which have to be signed and safe."""
    if rows.dtype.kind in "iu" and rows.dtype.itemsize == 8 and rows.size:
        is_safe = int(rows.min()) > -WHOLE_LIMIT and int(rows.max()) < WHOLE_LIMIT
        return np.dtype(np.int64 if is_safe else np.float64)
    return rows.dtype
