"""Turns stored rows into inputs: pixels into [0, 1], features to mean 0 and standard deviation 1.

Everything is decided and fitted on the training rows alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nnlab.core.rows import Array, Rows, Scaling
from nnlab.data.number_types import CHUNK, is_exact
from nnlab.data.source import Source
from nnlab.errors import UserError

BYTE = 255
DARK = 16
"""Bytes that never exceed this do not use the range of a byte."""
BRIGHT_SHARE = 1e-3
"""The share of pixels in the training rows that must exceed it, so that a single mistake decides nothing."""

BLOCK = 1024
"""Features whose sums are taken at a time."""
LARGE_MEAN = 64
"""Deviations that a mean may be away from 0 for float32 to subtract it well: to a 2^-18th of a deviation."""
WHOLE_SHIFT = 2.0**20
"""A deviation, above which a mean is rounded to a whole number: int64 and float64 then give the same differences."""
NO_OFFSET = 2.0**-20
"""Deviations that a rounded mean may be away from the true one."""


def pixel_scaling(rows: Rows, maximum: int) -> Scaling:
    """Scale pixels from [0, `maximum`] to [0, 1]; bytes that are only 0 and 1 stay as they are.

    Raises:
        UserError: bytes that are not bits and do not use the range of a byte: what to divide them by is unclear.
    """
    if maximum != BYTE:
        return Scaling(scale=1.0 / maximum)
    needed = BRIGHT_SHARE * len(rows) * rows.x[0].size
    bright = largest = 0
    for chunk in _parts(rows):
        bright += int(np.count_nonzero(chunk > DARK))
        largest = max(largest, int(chunk.max()))
        if bright and bright >= needed:
            return Scaling(scale=1.0 / maximum)
    if largest <= 1:
        return Scaling()
    raise UserError(
        f"Pixels of bytes are divided by 255, but in the training rows {bright:,} of {len(rows) * rows.x[0].size:,} "
        f"values are above {DARK} and the largest is {largest}: these are not pixels, or have another range. "
        "`data.scale=none` leaves them as they are, `data.scale=none data.standardize=true` standardizes them."
    )


def inputs_note(source: Source, scaling: Scaling, standardized_on: int | None) -> str:
    """A note for the run's title: what was done to the rows of a source.

    Args:
        source: the rows.
        scaling: how they were scaled before any standardizing.
        standardized_on: how many rows they were standardized on; None if they were not.
    """
    x = source.parts["train"].x
    if source.maximum is None:
        done = [f"a table of {source.row_type}"]
        if x.dtype == np.uint8 and source.image_shape is not None and int(x.max()) > DARK:
            done.append("not read as pixels, which must be uint8 or have names of pixels")
    else:
        done = ["images of {}×{}".format(*source.image_shape) if source.image_shape else "pixels"]
        if not scaling.is_identity:
            done.append(f"pixels / {source.maximum}")
    if standardized_on is not None:
        done.append(f"standardized on {standardized_on:,} training rows")
    elif scaling.is_identity:
        done.append("as it is" if source.maximum is None else "as they are")
    return f"inputs: {', '.join(done)}"


def standardized(rows: Rows, scaling: Scaling, *, is_image: bool = False) -> Scaling:
    """The scaling that gives each feature of `rows` mean 0 and standard deviation 1.

    The deviation is that of the rows as a population (divisor n). A feature that is the same in every row becomes 0
    and is not divided: in other rows it is the difference from that value. Sums are of differences from the first
    row, in float64, and of squares of what the largest difference was divided out of (by a power of two): a constant
    feature has a deviation of exactly 0, a large mean costs no digits, and no square leaves float64's range.

    Args:
        rows: the training split, at least one row.
        scaling: what is applied before, a single scale.
        is_image: pixels of bytes: small whole numbers, whose mean may be taken off after they were scaled.

    Returns:
        constants of shape (features,), float64.

    Raises:
        UserError: a feature whose deviation, or one divided by it, is beyond float64.
    """
    first = rows.x[rows.index[0]]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        moments = [_moments(rows, first, features) for features in _blocks(len(first))]
        mean, deviation = (np.concatenate(each) for each in zip(*moments, strict=True))
        shift = first.astype(np.float64) + mean
        scale = np.asarray(scaling.scale / np.where(deviation > 0, deviation * scaling.scale, 1.0))
    if (broken := ~(np.isfinite(shift) & np.isfinite(deviation) & np.isfinite(scale))).any():
        feature = int(np.argmax(broken))
        values = rows.x[rows.index, feature]
        raise UserError(
            "A feature can be standardized if its spread is within the range of float64, but that at position "
            f"{feature} (counted from 0) goes from {values.min()} to {values.max()} in the training rows. Give it in "
            "another unit, or drop it."
        )
    if is_image:
        return Scaling(scale=scale, offset=-shift * scale)
    is_near = (np.abs(shift) <= LARGE_MEAN * deviation) | (deviation == 0)
    if is_near.all() and all(
        is_exact(chunk, np.float32).all() for each in _blocks(len(first)) for chunk in _chunks(rows, each)
    ):
        return Scaling(scale=scale, shift=shift)
    shift = np.where(deviation >= WHOLE_SHIFT, np.rint(shift), shift)
    offset = (_difference(shift, first) - mean) * scale
    is_right = np.abs(offset).max() <= NO_OFFSET
    return Scaling(scale=scale, shift=shift, offset=0.0 if is_right else offset, in_float64=True)


def _moments(rows: Rows, first: Array, features: slice) -> tuple[Array, Array]:
    """The mean and the standard deviation of the differences from `first`, for each of some features."""
    first = first[features]
    peak = np.zeros(first.shape)
    for chunk in _chunks(rows, features):
        np.maximum(peak, np.abs(_difference(chunk, first)).max(axis=0), out=peak)
    power = np.ldexp(1.0, np.frexp(peak)[1].clip(-1021, 1023))
    total = np.zeros(first.shape)
    for chunk in _chunks(rows, features):
        total += (_difference(chunk, first) / power).sum(axis=0)
    mean = total / len(rows)
    squares = np.zeros(first.shape)
    for chunk in _chunks(rows, features):
        squares += ((_difference(chunk, first) / power - mean) ** 2).sum(axis=0)
    return mean * power, np.sqrt(squares / len(rows)) * power


def _difference(x: Array, first: Array) -> NDArray[np.float64]:
    """x - first, rounded once: exact where both are whole numbers."""
    if first.dtype.kind != "i":
        return np.asarray(x.astype(np.float64) - first.astype(np.float64))
    if x.dtype.kind == "i":
        return np.asarray((x - first).astype(np.float64))
    whole = np.trunc(x).astype(first.dtype)
    return np.asarray((whole - first).astype(np.float64) + (x - np.trunc(x)))


def _blocks(features: int) -> Iterator[slice]:
    """All features, some at a time: rows may be so wide that `CHUNK` of them are the whole table.

    No block but the only one has a single feature: NumPy adds a lone column in another order, with other last bits.
    """
    starts = range(0, max(1, features - BLOCK + 1), BLOCK)
    for start in starts:
        yield slice(start, features if start == starts[-1] else start + BLOCK)


def _chunks(rows: Rows, features: slice = slice(None)) -> Iterator[Array]:
    """The rows, `CHUNK` at a time, with all or some of their features."""
    for start in range(0, len(rows), CHUNK):
        yield rows.x[:, features][rows.index[start : start + CHUNK]]


def _parts(rows: Rows) -> Iterator[Array]:
    """All numbers of the rows, in parts, where their order does not matter."""
    for features in _blocks(rows.x.shape[1]):
        yield from _chunks(rows, features)
