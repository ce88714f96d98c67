"""Layers: what a network is declared with. They hold choices, no numbers; a `Network` gives them parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple, TypeVar

import numpy as np

from nnlab.core.activations import ACTIVATIONS, InvertedDropout
from nnlab.core.check import Checked, Range, closest
from nnlab.core.initializers import INITIALIZERS, Initializer
from nnlab.core.node import Node, Shape
from nnlab.core.ops import Linear, MatMul
from nnlab.core.regularizers import Regularizer

Choice = TypeVar("Choice")


class ParameterSpec(NamedTuple):
    """What a layer asks for: a parameter of a shape, how it begins, and what its size costs."""

    shape: Shape
    initializer: Initializer
    regularizer: Regularizer | None


class Layer:
    """A step of a network."""

    kind: ClassVar[str]

    def output_shape(self, features: Shape) -> Shape:
        """The shape of one row of output, from the shape of one row of input."""
        return features

    def parameters(self, features: Shape) -> dict[str, ParameterSpec]:
        """What the layer has to learn, by name, for rows of this shape."""
        return {}

    def connect(self, x: Node, parameters: Mapping[str, Node], dropout: np.random.Generator | None) -> Node:
        """Add the layer to a graph behind `x`; `dropout` is the stream of masks, None when not training."""
        raise TypeError(f"`{type(self).__name__}` does not say how it connects.")

    def to_dict(self) -> dict[str, Any]:
        """What is needed to predict with the layer again, as JSON can hold it."""
        return {"kind": self.kind}


class Dense(Layer):
    """x @ weight + bias: every unit sees every feature.

    Takes rows of any shape (d1, ..., dk) and flattens them; the gradient has the rows' shape again.

    Args:
        units: the width of the output.
        use_bias: whether there is a bias (units,).
        kernel_initializer: of the weight (features, units); an initializer or its name.
        bias_initializer: the same for the bias.
        kernel_regularizer: the penalty on the weight.
        bias_regularizer: the penalty on the bias.
        input_dim: features of the input; needed nowhere, checked where given.
    """

    kind = "dense"

    def __init__(
        self,
        units: int,
        *,
        use_bias: bool = True,
        kernel_initializer: Initializer | str = "glorot_uniform",
        bias_initializer: Initializer | str = "zeros",
        kernel_regularizer: Regularizer | None = None,
        bias_regularizer: Regularizer | None = None,
        input_dim: int | None = None,
    ) -> None:
        if isinstance(units, bool) or not isinstance(units, int) or units < 1:
            raise ValueError(f"`Dense(units={units!r})`: `units` must be a whole number of at least 1.")
        self.units = units
        self.use_bias = use_bias
        self.kernel_initializer = _initializer(kernel_initializer)
        self.bias_initializer = _initializer(bias_initializer)
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.input_dim = input_dim

    def output_shape(self, features: Shape) -> Shape:
        """(units,)."""
        return (self.units,)

    def parameters(self, features: Shape) -> dict[str, ParameterSpec]:
        """weight (d1·…·dk, units), and bias (units,) if there is one."""
        fan_in = math.prod(features)
        if self.input_dim is not None and self.input_dim != fan_in:
            raise ValueError(
                f"`Dense(input_dim={self.input_dim})` is given rows of {fan_in} features. "
                "Leave `input_dim` out, or make it what the layer before it gives."
            )
        specs = {"weight": ParameterSpec((fan_in, self.units), self.kernel_initializer, self.kernel_regularizer)}
        if self.use_bias:
            specs["bias"] = ParameterSpec((self.units,), self.bias_initializer, self.bias_regularizer)
        return specs

    def connect(self, x: Node, parameters: Mapping[str, Node], dropout: np.random.Generator | None) -> Node:
        """A `Linear`, or a `MatMul` where there is no bias."""
        if self.use_bias:
            return Linear(x, parameters["weight"], parameters["bias"])
        return MatMul(x, parameters["weight"])

    def to_dict(self) -> dict[str, Any]:
        """Kind, units and whether there is a bias."""
        return {"kind": self.kind, "units": self.units, "use_bias": self.use_bias}


class Activation(Layer):
    """An activation function by name: identity, sigmoid, tanh, relu or softmax."""

    kind = "activation"

    def __init__(self, function: str) -> None:
        self.function = function
        self.node = _choose("Activation", function, ACTIVATIONS)

    def connect(self, x: Node, parameters: Mapping[str, Node], dropout: np.random.Generator | None) -> Node:
        """The function's node; nothing for the identity."""
        return x if self.node is None else self.node(x)

    def to_dict(self) -> dict[str, Any]:
        """Kind and function."""
        return {"kind": self.kind, "function": self.function}


@dataclass(frozen=True)
class Dropout(Checked, Layer):
    """Inverted dropout while training, nothing otherwise; see `InvertedDropout`.

    Args:
        rate: the probability of dropping an element, in [0, 1).
    """

    kind: ClassVar[str] = "dropout"

    rate: Annotated[float, Range(ge=0, lt=1)]

    def connect(self, x: Node, parameters: Mapping[str, Node], dropout: np.random.Generator | None) -> Node:
        """The mask's node while training."""
        return x if dropout is None or self.rate == 0 else InvertedDropout(x, self.rate, dropout)

    def to_dict(self) -> dict[str, Any]:
        """Kind and rate."""
        return {"kind": self.kind, "rate": self.rate}


def layer_from_dict(fields: Mapping[str, Any]) -> Layer:
    """The layer that `to_dict` described.

    Raises:
        ValueError: if the kind is unknown.
    """
    kinds: dict[str, type[Layer]] = {"dense": Dense, "activation": Activation, "dropout": Dropout}
    options = dict(fields)
    return _choose("layer", str(options.pop("kind", None)), kinds)(**options)


def _initializer(choice: Initializer | str) -> Initializer:
    return _choose("initializer", choice, INITIALIZERS)() if isinstance(choice, str) else choice


def _choose(what: str, name: str, table: Mapping[str, Choice]) -> Choice:
    if name not in table:
        near = closest(name, table)
        hint = f" Did you mean {near!r}?" if near else ""
        raise ValueError(f"`{what}` must be one of {', '.join(table)}, but got {name!r}.{hint}")
    return table[name]
