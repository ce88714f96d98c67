"""The objective of training: a network, a loss of its output, and the penalties on its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nnlab.core.graph import Graph, Program
from nnlab.core.layers import Activation
from nnlab.core.losses import (
    BinaryCrossEntropyWithLogits,
    CrossEntropyWithSoftmax,
    HalfSquaredError,
    LossFunction,
    MeanBinaryCrossEntropyWithLogits,
    MeanSquaredError,
)
from nnlab.core.memory import aligned_empty
from nnlab.core.network import Network
from nnlab.core.node import Array, Input, call, scalar


class Loss(NamedTuple):
    """A loss function by its node.

    Args:
        node: made from a prediction (or logits) and a target.
        fused_with: the activation whose input the loss takes; None where it takes the prediction itself.
        takes_labels: whether targets are integer labels (n,), not columns (n, outputs).
    """

    node: type[LossFunction]
    fused_with: str | None = None
    takes_labels: bool = False


LOSSES = {
    "half_squared_error": Loss(HalfSquaredError),
    "mean_squared_error": Loss(MeanSquaredError),
    "cross_entropy": Loss(CrossEntropyWithSoftmax, "softmax", takes_labels=True),
    "binary_cross_entropy": Loss(BinaryCrossEntropyWithLogits, "sigmoid"),
}

KERAS_LOSSES = {
    "mse": LOSSES["mean_squared_error"],
    "categorical_crossentropy": LOSSES["cross_entropy"],
    "sparse_categorical_crossentropy": LOSSES["cross_entropy"],
    **dict.fromkeys(
        ("binary_crossentropy", "bce"),
        LOSSES["binary_cross_entropy"]._replace(node=MeanBinaryCrossEntropyWithLogits),
    ),
}
"""By Keras' names, with the values of Keras 3 (which clips probabilities at 1e-7)."""


class Objective:
    """The graphs that train and evaluate a network.

    Attributes:
        target: the input for labels (n,) or target columns (n, outputs).
        training: the graph of the loss, differentiated by every parameter, with dropout.
        evaluation: the same without dropout and without gradients.

    Args:
        network: which predicts; training changes its parameters in place.
        loss: its name in `LOSSES` or `KERAS_LOSSES`.
        dropout: the stream of dropout masks, which the training graph holds.
        reports_penalty: whether reported losses include the penalties, as Keras' do. Gradients always do.

    Raises:
        ValueError: if the loss does not fit the network's last layer.
    """

    def __init__(
        self, network: Network, loss: str, *, dropout: np.random.Generator, reports_penalty: bool = False
    ) -> None:
        named = {**LOSSES, **KERAS_LOSSES}
        if loss not in named:
            raise ValueError(f"`loss` must be one of {', '.join(named)}, but got {loss!r}.")
        self.network = network
        self.loss = named[loss]
        self.dropout = dropout
        self.reports_penalty = reports_penalty
        self.target = Input("target")

        last = network.layers[-1]
        if self.loss.fused_with and not (isinstance(last, Activation) and last.function == self.loss.fused_with):
            raise ValueError(
                f"The loss {loss!r} needs `Activation({self.loss.fused_with!r})` as the last layer, "
                f"but that is {last.to_dict()}."
            )
        self.training, self.evaluation = self._graph(dropout), self._graph(None)
        shapes = {name: network.parameters[name].value.shape for name in network.regularizers}
        self._scratch = {name: aligned_empty(shape, network.dtype) for name, shape in shapes.items()}

    def _graph(self, dropout: np.random.Generator | None) -> Graph:
        network = self.network
        after_layers = network.connect(dropout)
        predictions = after_layers[-2 if self.loss.fused_with else -1]
        wrt = tuple(network.parameters_by_node) if dropout is not None else ()
        loss = self.loss.node(predictions, self.target)
        return Graph(loss, wrt=wrt, dtype=network.dtype, parameters=network.parameters_by_node)

    def new_training_graph(self) -> Graph:
        """Another graph of the same loss, with buffers of its own; parameters and their gradients are shared."""
        parameters = self.network.parameters_by_node
        return Graph(
            self.training.output, wrt=tuple(parameters), dtype=self.network.dtype, parameters=parameters
        )  # fmt: skip

    @property
    def threshold(self) -> float:
        """Above it a single output means class 1: a probability of one half, or a logit of zero."""
        return 0.0 if self.loss.fused_with else 0.5

    def decisions(self, program: Program, labels: Array) -> Callable[[], int]:
        """A function that counts the rows that are decided for their label, after a forward pass of `program`.

        Args:
            program: of one of the graphs, for n rows.
            labels: the buffer of their labels (n,): integers, or for one output booleans.
        """
        right: Array = np.empty(labels.shape, np.bool_)
        decide, decided = self._decisions(program.values[program.output.inputs[0]], right)

        def count() -> int:
            decide()
            np.equal(decided, labels, right)
            return int(np.count_nonzero(right))

        return count

    def classes(self, predictions: Array) -> Array:
        """The classes (n,) that rows are decided for, from the loss's first input (n, outputs): those that
        `decisions` counts by."""
        decide, decided = self._decisions(predictions, np.empty(len(predictions), np.bool_))
        decide()
        return decided.astype(np.intp, copy=False)

    def _decisions(self, predictions: Array, binary: Array) -> tuple[Callable[[], object], Array]:
        """What decides each row, and the buffer that it writes the classes into; for one output, that is `binary` (n,).

        A row is decided for the class of its largest logit or output; where there is but one, by the side of
        `threshold` on which it lies.
        """
        if predictions.shape[1] > 1:
            decided: Array = np.empty(len(predictions), np.intp)
            return call(predictions.argmax, 1, decided), decided
        return call(np.greater, predictions.reshape(-1), scalar(self.threshold, predictions), binary), binary

    def outputs(self, predictions: Array) -> Array:
        """The network's outputs (n, outputs), from the loss's input: logits, where the loss is fused with the last
        activation, otherwise the outputs themselves."""
        if self.loss.fused_with is None:
            return predictions
        last = [Activation(self.loss.fused_with)]
        network = Network(last, features=predictions.shape[1:], rng=None, dtype=predictions.dtype)
        return network.predict(predictions)

    def add_penalty_gradients(self, scale: float = 1.0) -> None:
        """Add each regularizer's derivative, times `scale`, to the gradients that a backward pass left."""
        for name, rule in self.network.regularizers.items():
            value, gradient = self.network.parameters[name]
            rule.add_gradient(value, gradient, self._scratch[name], scale)

    def reported_penalty(self) -> float:
        """The penalty to add to a loss before it is reported; 0 where losses are reported without."""
        return self.network.penalty() if self.reports_penalty else 0.0
