"""The layer stack with Keras' manners: add, compile, fit, evaluate, predict.

>>> import numpy as np
>>> model = Sequential([Dense(4, activation="tanh"), Dense(2, activation="softmax")], seed=1)
>>> model.compile(optimizer=SGD(lr=0.5), loss="categorical_crossentropy", metrics=["accuracy"])
>>> x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
>>> history = model.fit(x, y, epochs=500, batch_size=4, verbose=0)
>>> model.evaluate(x, y)[1]
1.0
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnlab.check import Range, checked
from nnlab.core.arguments import told
from nnlab.core.arrays import numeric
from nnlab.core.calls import Plan, passes, planned, verbosity
from nnlab.core.fitting import History, begun, say, scores_of, train
from nnlab.core.layers import Activation, Dense, Layer
from nnlab.core.learner import evaluate
from nnlab.core.network import Network
from nnlab.core.node import Array
from nnlab.core.objective import Objective
from nnlab.core.optimizers import SGD, Optimizer
from nnlab.core.progress import Progress
from nnlab.core.rows import Rows
from nnlab.core.schedules import Schedule
from nnlab.core.seeding import streams
from nnlab.core.stacking import (
    check_rows,
    check_told_apart,
    float_dtype,
    network_for,
    objective_for,
    rows_for,
    split,
    validation_rows,
)
from nnlab.plain import shown

__all__ = ["SGD", "Activation", "Dense", "History", "Sequential"]


class Sequential:
    """A network that is declared layer by layer and learns from arrays.

    A call whose arguments are wrong changes nothing: the next right one does what it would have done without it.

    Args:
        layers: from the input to the output; more can be added.
        seed: of every random stream; the same seed, data and machine give the same bits.
        dtype: float32 or float64.
    """

    @told
    def __init__(self, layers: Iterable[Layer] = (), *, seed: int = 0, dtype: DTypeLike = np.float32) -> None:
        if not isinstance(layers, Iterable):
            raise TypeError(f"`layers` must be a list of layers, but got {shown(layers)}. Try [Dense(10)].")
        self.dtype = float_dtype(dtype)
        self.seed: int = checked("seed", Annotated[int, Range(ge=0)], seed, "0")
        self._streams = streams(self.seed)
        self._network: Network | None = None
        self._objective: Objective | None = None
        self._plan: Plan | None = None
        self._progress = Progress()
        self.layers: list[Layer] = []
        for layer in layers:
            self.add(layer)

    def __repr__(self) -> str:
        layers = "".join(f"\n    {layer!r}," for layer in self.layers)
        return f"Sequential([{layers}{chr(10) * bool(layers)}], seed={self.seed}, dtype={self.dtype.name!r})"

    @told
    def add(self, layer: Layer) -> None:
        """Put a layer behind the others.

        Raises:
            RuntimeError: if the network has seen data already.
            TypeError: if it is no layer.
        """
        if self._network is not None:
            raise RuntimeError("The network is built. Add layers before `fit`, `evaluate` or `predict`.")
        if not isinstance(layer, Layer):
            raise TypeError(
                f"A layer must be a `Dense`, an `Activation` or a `Dropout`, but got {shown(layer)}. "
                "Try `Dense(10)`. The input needs none: its shape is that of the rows."
            )
        self.layers.append(layer)

    @told
    def compile(
        self,
        optimizer: Optimizer | str = "sgd",
        loss: str = "cross_entropy",
        metrics: Sequence[str] | str | None = ("accuracy",),
        *,
        schedule: Schedule | None = None,
        schedule_epochs: int | None = None,
        clip_norm: float | None = None,
    ) -> None:
        """Choose how to learn; what was learnt stays, and the optimizer and the schedule begin anew.

        Args:
            optimizer: an optimizer, or a name: sgd and adam are Keras' with Keras' defaults (sgd: a rate of 0.01),
                momentum and nesterov nnlab's.
            loss: half_squared_error, mean_squared_error, cross_entropy, binary_cross_entropy (summed within a row), or
                Keras' mse, categorical_crossentropy, sparse_categorical_crossentropy, binary_crossentropy or bce
                (averaged within a row). Losses that are reported include the layers' penalties, as Keras' do.
            metrics: accuracy is the only one, and is left out where targets are no classes; an empty list leaves it
                out everywhere.
            schedule: of the learning rate; constant if left out.
            schedule_epochs: how many epochs a schedule that ends (`Cosine`) is planned for, where several calls of
                `fit` share it; left out, it ends with the first call.
            clip_norm: the largest global norm of a gradient.

        Raises:
            TypeError, ValueError: if an argument is unknown, or out of its rule.
        """
        self._plan = planned(optimizer, loss, metrics, schedule, schedule_epochs, clip_norm)
        self._objective = None
        self._progress = Progress()

    @told
    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        batch_size: int | None = 32,
        epochs: int = 1,
        verbose: int | str = 1,
        *,
        validation_split: float = 0.0,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        shuffle: bool = True,
        initial_epoch: int = 0,
    ) -> History:
        """Learn from rows `x` (n, features...) and `y`: labels (n,), one-hot rows or targets (n, outputs).

        A second call goes on where the first ended, as in Keras: `fit(epochs=5)` twice trains ten epochs, with the
        optimizer's state, and `fit(epochs=3)` and `fit(epochs=6, initial_epoch=3)` give the bits of `fit(epochs=6)`.
        Schedules that count in epochs go on at the epoch that was reached, whatever the size of a batch, and
        `TimeDecay` at the update; one that ends (`Cosine`) cannot be gone on with behind its end. An epoch that
        Ctrl-C breaks off keeps what it has learnt, and counts as none.

        Args:
            x, y: the inputs and the targets.
            batch_size: rows a batch; the last may be smaller. None is 32.
            epochs: passes over the training rows; with `initial_epoch`, the epoch to end with.
            verbose: 0 is silent, otherwise a line an epoch.
            validation_split: the fraction of rows, taken from the END before shuffling, to evaluate on: of n rows the
                first ⌊n (1 − fraction)⌋ are trained on, as in Keras.
            validation_data: rows (x, y) to evaluate on, in place of a fraction.
            shuffle: whether each epoch has an order of its own.
            initial_epoch: the epoch to begin with, for the history's numbers and for schedules that count in epochs;
                0 goes on with the schedule where the last call ended.

        Returns:
            The history: loss and accuracy (as they were just before each update, averaged over the epoch),
            and val_loss and val_accuracy after each epoch.

        Raises:
            RuntimeError: if nothing is compiled.
            TypeError: if an argument is unknown.
            ValueError: if one is out of its rule, or arrays do not fit each other or the network.
        """
        wanted = passes(batch_size, epochs, initial_epoch, validation_split, shuffle, verbose)
        plan, network, objective, rows = self._prepared(x, y)
        check_told_apart(rows, network.dtype)
        if validation_data is not None:
            held_out = validation_rows(validation_data, plan.loss, network)
        else:
            rows, held_out = split(rows, wanted.validation_split)
        learner, progress = begun(objective, rows, plan, wanted, self._progress)
        # Nothing is wrong with the arguments: from here on the object changes.
        self._network, self._objective, self._progress = network, objective, progress
        return train(learner, rows, held_out, plan, wanted, progress, self._streams.shuffle)

    @told
    def evaluate(self, x: ArrayLike, y: ArrayLike, *, verbose: int | str = 0, return_dict: bool = False) -> Any:
        """How the network does on rows `x` and `y`, see `fit`.

        Args:
            x, y: the inputs and the targets.
            verbose: 0 is silent, otherwise a line.
            return_dict: whether to return the numbers by name.

        Returns:
            (loss, accuracy), the accuracy NaN where targets are no classes; the loss alone where `compile` was given
            no metrics. By name, what there is of loss and accuracy. Errors are those of `fit`.
        """
        level = verbosity(verbose)
        by_name = checked("return_dict", bool, return_dict, "True")
        plan, network, objective, rows = self._prepared(x, y)
        tally = evaluate(objective, rows)
        self._network, self._objective = network, objective
        scores = scores_of("", tally) if plan.has_accuracy else {"loss": tally.mean_loss}
        if level:
            say(scores)
        if by_name:
            return scores
        return (tally.mean_loss, tally.accuracy) if plan.has_accuracy else tally.mean_loss

    @told
    def predict(self, x: ArrayLike, *, verbose: int | str = 0) -> Array:
        """Outputs (n, outputs) for rows `x` (n, features...); nothing is there for `verbose` to say.

        Raises:
            ValueError: if the rows do not fit the network.
        """
        verbosity(verbose)
        rows = numeric("x", x)
        network = self._network_for(rows)
        outputs = network.predict(rows)
        self._network = network
        return outputs

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

    def _network_for(self, x: Array) -> Network:
        network = self._network or network_for(x, self.layers, self._streams.init, self.dtype)
        check_rows(x, network)
        return network

    def _prepared(self, x: ArrayLike, y: ArrayLike) -> tuple[Plan, Network, Objective, Rows]:
        """How to learn, what learns and from what, if the arrays fit; nothing is kept of it yet."""
        if self._plan is None:
            raise RuntimeError("Nothing says what to make small. Call `compile` first.")
        inputs, targets = numeric("x", x), numeric("y", y)
        network = self._network_for(inputs)
        rows = rows_for(inputs, targets, self._plan.loss, network)
        objective = self._objective or objective_for(network, self._plan.loss, self._streams.dropout)
        return self._plan, network, objective, rows
