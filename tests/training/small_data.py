"""Datasets so small that a run on them can be followed by hand, and splits that notice when they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnlab.core import Activation, Dense, Network, Rows
from nnlab.core.initializers import INITIALIZERS
from nnlab.core.objective import Objective
from nnlab.core.optimizers import SGD, Optimizer
from nnlab.core.schedules import Constant
from nnlab.core.seeding import streams
from nnlab.data.dataset import Dataset
from nnlab.training import Trainer, TrainerSettings


def rows(x: list[list[float]], y: list[int]) -> Rows:
    return Rows.whole(np.array(x, np.float64).reshape(len(y), -1), np.array(y, np.int64))


def empty(features: int) -> Rows:
    return rows([], []) if features == 0 else Rows.whole(np.empty((0, features)), np.empty(0, np.int64))


def dataset(train: Rows, validation: Rows | None = None, test: Rows | None = None, classes: int = 2) -> Dataset:
    features = train.x.shape[1]
    names = tuple(str(label) for label in range(classes))
    return Dataset("tiny", train, validation or empty(features), test or empty(features), names, None, "0" * 64)


def one_weight(
    validation: Rows | None,
    *,
    lr: float,
    test: Rows | None = None,
    dtype: Any = np.float64,
    settings_test: bool | str = "auto",
    **settings: Any,
) -> Trainer:
    """p = wx from w = 0, on the one row x = 1, y = 1, with loss ½(p − y)² and full batches: w ← w − lr (w − 1)."""
    layers = [
        Dense(1, use_bias=False, kernel_initializer=INITIALIZERS["zeros"]()),
        Activation("identity"),
    ]
    random = streams(0)
    network = Network(layers, features=(1,), rng=random.init, dtype=dtype)
    return Trainer(
        Objective(network, "half_squared_error", dropout=random.dropout),
        SGD(lr=lr),
        Constant(),
        dataset(rows([[1.0]], [1]), validation, test),
        TrainerSettings(**{"batch_size": "full", "test": settings_test} | settings),
        random.shuffle,
    )


def weight(trainer: Trainer) -> float:
    return float(trainer.objective.network.parameters.values_vector[0])


def classifier(
    data: Dataset,
    *,
    seed: int = 0,
    hidden: int = 3,
    dtype: Any = np.float64,
    optimizer: Optimizer | None = None,
    **settings: Any,
) -> Trainer:
    """One hidden layer of ReLU units, softmax, cross-entropy."""
    random = streams(seed)
    layers = [Dense(hidden), Activation("relu"), Dense(data.classes), Activation("softmax")]
    network = Network(layers, features=(data.features,), rng=random.init, dtype=dtype)
    return Trainer(
        Objective(network, "cross_entropy", dropout=random.dropout),
        optimizer or SGD(lr=0.5),
        Constant(),
        data,
        TrainerSettings(**settings),
        random.shuffle,
    )


class WatchedArray(np.ndarray[Any, Any]):
    """An array that says whenever rows are taken out of it."""

    says: Callable[[int], None]

    def take(self, ids: Any, *args: Any, **kwargs: Any) -> Any:
        self.says(len(ids))
        return np.asarray(self).take(ids, *args, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        taken = np.asarray(self)[key]
        self.says(len(taken))
        return taken


def watched(split: Rows, says: Callable[[int], None]) -> Rows:
    """The same rows, which call `says(count)` when their inputs are read."""
    x = split.x.view(WatchedArray)
    x.says = says
    return Rows(x, split.y, split.index, split.scaling)
