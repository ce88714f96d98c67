"""How counts are said."""

from __future__ import annotations


def number_of(count: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun: `1 run`, `2 runs`, `10,000 runs`.

    Args:
        count: how many.
        noun: what one is called.
        plural: what several are called; None for `noun` with an s.
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
