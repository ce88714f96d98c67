"""Numbers as text: as many digits as their spread is worth."""

from __future__ import annotations

import math
from collections.abc import Iterable

from nnlab.stats import Interval


class Decimals:
    """Writes values of one metric, all with the same decimals: two digits of the smallest spread among them.

    Args:
        spreads: standard deviations or half widths of intervals; those that are not above 0 say nothing.
        values: that are written; without a spread, as many decimals as four digits of the smallest take.
    """

    def __init__(self, spreads: Iterable[float], values: Iterable[float]) -> None:
        sizes = [spread for spread in spreads if math.isfinite(spread) and spread > 0]
        largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
        digits = 1 - math.floor(math.log10(min(sizes))) if sizes else 3 - _magnitude(largest)
        self._is_scientific = largest >= 1e9 or digits > 9
        self._decimals = max(0, min(digits, 12))

    def text(self, value: float, *, sign: bool = False) -> str:
        """A value; with `sign`, a plus before what is not below zero."""
        if not math.isfinite(value):
            return str(value)
        form = "+" if sign else ""
        text = format(value, f"{form}.3e" if self._is_scientific and value else f"{form}.{self._decimals}f")
        return text.replace("-", "", 1) if text.startswith("-") and not any(c in "123456789" for c in text) else text

    def interval(self, interval: Interval | None, *, sign: bool = False) -> str:
        """`0.9406 to 0.9436`; `-` where there is none."""
        if interval is None or not math.isfinite(interval.low):
            return "-"
        return f"{self.text(interval.low, sign=sign)} to {self.text(interval.high, sign=sign)}"


def p_text(p: float | None) -> str:
    """A p-value by two digits; `-` where there is none."""
    if p is None or math.isnan(p):
        return "-"
    return f"{p:.2g}" if p < 0.0995 else f"{p:.2f}"


def _magnitude(value: float) -> int:
    return min(0, math.floor(math.log10(value))) if value > 0 else 0
