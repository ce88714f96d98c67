"""A table of what was measured: medians over the rounds, with their spread, beside what is aimed at."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
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

    def cells(self, before: Mapping[str, Sequence[float]]) -> list[str]:
        """Label, median, lowest to highest, the median `before` of the row with this label, target."""
        low, high = min(self.values), max(self.values)
        spread = f"{_shown(low)} - {_shown(high)}" if len(self.values) > 1 else ""
        earlier = self._median(before[self.label]) if self.label in before else ""
        return [self.label, self._median(self.values), spread, earlier, self.target]

    def _median(self, values: Sequence[float]) -> str:
        return f"{_shown(statistics.median(values))}{self.unit}"


@dataclass(frozen=True)
class Table:
    """The figures of one benchmark under a title; no two have the same label."""

    title: str
    rows: Sequence[Row]

    def __str__(self) -> str:
        return self.beside({})

    def beside(self, before: Mapping[str, Sequence[float]]) -> str:
        """As text, with the medians of an earlier time: the values of each label then."""
        lines = [["", "median", "spread", "last time", "target"], *(row.cells(before) for row in self.rows)]
        shown = [place for place, name in enumerate(lines[0]) if before or name != "last time"]
        widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
        text = [
            "  " + "  ".join(f"{line[place]:{'>' if place in (1, 3) else '<'}{widths[place]}}" for place in shown)
            for line in lines
        ]
        return "\n".join([self.title, *(line.rstrip() for line in text)])


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
