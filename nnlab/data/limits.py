"""What a data file may take of the memory: checked against a stated limit and what is free before it is unpacked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from nnlab.data.number_types import CHUNK
from nnlab.errors import UserError
from nnlab.memory import free_bytes

GIGABYTE = 10**9
MAX_GIGABYTES = 1.0
"""Unless `data.max_gigabytes` says otherwise: twenty times what MNIST takes, four times as CSV."""
ALWAYS_FREE = 2**26
"""Bytes for which nobody asks whether they are free."""
ROW_BYTES = 64
"""What a row takes besides its numbers, at most: its label as int64, its place in a split, and copies of both."""


CHECKED_BYTES = 16
"""What a number takes while it is checked, which some rows at a time are."""


def checking(shape: tuple[int, ...]) -> int:
    """The bytes that checks take of a table of this shape, besides the table."""
    rows, *others = shape or (0,)
    return CHECKED_BYTES * min(rows, CHUNK) * math.prod(others)


@dataclass(frozen=True)
class MemoryLimit:
    """What reading one data file may take in memory at most, copies included.

    Args:
        gigabytes: of 10^9 bytes.
    """

    gigabytes: float = MAX_GIGABYTES

    def allows_at_once(self, needed: float, *, held: int = 0) -> bool:
        """Whether it is so little that nobody needs to ask what is free."""
        return needed <= self.gigabytes * GIGABYTE and needed - held <= ALWAYS_FREE

    def check(self, file: Path, needed: float, facts: str, *, held: int = 0, is_all: bool = True) -> None:
        """Check that the file may be read.

        Args:
            file: for messages.
            needed: the bytes that reading it takes, in all.
            facts: why so many, in words.
            held: how many of these are allocated already.
            is_all: whether the file is known to need no more than this.

        Raises:
            UserError: it needs more than the limit, or more than is free.
        """
        if self.allows_at_once(needed, held=held):
            return
        is_allowed = needed <= self.gigabytes * GIGABYTE
        free = free_bytes()
        is_free = free is None or needed - held <= free
        if is_allowed and is_free:
            return
        known = "" if free is None else f"; {_shown(free + held)} GB are free"
        higher = f"`data.max_gigabytes={_rounded_up(needed if is_all else 2 * needed)}`"
        remedy = f"If the file should be so large, add {higher}"
        if not is_free:
            also = "" if is_allowed else f", and add {higher}"
            remedy = f"End other programs, take a machine with more memory or give a smaller file{also}"
        raise UserError(
            f"A data file must fit into memory, but {file} needs {'' if is_all else 'more than '}{_shown(needed)} GB: "
            f"{facts}. `data.max_gigabytes={self.gigabytes:g}` is the limit{known}. {remedy}."
        )


def _shown(size: float) -> str:
    return f"{size / GIGABYTE:,.3g}" if size < 1000 * GIGABYTE else f"{size / GIGABYTE:,.0f}"


def _rounded_up(size: float) -> str:
    """In gigabytes, to a tenth."""
    return f"{math.ceil(10 * size / GIGABYTE) / 10:g}"
