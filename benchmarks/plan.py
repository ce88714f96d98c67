"""What a benchmark is told: the data, how often, and where to put its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Data:
    """The data that is trained on.

    Attributes:
        name: for the tables.
        overrides: that choose it on nnlab's command line.
        root: the folder of its idx files; None where it is embedded.
        is_mnist: whether it is the data that the targets were set on.
    """

    name: str
    overrides: tuple[str, ...]
    root: Path | None
    is_mnist: bool


@dataclass(frozen=True)
class Plan:
    """How to measure.

    Attributes:
        data: to train on, where a benchmark does not bring its own.
        rounds: how often each variant is measured, one after another in turn.
        is_quick: as little as shows that it works; the figures mean nothing.
        folder: for files, removed at the end.
        figures: what benchmarks draw, by name.
    """

    data: Data
    rounds: int
    is_quick: bool
    folder: Path
    figures: dict[str, Figure] = field(default_factory=dict)
