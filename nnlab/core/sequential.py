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

from nnlab.core.feed import shuffled
from nnlab.core.layers import Activation, Dense, Layer
from nnlab.core.learner import Learner, Tally, evaluate
from nnlab.core.network import Network
from nnlab.core.node import Array
from nnlab.core.objective import LOSSES, Objective
from nnlab.core.optimizers import OPTIMIZERS, SGD, Optimizer, State
from nnlab.core.rows import Rows
from nnlab.core.schedules import Constant, Horizon, Schedule
from nnlab.core.seeding import streams
from nnlab.core.targets import read_targets
from nnlab.streams import write_line

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
        self._progress: tuple[int, list[State]] | None = None

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
        metrics = [metrics] if isinstance(metrics, str) else metrics
        if unknown := set(metrics) - {"accuracy"}:
            raise ValueError(f"`metrics` knows accuracy alone, but got {sorted(unknown)}.")
        if clip_norm is not None and not clip_norm > 0:
            raise ValueError(f"`clip_norm` must be above 0, but got {clip_norm}.")
        self._optimizer = OPTIMIZERS[optimizer]() if isinstance(optimizer, str) else optimizer
        self._loss = name
        self._with_accuracy = bool(metrics)
        self._schedule = schedule or Constant()
        self._clip_norm = clip_norm
        self._objective = None
        self._progress = None

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

        A second call goes on where the first ended, the optimizer's state included.

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
        if batch_size < 1 or epochs < 0:
            raise ValueError(
                f"`batch_size` must be at least 1 and `epochs` at least 0, but got {batch_size} and {epochs}."
            )
        if not 0.0 <= validation_split < 1.0:
            raise ValueError(f"`validation_split` must be at least 0 and below 1, but got {validation_split}.")
        rows = self._rows(x, y)
        held_out = round(len(rows) * validation_split)
        if validation_data:
            validation = self._rows(*validation_data)
        else:
            validation = Rows(rows.x, rows.y, rows.index[len(rows) - held_out :])
            rows = rows.first(len(rows) - held_out)
        if not len(rows):
            raise ValueError(
                "Training needs at least one row, but none is left. Give more, or lower `validation_split`."
            )

        objective = self._ready()
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
        if self._progress is not None:
            learner.step, learner.update.state = self._progress
        self._progress = None
        history = History()
        for epoch in range(epochs):
            tally = Tally()
            learner.learn(shuffled(rows, self._streams.shuffle) if shuffle else rows.index, tally)
            metrics = {"loss": tally.mean_loss, "accuracy": tally.accuracy}
            if len(validation):
                held = evaluate(objective, validation)
                metrics |= {"val_loss": held.mean_loss, "val_accuracy": held.accuracy}
            if not (self._with_accuracy and tally.labelled):
                metrics = {name: number for name, number in metrics.items() if "accuracy" not in name}
            history.add(metrics)
            if verbose:
                numbers = " - ".join(f"{name}: {number:.4f}" for name, number in metrics.items())
                write_line(sys.stdout, f"Epoch {epoch + 1}/{epochs} - {numbers}")
        self._progress = (learner.step, learner.update.state)
        return history

    def evaluate(self, x: ArrayLike, y: ArrayLike) -> tuple[float, float]:
        """(loss, accuracy) on rows `x` and `y`, see `fit`; without classes the accuracy is NaN."""
        rows = self._rows(x, y)
        tally = evaluate(self._ready(), rows)
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

    def _rows(self, x: ArrayLike, y: ArrayLike) -> Rows:
        """Rows as the loss needs them; the network is built by the first."""
        if self._loss is None:
            raise RuntimeError("Nothing says what to make small. Call `compile` first.")
        inputs = np.asarray(x)
        network = self._built(inputs.shape[1:])
        return Rows.whole(inputs, read_targets(np.asarray(y), LOSSES[self._loss], network.outputs))

    def _ready(self) -> Objective:
        if self._objective is None and self._loss is not None:
            dropout = self._streams.dropout
            self._objective = Objective(self.network, self._loss, dropout=dropout, reports_penalty=True)
        assert self._objective is not None
        return self._objective
