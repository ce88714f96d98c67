"""A table of what was measured: medians over the rounds, with their spread, beside what is aimed at."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        label: what it is.
        values: of each round.
        unit: behind the numbers.
        target: what is aimed at, in words; empty for a figure that only explains.
    """

    label: str
    values: Sequence[float]
    unit: str = ""
    target: str = ""

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Label, median, lowest to highest, target."""
        middle, low, high = statistics.median(self.values), min(self.values), max(self.values)
        spread = f"{_shown(low)} - {_shown(high)}" if len(self.values) > 1 else ""
        return self.label, f"{_shown(middle)}{self.unit}", spread, self.target


@dataclass(frozen=True)
class Table:
    """The figures of one benchmark under a title."""

    title: str
    rows: Sequence[Row]

    def __str__(self) -> str:
        lines = [("", "median", "spread", "target"), *(row.cells for row in self.rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(4)]
        aligned = ("<", ">", "<", "<")
        text = [
            "  " + "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(line, aligned, widths, strict=True))
            for line in lines
        ]
        return "\n".join([self.title, *(line.rstrip() for line in text)])


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
