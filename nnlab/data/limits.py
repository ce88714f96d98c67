"""What a data file may take of the memory: checked against a stated limit and what is free before it is unpacked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from nnlab.errors import UserError
from nnlab.memory import free_bytes

GIGABYTE = 10**9
MAX_GIGABYTES = 1.0
"""Unless `data.max_gigabytes` says otherwise: twenty times what MNIST takes, four times as CSV."""
ALWAYS_FREE = 2**26
"""Bytes for which nobody asks whether they are free."""
ROW_BYTES = 64
"""What a row takes besides its numbers, at most: its label as int64, its place in a split, and copies of both."""


@dataclass(frozen=True)
class MemoryLimit:
    """What reading one data file may take in memory at most, copies included.

    Args:
        gigabytes: of 10^9 bytes.
    """

    gigabytes: float = MAX_GIGABYTES

    def check(self, file: Path, needed: float, facts: str, *, held: int = 0) -> None:
        """Check that the file may be read.

        Args:
            file: for messages.
            needed: the bytes that reading it takes, in all.
            facts: why so many, in words.
            held: how many of these are allocated already.

        Raises:
            UserError: it needs more than the limit, or more than is free.
        """
        is_allowed = needed <= self.gigabytes * GIGABYTE
        if is_allowed and needed - held <= ALWAYS_FREE:
            return
        free = free_bytes()
        is_free = free is None or needed - held <= free
        if is_allowed and is_free:
            return
        known = "" if free is None else f"; {_shown(free + held)} GB are free"
        remedy = f"If the file should be so large, add `data.max_gigabytes={_rounded_up(needed)}`"
        if not is_free:
            remedy = "End other programs, take a larger machine, or give a smaller file"
            if not is_allowed:
                remedy += f" and add `data.max_gigabytes={_rounded_up(needed)}`"
        raise UserError(
            f"A data file must fit into memory, but {file} needs {_shown(needed)} GB: {facts}. "
            f"`data.max_gigabytes={self.gigabytes:g}` is the limit{known}. {remedy}."
        )


def _shown(size: float) -> str:
    return f"{size / GIGABYTE:,.2g}" if size < 10 * GIGABYTE else f"{size / GIGABYTE:,.0f}"


def _rounded_up(size: float) -> str:
    """In gigabytes, to a tenth."""
    return f"{math.ceil(10 * size / GIGABYTE) / 10:g}"
