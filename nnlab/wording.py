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


def duration(seconds: float) -> str:
    """A time in two units at most: `0.42 s`, `4.2 s`, `12 s`, `1 min 10 s`, `3 h 20 min`, `2 days 4 h`."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, size, smaller, rest in (("day", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            many, left = divmod(round(whole / rest), size // rest)
            name = number_of(many, unit) if unit == "day" else f"{many:,} {unit}"
            return f"{name} {left} {smaller}" if left else name
    return f"{whole} s"


def bytes_in_words(count: float) -> str:
    """A number of bytes in the unit of its size, in powers of ten: `340 kB`, `25 MB`, `1.2 GB`."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}" if count < 10 * size else f"{count / size:,.0f} {unit}"
    return f"{count / 1e3:.0f} kB"
