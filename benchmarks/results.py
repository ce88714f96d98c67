"""RESULTS.md, its figures, and results.json, by which the next time stands beside this one: generated, never edited."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.table import Table
from nnlab.plots import save
from nnlab.runs.files import write_atomically

NAME, VALUES = "RESULTS.md", "results.json"

Values = dict[str, Sequence[float]]
"""Of each row of a table, by label."""


@dataclass(frozen=True)
class Results:
    """What has been measured so far.

    Attributes:
        machine: its description.
        before: what was measured on the same machine and versions the time before, by benchmark.
        texts: the tables as they are shown.
        values: what is in them, by benchmark.
    """

    machine: str
    before: Mapping[str, Values]
    texts: list[str] = field(default_factory=list)
    values: dict[str, Values] = field(default_factory=dict)

    @classmethod
    def on(cls, machine: str, earlier: Path) -> Results:
        """Nothing yet on this machine; `earlier` is the folder of an earlier time, if there is one."""
        try:
            found = json.loads((earlier / VALUES).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(machine, {})
        return cls(machine, found["benchmarks"] if found["machine"] == machine else {})

    def add(self, name: str, table: Table, loads: tuple[str, str]) -> str:
        """Add the table of a benchmark, and the machine's load before and after it; returns it as text."""
        shown = table.beside(self.before.get(name, {}))
        self.texts.append(f"{name}: {shown}\n  load of the machine: {loads[0]} before, {loads[1]} after")
        self.values[name] = {row.label: list(row.values) for row in table.rows}
        return self.texts[-1]

    def write(self, out: Path, figures: Mapping[str, Figure]) -> Path:
        """Write everything into the folder `out`, which is made if absent; returns the path of the tables."""
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
