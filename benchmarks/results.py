"""RESULTS.md and its figures: generated, never edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from nnlab.tracking.files import write_atomically
from nnlab.tracking.plots import save

NAME = "RESULTS.md"


def write_results(out: Path, machine: str, tables: Sequence[str], figures: Mapping[str, Figure]) -> Path:
    """Write the tables and figures into `out`, which is made if absent; returns the path of the file.

    Args:
        out: a folder.
        machine: its description.
        tables: as they were printed.
        figures: by name.
    """
    (out / "figures").mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        save(figure, out / "figures" / f"{name}.png")
    pictures = [f"![{name}](figures/{name}.png)\n" for name in figures]
    blocks = [f"```\n{text}\n```\n" for text in (machine, *tables)]
    head = "# Benchmarks\n\nWritten by `make bench`; do not edit. What each is: `README.md`.\n"
    write_atomically(out / NAME, "\n".join([head, *blocks, *pictures]))
    return out / NAME
