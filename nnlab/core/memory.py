"""Arrays aligned to cache lines, and the memory of a graph, which is allocated once and used for every batch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]

CACHE_LINE = 64
"""Bytes."""


def aligned_empty(shape: Shape, dtype: DTypeLike) -> Array:
    """An uninitialized array of this shape, aligned to a cache line.

    NumPy's own start 16 bytes after one, so that every wide load straddles two: a pass over the parameters takes 8 %
    longer. And sums come out the same whatever the system's allocator does.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.empty(size + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return raw[start : start + size].view(dtype).reshape(shape)


def aligned_zeros(shape: Shape, dtype: DTypeLike) -> Array:
    """The same, of zeros."""
    array = aligned_empty(shape, dtype)
    array.fill(0)
    return array


class Memory:
    """Where an operation gets arrays of its own: here, new ones each time. Those of a graph come from its `Arena`.

    Args:
        dtype: of every array for which no other is asked.
    """

    def __init__(self, dtype: DTypeLike = np.float64) -> None:
        self.dtype = np.dtype(dtype)

    def empty(self, shape: Shape, dtype: DTypeLike | None = None) -> Array:
        """An uninitialized array to write into."""
        return aligned_empty(shape, self.dtype if dtype is None else dtype)

    def constant(self, name: str, shape: Shape, make: Callable[[Shape, np.dtype[Any]], Array]) -> Array:
        """An array of numbers that never change; it is read-only.

        Args:
            name: what the numbers are. All that ask by the same name, for rows of the same shape, share them.
            shape: how many rows of which shape; () for a single number.
            make: gives them, from shape and dtype. The first rows of many must be the same as fewer rows.
        """
        made = make(shape, self.dtype)
        array = aligned_empty(shape, made.dtype)
        array[...] = made
        array.flags.writeable = False
        return array


class Arena:
    """The memory of a graph: a block for each owner, which is allocated once.

    A smaller array lies at the front of its owner's block, so a smaller batch costs a few views.

    Args:
        dtype: of every array for which no other is asked.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self._new = Memory(dtype)
        self._blocks: dict[Hashable, Array] = {}
        self._constants: dict[Hashable, Array] = {}

    def buffer(self, owner: Hashable, shape: Shape, dtype: DTypeLike | None = None) -> Array:
        """The block of `owner`, in this shape; a larger block replaces it where it is too small."""
        size = math.prod(shape)
        block = self._blocks.get(owner)
        if block is None or block.size < size:
            block = self._blocks[owner] = self._new.empty((size,), dtype)
        return block[:size].reshape(shape)

    def constant(self, name: str, shape: Shape, make: Callable[[Shape, np.dtype[Any]], Array]) -> Array:
        """As `Memory.constant`: made once for the largest batch, whatever batches there are."""
        key = (name, len(shape), shape[1:])
        found = self._constants.get(key)
        if found is None or found.shape[:1] < shape[:1]:
            found = self._constants[key] = self._new.constant(name, shape, make)
        return found[: shape[0]] if shape else found

    def of(self, owner: Hashable) -> Memory:
        """The memory as one owner sees it, who asks for the same arrays in the same order for every batch size."""
        return _Part(self, owner, self._new.dtype)


class _Part(Memory):
    """One owner's part of an arena."""

    def __init__(self, arena: Arena, owner: Hashable, dtype: np.dtype[Any]) -> None:
        super().__init__(dtype)
        self._arena = arena
        self._keys = ((owner, place) for place in itertools.count())

    def empty(self, shape: Shape, dtype: DTypeLike | None = None) -> Array:
        return self._arena.buffer(next(self._keys), shape, dtype)

    def constant(self, name: str, shape: Shape, make: Callable[[Shape, np.dtype[Any]], Array]) -> Array:
        return self._arena.constant(name, shape, make)
