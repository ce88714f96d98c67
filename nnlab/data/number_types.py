"""The type that a table is stored in: the smallest that holds each of its numbers exactly."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nnlab.core.rows import Array
from nnlab.core.scaling import WHOLE_LIMIT
from nnlab.errors import UserError

CHUNK = 4096
"""How many rows are checked at a time, so that no whole table is copied."""

AnyType = np.dtype[np.generic]


def stored_type(arrays: Mapping[str, Array]) -> AnyType:
    """The smallest type that holds every number of every array exactly.

    It is uint8 for booleans and whole numbers from 0 to 255 of integer types, else float32, else float64, else
    int64. What a run learns does not depend on it, so it may look at all rows: numbers that are equal give equal
    inputs, whatever type they are stored in.

    Args:
        arrays: finite numbers, by where they come from.

    Raises:
        UserError: none of these types does.
    """
    if all(_are_bytes(array) for array in arrays.values()):
        return np.dtype(np.uint8)
    for candidate in (np.float32, np.float64):
        if all(_first_inexact(array, candidate) is None for array in arrays.values()):
            return np.dtype(candidate)
    if all(array.dtype.kind in "biu" and _is_within(array, WHOLE_LIMIT - 1) for array in arrays.values()):
        return np.dtype(np.int64)
    origin, array = next(
        (origin, array) for origin, array in arrays.items() if _first_inexact(array, np.float64) is not None
    )
    row, *position = _first_inexact(array, np.float64) or ()
    raise UserError(
        "Rows must be numbers that float64 holds exactly, or whole numbers within ±2^62 throughout, but "
        f"{origin} has {array[row, *position]} of type {array.dtype} in row {row} at position "
        f"{', '.join(map(str, position))} (counted from 0). `x.astype('float64')` rounds it to 16 digits; "
        "a number that only names the row is better left out."
    )


def row_type(x: Array) -> AnyType:
    """The type that a file's numbers have, in the machine's byte order; float64 for types that few programs know."""
    return np.dtype(np.float64) if x.dtype.itemsize > 8 else x.dtype.newbyteorder("=")


def check_pixels(x: Array, origin: str) -> None:
    """Check that images hold bytes.

    Raises:
        UserError: a pixel that is not a whole number from 0 to 255.
    """
    for start in range(0, len(x), CHUNK):
        chunk = x[start : start + CHUNK]
        broken = ~((chunk >= 0) & (chunk <= 255) & (chunk == np.trunc(chunk))) if chunk.dtype != np.uint8 else None
        if broken is not None and broken.any():
            row, *position = (int(axis) for axis in np.unravel_index(np.argmax(broken), broken.shape))
            raise UserError(
                f"Pixels must be whole numbers from 0 to 255, as in the other rows, but {origin} has "
                f"{chunk[row, *position]} in row {start + row} at position {', '.join(map(str, position))} (counted "
                "from 0). Correct it. If these are not pixels: floats in an .npz, or columns of other names, are not."
            )


def _are_bytes(array: Array) -> bool:
    return array.dtype.kind == "b" or (array.dtype.kind in "iu" and array.min() >= 0 and array.max() <= 255)


def _is_within(array: Array, limit: int) -> bool:
    return -limit <= int(array.min()) and int(array.max()) <= limit


def _first_inexact(array: Array, dtype: type[np.floating]) -> tuple[int, ...] | None:
    """Where the first number is that `dtype` does not hold: its row and position."""
    is_long = array.dtype.kind in "iu" and array.dtype.itemsize == 8  # which NumPy calls safe in float64
    if np.can_cast(array.dtype, dtype, "safe") and not is_long:
        return None
    for start in range(0, len(array), CHUNK):
        chunk = array[start : start + CHUNK]
        exact = is_exact(chunk, dtype)
        if not exact.all():
            row, *position = (int(axis) for axis in np.unravel_index(np.argmin(exact), exact.shape))
            return start + row, *position
    return None


def is_exact(numbers: Array, dtype: type[np.floating]) -> Array:
    """Which of the numbers `dtype` holds, as truth values of the same shape."""
    with np.errstate(over="ignore", under="ignore"):
        narrowed = numbers.astype(dtype)
    if numbers.dtype.kind not in "iu" or numbers.dtype.itemsize < 8:
        return np.asarray(narrowed == numbers)
    # NumPy compares long whole numbers with floats as floats. So the way back: it is exact below 2^63 and 2^64.
    bound = 2.0**63 if numbers.dtype.kind == "i" else 2.0**64
    fits = narrowed < bound
    return np.asarray(fits & (np.where(fits, narrowed, 0).astype(numbers.dtype) == numbers))
