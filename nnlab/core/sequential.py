"""The layer stack with Keras' manners: add, compile, fit, evaluate, predict.

>>> import numpy as np
>>> model = Sequential([Dense(4), Activation("tanh"), Dense(2), Activation("softmax")], seed=1)
>>> model.compile(optimizer=SGD(lr=0.5), loss="categorical_crossentropy", metrics=["accuracy"])
>>> x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
>>> history = model.fit(x, y, epochs=500, batch_size=4, verbose=0)
>>> model.evaluate(x, y)[1]
1.0
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnlab.core.graph import Array
from nnlab.core.layers import Activation, Dense, Layer
from nnlab.core.learner import Learner, Tally, evaluate, shuffled
from nnlab.core.network import Network
from nnlab.core.objective import LOSSES, Objective
from nnlab.core.optimizers import OPTIMIZERS, SGD, Optimizer
from nnlab.core.rows import Rows
from nnlab.core.schedules import Constant, Horizon, Schedule
from nnlab.core.seeding import streams

__all__ = ["SGD", "Activation", "Dense", "History", "Sequential"]

KERAS_NAMES = {
    "categorical_crossentropy": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "mse": "mean_squared_error",
}


class History:
    """What `fit` saw: `epoch` (from 0, as in Keras), and `history`, a list of numbers an epoch by metric."""

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def add(self, metrics: Mapping[str, float]) -> None:
        """Append one epoch's metrics."""
        self.epoch.append(len(self.epoch))
        for name, number in metrics.items():
            self.history.setdefault(name, []).append(number)


