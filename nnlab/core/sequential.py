"""The layer stack with Keras' interface: add, compile, fit, evaluate, predict.

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
from nnlab.core.arguments import checks_arguments
from nnlab.core.arrays import numeric
from nnlab.core.fitting import History, scores_of, start, train, write_metrics
from nnlab.core.keras_arguments import CompileArguments, compile_arguments, fit_arguments, verbosity
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
    check_distinguishable,
    check_rows,
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
    """A network that is declared layer by layer and trained on arrays.

    A call with wrong arguments changes nothing: the next correct one does what it would have done without it.

    Args:
        layers: from the input to the output; more can be added.
        seed: of every random stream; the same seed, data and machine give the same bits.
        dtype: float32 or float64.
    """

    @checks_arguments
    def __init__(self, layers: Iterable[Layer] = (), *, seed: int = 0, dtype: DTypeLike = np.float32) -> None:
        if not isinstance(layers, Iterable):
            raise TypeError(f"`layers` must be a list of layers, but got {shown(layers)}. Try [Dense(10)].")
        self.dtype = float_dtype(dtype)
        self.seed: int = checked("seed", Annotated[int, Range(ge=0)], seed, "0")
        self._streams = streams(self.seed)
        self._network: Network | None = None
        self._objective: Objective | None = None
        self._compiled: CompileArguments | None = None
        self._progress = Progress()
        self.layers: list[Layer] = []
        for layer in layers:
            self.add(layer)

    def __repr__(self) -> str:
        layers = "".join(f"\n    {layer!r}," for layer in self.layers)
        return f"Sequential([{layers}{chr(10) * bool(layers)}], seed={self.seed}, dtype={self.dtype.name!r})"

    @checks_arguments
    def add(self, layer: Layer) -> None:
        """Add a layer after the others.

        Raises:
            RuntimeError: if the network is built already, by a call that gave it data.
            TypeError: if it is not a layer.
        """
        if self._network is not None:
            raise RuntimeError("The network is built. Add layers before `fit`, `evaluate` or `predict`.")
        if not isinstance(layer, Layer):
            raise TypeError(
                f"A layer must be a `Dense`, an `Activation` or a `Dropout`, but got {shown(layer)}. "
                "Try `Dense(10)`. The input needs none: its shape is that of the rows."
            )
        self.layers.append(layer)

    @checks_arguments
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
        """Choose how to train. The weights stay; the optimizer's state and the schedule start again.

        Args:
            optimizer: an optimizer, or a name: sgd and adam are Keras' with Keras' defaults (sgd: a rate of 0.01),
                momentum and nesterov nnlab's.
            loss: half_squared_error, mean_squared_error, cross_entropy, binary_cross_entropy (summed within a row), or
                Keras' mse, categorical_crossentropy, sparse_categorical_crossentropy, binary_crossentropy or bce
                (averaged within a row). Losses that are reported include the layers' penalties, as Keras' do.
            metrics: accuracy is the only one, and is left out where targets are not classes; an empty list leaves it
                out everywhere.
            schedule: of the learning rate; constant if left out.
            schedule_epochs: how many epochs a schedule that ends (`Cosine`) is planned for, where several calls of
                `fit` share it; left out, it ends with the first call.
            clip_norm: the largest global norm of a gradient.

        Raises:
            TypeError, ValueError: if an argument is unknown, or breaks its rule.
        """
        self._compiled = compile_arguments(optimizer, loss, metrics, schedule, schedule_epochs, clip_norm)
        self._objective = None
        self._progress = Progress()

    @checks_arguments
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
        """Train on rows `x` (n, features...) and `y`: labels (n,), one-hot rows or targets (n, outputs).

        A second call continues where the first ended, as in Keras: `fit(epochs=5)` twice trains ten epochs, with the
        optimizer's state, and `fit(epochs=3)` and `fit(epochs=6, initial_epoch=3)` give the bits of `fit(epochs=6)`.
        Schedules that count in epochs continue at the epoch that was reached, whatever the size of a batch, and
        `TimeDecay` at the update; one that ends (`Cosine`) cannot be continued after its end. An epoch that
        Ctrl-C interrupts keeps its updates, and is not counted.

        Args:
            x, y: the inputs and the targets.
            batch_size: rows per batch; the last may be smaller. None is 32.
            epochs: passes over the training rows; with `initial_epoch`, the epoch to end with.
            verbose: 0 is silent, otherwise one line per epoch.
            validation_split: the fraction of rows, taken from the END before shuffling, to evaluate on: of n rows the
                first ⌊n (1 − fraction)⌋ are trained on, as in Keras.
            validation_data: rows (x, y) to evaluate on, in place of a fraction.
            shuffle: whether each epoch has an order of its own.
            initial_epoch: the epoch to start with, for the history's numbers and for schedules that count in epochs;
                0 continues the schedule where the last call ended.

        Returns:
            The history: loss and accuracy (as they were just before each update, averaged over the epoch),
            and val_loss and val_accuracy after each epoch.

        Raises:
            RuntimeError: if `compile` was not called.
            TypeError: if an argument is unknown.
            ValueError: if one breaks its rule, or arrays do not fit each other or the network.
        """
        asked = fit_arguments(batch_size, epochs, initial_epoch, validation_split, shuffle, verbose)
        compiled, network, objective, rows = self._prepared(x, y)
        check_distinguishable(rows, network.dtype)
        if validation_data is not None:
            held_out = validation_rows(validation_data, compiled.loss, network)
        else:
            rows, held_out = split(rows, asked.validation_split)
        learner, progress = start(objective, rows, compiled, asked, self._progress)
        # All arguments are right: from here on the object changes.
        self._network, self._objective, self._progress = network, objective, progress
        return train(learner, rows, held_out, compiled, asked, progress, self._streams.shuffle)

    @checks_arguments
    def evaluate(self, x: ArrayLike, y: ArrayLike, *, verbose: int | str = 0, return_dict: bool = False) -> Any:
        """The loss and the accuracy on rows `x` and `y`, see `fit`.

        Args:
            x, y: the inputs and the targets.
            verbose: 0 is silent, otherwise one line.
            return_dict: whether to return the numbers by name.

        Returns:
            (loss, accuracy), the accuracy NaN where targets are not classes; the loss alone where `compile` was given
            no metrics. By name, whichever of loss and accuracy there are. Errors are those of `fit`.
        """
        level = verbosity(verbose)
        by_name = checked("return_dict", bool, return_dict, "True")
        compiled, network, objective, rows = self._prepared(x, y)
        tally = evaluate(objective, rows)
        self._network, self._objective = network, objective
        scores = scores_of("", tally) if compiled.has_accuracy else {"loss": tally.mean_loss}
        if level:
            write_metrics(scores)
        if by_name:
            return scores
        return (tally.mean_loss, tally.accuracy) if compiled.has_accuracy else tally.mean_loss

    @checks_arguments
    def predict(self, x: ArrayLike, *, verbose: int | str = 0) -> Array:
        """Outputs (n, outputs) for rows `x` (n, features...); `verbose` is accepted and changes nothing.

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
                "The network is not built: the number of features is not known yet. Call `fit` or `predict`."
            )
        return self._network

    def _network_for(self, x: Array) -> Network:
        network = self._network or network_for(x, self.layers, self._streams.init, self.dtype)
        check_rows(x, network)
        return network

    def _prepared(self, x: ArrayLike, y: ArrayLike) -> tuple[CompileArguments, Network, Objective, Rows]:
        """The arguments of `compile`, the network, the objective and the rows, if they fit; nothing is stored yet."""
        if self._compiled is None:
            raise RuntimeError("No loss is set. Call `compile` first.")
        inputs, targets = numeric("x", x), numeric("y", y)
        network = self._network_for(inputs)
        rows = rows_for(inputs, targets, self._compiled.loss, network)
        objective = self._objective or objective_for(network, self._compiled.loss, self._streams.dropout)
        return self._compiled, network, objective, rows
