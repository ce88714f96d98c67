"""How counts, times, sizes and alternatives are said."""

from __future__ import annotations

from collections.abc import Sequence

YEAR = 365 * 24 * 3600.0
"""Seconds."""


def number_of(count: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun: `1 run`, `2 runs`, `10,000 runs`.

    Args:
        count: how many.
        noun: what one is called.
        plural: what several are called; None for `noun` with an s.
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def either(parts: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return " or ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def duration(seconds: float) -> str:
    """A time: `0.42 s`, `12.5 s`, `90 s`, `10 min`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 100:
        return f"{seconds:.3g} s"
    if seconds >= YEAR:
        return f"{seconds / YEAR:.3g} years"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    units = ((hours, "h"), (minutes, "min"), (0 if hours else rest, "s"))
    return " ".join(f"{count:,} {unit}" for count, unit in units if count)


def about(seconds: float) -> str:
    """An estimated time, with as many digits as it deserves: two."""
    return duration(float(f"{seconds:.2g}"))


def bytes_in_words(count: float) -> str:
    """A number of bytes in the unit of its size, in powers of ten: `340 kB`, `25 MB`, `1.2 GB`."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}" if count < 10 * size else f"{count / size:,.0f} {unit}"
    return f"{count / 1e3:.0f} kB"
