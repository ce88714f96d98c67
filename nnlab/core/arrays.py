"""Rows and targets as users give them, read as an array of numbers: lists, NumPy's arrays, tables of pandas.

No library of tables is imported: only what any array has is used.
"""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import numpy as np

from nnlab.core.node import Array
from nnlab.plain import shown

NUMBERS = "biuf"
"""The kinds of dtype that hold numbers: truth values, whole numbers with and without sign, floats."""

OTHERS = {
    "c": ("complex numbers", "give their real and imaginary parts as columns"),
    "M": ("dates", "give numbers, such as days since the first"),
    "m": ("time spans", "give numbers: divide by np.timedelta64(1, 's')"),
    "U": ("text", "give numbers: np.unique(column, return_inverse=True)[1] numbers the values"),
    "S": ("text", "give numbers: np.unique(column, return_inverse=True)[1] numbers the values"),
    "T": ("text", "give numbers: np.unique(column, return_inverse=True)[1] numbers the values"),
    "V": ("records", "give a column for each field"),
}
"""What other kinds hold, and what to do about it."""

ROUNDING = 2.0**-40
"""Numbers that differ by less of their size are one number, computed in several ways."""

NEARER = "Subtract the mean and divide by the standard deviation first, or take `Sequential(dtype=np.float64)`."
DROP_MISSING = "Leave such rows out, or fill the gaps."


def numeric(name: str, value: Any) -> Array:
    """`value` as an array of finite numbers, of one dimension or more, in the dtype that holds them.

    Args:
        name: of the argument, for messages.
        value: anything array-like.

    Raises:
        ValueError: if it is not an array of numbers, or one of them is missing or infinite.
    """
    array = _array(name, value)
    if array.ndim == 0:
        raise ValueError(f"`{name}` must have one row per example, but is {shown(value)}. Give [[...], ...].")
    if array.dtype.kind == "O":
        array = _from_objects(name, array)
    if array.dtype.kind not in NUMBERS:
        held, remedy = OTHERS.get(array.dtype.kind, (f"values of dtype {array.dtype}", "give numbers"))
        raise ValueError(f"`{name}` must hold numbers, but holds {held}. To learn from it, {remedy}.")
    _check_finite(name, array)
    return array


def check_size(name: str, array: Array, dtype: np.dtype[Any]) -> None:
    """Check that `dtype` can hold the numbers.

    Raises:
        ValueError: if one is too large.
    """
    limit = float(np.finfo(dtype).max)
    if not array.size or np.can_cast(array.dtype, dtype, "safe"):
        return
    largest = max(abs(array.max().item()), abs(array.min().item()))
    if largest > limit:
        raise ValueError(f"`{name}` has numbers up to {float(largest):g}, but {dtype} ends at {limit:g}. {NEARER}")


def check_resolution(name: str, array: Array, dtype: np.dtype[Any]) -> None:
    """Check that `dtype` keeps the numbers of each column of `array` (n, ...) apart.

    Raises:
        ValueError: if in some column they lie so far from zero, and so near to each other, that fewer than 256 steps
            of `dtype` lie between them. (Where they differ by rounding errors of float64 alone, nothing is lost.)
    """
    if not array.size or np.can_cast(array.dtype, dtype, "safe"):
        return
    low, high = (np.ravel(bound).astype(np.float64) for bound in (array.min(axis=0), array.max(axis=0)))
    largest = np.maximum(np.abs(low), np.abs(high))
    steps = (high - low) / np.spacing(np.maximum(largest, np.finfo(dtype).tiny).astype(dtype))
    for place in np.flatnonzero((steps < 256) & (high - low > largest * ROUNDING)):
        column = array.reshape(len(array), -1)[:, place]
        if np.any(column.astype(dtype) != column):
            raise ValueError(
                f"`{name}` has a column of numbers from {low[place]:.12g} to {high[place]:.12g}, which {dtype} "
                f"cannot tell apart. {NEARER}"
            )


def _array(name: str, value: Any) -> Array:
    if value is None:
        raise ValueError(f"`{name}` must be an array, but got None. Give the rows.")
    if isinstance(value, dict | set | frozenset | str | bytes) or hasattr(value, "__next__"):
        raise ValueError(
            f"`{name}` must be an array, but got {type(value).__name__}. Give its values as np.array(...)."
        )
    if hasattr(value, "toarray") and not hasattr(value, "__array__"):
        raise ValueError(f"`{name}` must be an array, but is sparse. Give `{name}.toarray()`.")
    if np.ma.is_masked(value):
        raise ValueError(f"`{name}` has masked values. {DROP_MISSING}")
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return np.asarray(value)
    except (ValueError, TypeError, RuntimeError, OverflowError):
        remedy = (
            "Give rows of one length."
            if isinstance(value, list | tuple)
            else f"Give a NumPy array; of a PyTorch tensor, `{name}.detach().cpu().numpy()`."
        )
        raise ValueError(f"`{name}` cannot be read as an array of numbers. {remedy}") from None


def _from_objects(name: str, array: Array) -> Array:
    """Python objects as numbers: truth values, whole numbers or floats."""
    elements = array.reshape(-1).tolist()
    wrong = next((place for place, element in enumerate(elements) if not _is_number(element)), None)
    if wrong is not None:
        at = ", ".join(str(index) for index in np.unravel_index(wrong, array.shape))
        element = elements[wrong]
        remedy = DROP_MISSING if _is_missing(element) else "Give numbers alone, in rows of one length."
        raise ValueError(f"`{name}` must hold numbers, but {name}[{at}] is {shown(element)}. {remedy}")
    if all(isinstance(element, bool | np.bool_) for element in elements):
        return array.astype(np.bool_)
    is_whole = all(isinstance(element, numbers.Integral) and abs(int(element)) < 2**63 for element in elements)
    try:
        return array.astype(np.int64 if is_whole else np.float64)
    except OverflowError:
        raise ValueError(f"`{name}` has whole numbers beyond float64. Scale them first.") from None


def _is_number(element: Any) -> bool:
    is_real = isinstance(element, numbers.Real | np.bool_) or type(element).__name__ == "Decimal"
    return is_real and not _is_missing(element)


def _is_missing(element: Any) -> bool:
    """None, NaN, or pandas' own missing values."""
    is_nan = isinstance(element, float) and element != element
    return element is None or is_nan or type(element).__name__ in ("NAType", "NaTType")


def _check_finite(name: str, array: Array) -> None:
    if array.dtype.kind != "f" or not array.size:
        return
    with np.errstate(all="ignore"):
        is_finite = np.isfinite(array.min()) and np.isfinite(array.max())
    if not is_finite:
        first = np.argwhere(~np.isfinite(array))[0].tolist()
        value = float(array[tuple(first)])
        at = ", ".join(map(str, first))
        raise ValueError(f"`{name}` must hold finite numbers, but {name}[{at}] is {value:g}. {DROP_MISSING}")