class Sequential:
    """A network that is declared layer by layer and learns from arrays.

    Args:
        layers: from the input to the output; more can be added.
        seed: of every random stream; the same seed, data and machine give the same bits.
        dtype: float32 or float64.
    """

    def __init__(self, layers: Iterable[Layer] = (), *, seed: int = 0, dtype: DTypeLike = np.float32) -> None:
        self.layers = list(layers)
        self.dtype = np.dtype(dtype)
        self._streams = streams(seed)
        self._network: Network | None = None
        self._objective: Objective | None = None
        self._loss: str | None = None

    def add(self, layer: Layer) -> None:
        """Put a layer behind the others.

        Raises:
            RuntimeError: if the network has seen data already.
        """
        if self._network is not None:
            raise RuntimeError("The network is built. Add layers before `fit`, `evaluate` or `predict`.")
        self.layers.append(layer)

    def compile(
        self,
        optimizer: Optimizer | str = "sgd",
        loss: str = "cross_entropy",
        metrics: Sequence[str] = ("accuracy",),
        *,
        schedule: Schedule | None = None,
        clip_norm: float | None = None,
    ) -> None:
        """Choose how to learn.

        Args:
            optimizer: an optimizer, or the name of one with its default settings.
            loss: half_squared_error, mean_squared_error, cross_entropy, binary_cross_entropy, or Keras' name
                for one. Losses that are reported include the layers' penalties, as Keras' do.
            metrics: accuracy is the only one; an empty list leaves it out.
            schedule: of the learning rate; constant if left out.
            clip_norm: the largest global norm of a gradient.

        Raises:
            ValueError: if a name is unknown.
        """
        if isinstance(optimizer, str) and optimizer not in OPTIMIZERS:
            raise ValueError(f"`optimizer` must be one of {', '.join(OPTIMIZERS)}, but got {optimizer!r}.")
        if (name := KERAS_NAMES.get(loss, loss)) not in LOSSES:
            raise ValueError(f"`loss` must be one of {', '.join(LOSSES)}, but got {loss!r}.")
        if unknown := set(metrics) - {"accuracy"}:
            raise ValueError(f"`metrics` knows accuracy alone, but got {sorted(unknown)}.")
        self._optimizer = OPTIMIZERS[optimizer]() if isinstance(optimizer, str) else optimizer
        self._loss = name
        self._with_accuracy = bool(metrics)
        self._schedule = schedule or Constant()
        self._clip_norm = clip_norm
        self._objective = None

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        validation_split: float = 0.0,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        shuffle: bool = True,
        verbose: int = 1,
    ) -> History:
        """Learn from rows `x` (n, features...) and `y`: labels (n,), one-hot rows or targets (n, outputs).

        Args:
            x: the inputs.
            y: the targets.
            epochs: passes over the training rows.
            batch_size: rows a batch; the last may be smaller.
            validation_split: the fraction of rows, taken from the END before shuffling, to evaluate on.
            validation_data: rows to evaluate on, in place of a fraction.
            shuffle: whether each epoch has an order of its own.
            verbose: 0 is silent, otherwise a line an epoch.

        Returns:
            The history: loss and accuracy (as they were just before each update, averaged over the epoch),
            and val_loss and val_accuracy after each epoch.

        Raises:
            ValueError: if arrays do not fit each other or the network.
        """
        rows = _rows(x, y)
        if not 0.0 <= validation_split < 1.0:
            raise ValueError(f"`validation_split` must be at least 0 and below 1, but got {validation_split}.")
        held_out = round(len(rows) * validation_split)
        validation = (
            _rows(*validation_data) if validation_data else Rows(rows.x, rows.y, rows.index[len(rows) - held_out :])
        )
        rows = rows if validation_data else rows.first(len(rows) - held_out)

        objective = self._ready(rows)
        horizon = Horizon(steps_per_epoch=-(-len(rows) // batch_size), epochs=epochs)
        learner = Learner(
            objective,
            self._optimizer,
            self._schedule,
            horizon,
            rows=rows,
            batch_size=batch_size,
            clip_norm=self._clip_norm,
        )
        history = History()
        for epoch in range(epochs):
            tally = Tally()
            learner.learn(shuffled(rows, self._streams.shuffle) if shuffle else rows.index, tally)
            metrics = {"loss": tally.mean_loss, "accuracy": tally.accuracy}
            if len(validation):
                held = evaluate(objective, validation)
                metrics |= {"val_loss": held.mean_loss, "val_accuracy": held.accuracy}
            if not self._with_accuracy:
                metrics = {name: number for name, number in metrics.items() if "accuracy" not in name}
            history.add(metrics)
            if verbose:
                numbers = " - ".join(f"{name}: {number:.4f}" for name, number in metrics.items())
                sys.stdout.write(f"Epoch {epoch + 1}/{epochs} - {numbers}\n")
        return history

    def evaluate(self, x: ArrayLike, y: ArrayLike) -> tuple[float, float]:
        """(loss, accuracy) on rows `x` and `y`; see `fit`."""
        rows = _rows(x, y)
        tally = evaluate(self._ready(rows), rows)
        return tally.mean_loss, tally.accuracy

    def predict(self, x: ArrayLike) -> Array:
        """Outputs (n, outputs) for rows `x` (n, features...)."""
        array = np.asarray(x)
        return self._built(array.shape[1:]).predict(array)

    @property
    def network(self) -> Network:
        """The network with its parameters.

        Raises:
            RuntimeError: if the shape of a row is not known yet.
        """
        if self._network is None:
            raise RuntimeError(
                "The network is not built: nothing says how many features a row has. Call `fit` or `predict`."
            )
        return self._network

    def _built(self, features: tuple[int, ...]) -> Network:
        if self._network is None:
            self._network = Network(self.layers, features=features, rng=self._streams.init, dtype=self.dtype)
        if self._network.features != features:
            raise ValueError(f"The network needs rows of shape {self._network.features}, but got {features}.")
        return self._network

    def _ready(self, rows: Rows) -> Objective:
        if self._loss is None:
            raise RuntimeError("Nothing says what to make small. Call `compile` first.")
        network = self._built(rows.x.shape[1:])
        if self._objective is None:
            self._objective = Objective(network, self._loss, dropout=self._streams.dropout, reports_penalty=True)
        if rows.y.ndim == 1 and len(rows) and int(rows.y.max()) >= max(2, network.outputs):
            raise ValueError(
                f"Label {rows.y.max()} needs {rows.y.max() + 1} outputs, but the network has {network.outputs}."
            )
        return self._objective


def _rows(x: ArrayLike, y: ArrayLike) -> Rows:
    """Rows with integer labels where `y` is labels or one-hot, with float targets otherwise."""
    inputs, targets = np.asarray(x), np.asarray(y)
    if targets.ndim == 2 and targets.shape[1] > 1 and _is_one_hot(targets):
        targets = targets.argmax(axis=1)
    elif targets.ndim == 1 and targets.dtype.kind not in "iub":
        targets = targets[:, None]
    return Rows.whole(inputs, targets.astype(np.intp) if targets.ndim == 1 else targets)


def _is_one_hot(targets: Array) -> bool:
    return bool(np.all((targets == 0) | (targets == 1)) and np.all(targets.sum(axis=1) == 1))
