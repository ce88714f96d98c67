"""Scores that real runs of three configurations ended with, 40 seeds each.

    python -m nnlab.run -m 'seed=range(0,40)' data=digits trainer.epochs=3 ..., with
    same_split: model=sigmoid_mlp 'model.hidden=[16]' optimizer.lr=0.5
    own_split: model=mlp 'model.hidden=[16]' optimizer.lr=0.1 data.split.seed=null
    unstable: model=mlp 'model.hidden=[8,8]' optimizer=momentum optimizer.lr=0.3 data.split.seed=null

Losses are continuous, and skewed for `unstable`; accuracies lie on a grid of 270 rows.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

with (Path(__file__).parent / "real_groups.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))

GROUPS: dict[str, NDArray[np.float64]] = {
    name: np.array([float(row[name]) for row in ROWS]) for name in ROWS[0] if name != "seed"
}
