"""What an array in NumPy's file format says of itself: its type, shape and order, before its numbers are read.

Reference: `numpy.lib.format`, "Format specification". NumPy's own reader evaluates any header of any length that a
compressed file unpacks to; this one reads what `np.save` writes for arrays of numbers and texts.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import IO, NamedTuple

import numpy as np

from nnlab.data.number_types import AnyType

MAGIC = b"\x93NUMPY"
LONGEST = 10_000
"""Bytes of a header; NumPy's own limit. Those of plain arrays have 128."""
MOST_AXES = 8
PLAIN_TYPE = re.compile(r"[<>|=]?(?:[?biufcSUV]\d*|[mM]8(?:\[[\w/]+\])?)", re.ASCII)
"""Whole numbers, floats, texts, and others that the reader of the data refuses by name. Objects would run code."""


class NpyHeader(NamedTuple):
    """What the header says.

    Args:
        dtype: of the numbers.
        shape: of the array.
        is_fortran: whether the first index varies fastest.
        size: of the header itself, in bytes.
    """

    dtype: AnyType
    shape: tuple[int, ...]
    is_fortran: bool
    size: int


def read_header(stream: IO[bytes]) -> NpyHeader:
    """Read the header at the start of a stream.

    Raises:
        ValueError: it is not the header of a plain array; the text says why.
    """
    start = stream.read(8)
    if start[:6] != MAGIC or len(start) < 8:
        raise ValueError("it is not a NumPy array")
    if start[6] not in (1, 2, 3) or start[7]:
        raise ValueError(f"its format is version {start[6]}.{start[7]}, which NumPy does not write")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(stream.read(width), "little")
    if length > LONGEST:
        raise ValueError(f"its header has {length:,} bytes")
    header = stream.read(length)
    if len(header) < length:
        raise ValueError("its header is cut off")
    dtype, shape, is_fortran = _parsed(header.decode("utf-8" if start[6] == 3 else "latin-1"))
    return NpyHeader(dtype, shape, is_fortran, 8 + width + length)


def _parsed(text: str) -> tuple[AnyType, tuple[int, ...], bool]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd literals
            facts = ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError("its header is damaged") from error
    if not isinstance(facts, dict) or set(facts) != {"descr", "fortran_order", "shape"}:
        raise ValueError("its header is damaged")
    kind, shape, is_fortran = facts["descr"], facts["shape"], facts["fortran_order"]
    if isinstance(kind, list):
        raise ValueError("its rows are records of named fields")
    if isinstance(kind, str) and "O" in kind:
        raise ValueError("it contains Python objects, which nnlab does not read")
    if not (isinstance(kind, str) and PLAIN_TYPE.fullmatch(kind)):
        raise ValueError("its header names no type of numbers")
    try:
        dtype = np.dtype(kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"its header names the type {kind[:40]}, which NumPy does not know") from error
    is_shape = isinstance(shape, tuple) and all(type(size) is int and 0 <= size < 2**62 for size in shape)
    if not is_shape or not isinstance(is_fortran, bool) or len(shape) > MOST_AXES or dtype.itemsize == 0:
        raise ValueError("its header is damaged")
    return dtype, shape, is_fortran
