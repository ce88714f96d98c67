"""What a benchmark is given: the data, the number of rounds, and a folder for its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Data:
    """The data to train on.

    Attributes:
        name: for the tables.
        overrides: those that select it on nnlab's command line.
        root: the folder of its idx files; None where it is embedded.
        is_mnist: whether it is full MNIST, for which the targets were set.
    """

    name: str
    overrides: tuple[str, ...]
    root: Path | None
    is_mnist: bool


@dataclass(frozen=True)
class Bench:
    """How to measure.

    Attributes:
        data: to train on, where a benchmark has none of its own.
        rounds: how often each variant is measured, all variants in turn.
        is_quick: whether to do just enough to check that it works; the figures mean nothing.
        folder: for files; removed at the end.
        figures: those that benchmarks draw, by name.
    """

    data: Data
    rounds: int
    is_quick: bool
    folder: Path
    figures: dict[str, Figure] = field(default_factory=dict)
