"""The rows of a point: real digits where it has 784 inputs, else the truth table, over and over."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.training.point import Array, Labels, Point
from nnlab.data import DataSettings, load

CHECKED_STEPS = 20
CHECKED_ROWS = 1000


def rows_of(point: Point, root: Path | None, extra: int = 0) -> tuple[Array, Labels]:
    """Inputs (rows + extra, features) float32 and labels; embedded digits are repeated where there are too few.

    Args:
        point: says how many.
        root: the folder of idx files; None takes the embedded 5,000.
        extra: rows after those of an epoch.
    """
    if point.widths[0] == 3:
        dataset = load(DataSettings("toy"))
    elif root is None:
        dataset = load(DataSettings("mnist_5k"))
    else:
        dataset = load(DataSettings("idx", str(root)))
    count = point.rows + extra
    repeated = np.resize(np.arange(len(dataset.train)), count)
    return dataset.train.inputs()[repeated], dataset.train.targets()[repeated].astype(np.int64)


def order_of(point: Point, epoch: int) -> np.ndarray:
    """A random order of the rows."""
    return np.random.default_rng(100 + epoch).permutation(point.rows)
