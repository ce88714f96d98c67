"""What was measured: tables (medians over the rounds, their spread, the target), and the files they are written to."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from nnlab.plots import save
from nnlab.runs.files import write_atomically

NAME, VALUES = "RESULTS.md", "results.json"

Values = dict[str, Sequence[float]]
"""Of each row of a table, by label."""


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        label: what it is.
        values: one a round.
        unit: after the numbers.
        target: what is aimed at, in words; empty for a figure that only explains others.
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
        """As text, with a column "last time": the medians of the values `before`, by label."""
        lines = [["", "median", "spread", "last time", "target"], *(row.cells(before) for row in self.rows)]
        shown = [place for place, name in enumerate(lines[0]) if before or name != "last time"]
        widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
        text = [
            "  " + "  ".join(f"{line[place]:{'>' if place in (1, 3) else '<'}{widths[place]}}" for place in shown)
            for line in lines
        ]
        return "\n".join([self.title, *(line.rstrip() for line in text)])


@dataclass(frozen=True)
class Report:
    """All tables of a command: `RESULTS.md`, its figures, and `results.json`, which the next report is compared with.

    Attributes:
        machine: its description.
        before: what the report before measured on the same machine and versions, by benchmark.
        texts: the tables as they are printed.
        values: their rows, by benchmark.
    """

    machine: str
    before: Mapping[str, Values]
    texts: list[str] = field(default_factory=list)
    values: dict[str, Values] = field(default_factory=dict)

    @classmethod
    def on(cls, machine: str, earlier: Path) -> Report:
        """An empty report on this machine; `earlier` is the folder of the report before, which need not exist."""
        try:
            found = json.loads((earlier / VALUES).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(machine, {})
        return cls(machine, found["benchmarks"] if found["machine"] == machine else {})

    def add(self, name: str, table: Table, loads: tuple[str, str]) -> str:
        """Add the table of a benchmark, and the load of the machine before and after it; returns it as text."""
        shown = table.beside(self.before.get(name, {}))
        self.texts.append(f"{name}: {shown}\n  load of the machine: {loads[0]} before, {loads[1]} after")
        self.values[name] = {row.label: list(row.values) for row in table.rows}
        return self.texts[-1]

    def write(self, out: Path, figures: Mapping[str, Figure]) -> Path:
        """Write everything into the folder `out`, created if it does not exist; returns the path of `RESULTS.md`."""
        (out / "figures").mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            save(figure, out / "figures" / f"{name}.png")
        pictures = [f"![{name}](figures/{name}.png)\n" for name in figures]
        blocks = [f"```\n{text}\n```\n" for text in (self.machine, *self.texts)]
        head = "# Benchmarks\n\nWritten by `make bench`; do not edit. What each is: `README.md`.\n"
        kept = {"machine": self.machine, "benchmarks": self.values}
        write_atomically(out / VALUES, json.dumps(kept, indent=1) + "\n")
        write_atomically(out / NAME, "\n".join([head, *blocks, *pictures]))
        return out / NAME


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
