"""Layers declare a network. They hold choices, not numbers; a `Network` gives them parameters."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple, TypeVar

import numpy as np

from nnlab.check import Checked, Range, checked, closest, problem_with
from nnlab.core.activations import ACTIVATIONS, InvertedDropout
from nnlab.core.arguments import checks_arguments
from nnlab.core.initializers import Initializer
from nnlab.core.keras_names import KERAS_INITIALIZERS, KERAS_PENALTIES
from nnlab.core.node import Node, Shape
from nnlab.core.ops import Linear, MatMul
from nnlab.core.regularizers import Regularizer
from nnlab.plain import plain, shown

Choice = TypeVar("Choice")


class ParameterSpec(NamedTuple):
    """A parameter that a layer asks for: its shape, how it is initialized, and the penalty on its size."""

    shape: Shape
    initializer: Initializer
    regularizer: Regularizer | None


class Layer:
    """A layer of a network."""

    kind: ClassVar[str]

    def parts(self) -> tuple[Layer, ...]:
        """The layers that it stands for: itself, unless it is shorthand for several."""
        return (self,)

    def output_shape(self, features: Shape) -> Shape:
        """The shape of one row of output, from the shape of one row of input."""
        return features

    def parameters(self, features: Shape) -> dict[str, ParameterSpec]:
        """The layer's parameters by name, for rows of this shape."""
        return {}

    def connect(self, x: Node, parameters: Mapping[str, Node], dropout: np.random.Generator | None) -> Node:
        """Add the layer to a graph after `x`; `dropout` is the stream of masks, None when not training."""
        raise TypeError(f"`{type(self).__name__}` has no `connect`. Define it, to return the node of its value.")

    def to_dict(self) -> dict[str, Any]:
        """What is needed to predict with the layer again, as JSON."""
        return {"kind": self.kind}


class Dense(Layer):
    """x @ weight + bias: every unit sees every feature.

    Takes rows of any shape (d1, ..., dk) and flattens them, as Keras' Flatten and Dense do together; the gradient has
    the rows' shape again.

    Args:
        units: the width of the output.
        activation: the function applied after, as by an `Activation` layer; None is none.
        use_bias: whether there is a bias (units,).
        kernel_initializer: of the weight (features, units): an initializer, or Keras' name for one.
        bias_initializer: the same for the bias.
        kernel_regularizer: the penalty on the weight: a regularizer, or Keras' name (l1 or l2, of strength 0.01).
        bias_regularizer: the same for the bias.
        input_dim: features of the input; never needed, checked if given.

    Raises:
        TypeError: if an argument is unknown.
        ValueError: if one is not allowed.
    """

    kind = "dense"

    @checks_arguments
    def __init__(
        self,
        units: int,
        activation: str | None = None,
        *,
        use_bias: bool = True,
        kernel_initializer: Initializer | str = "glorot_uniform",
        bias_initializer: Initializer | str = "zeros",
        kernel_regularizer: Regularizer | str | None = None,
        bias_regularizer: Regularizer | str | None = None,
        input_dim: int | None = None,
    ) -> None:
        if problem_with(Annotated[int, Range(ge=1)], units):
            raise ValueError(f"`Dense(units={shown(units)})`: `units` must be a whole number of at least 1. Try 32.")
        self.units: int = plain(units)
        self.activation = None if activation is None else Activation(activation)
        self.use_bias: bool = checked("use_bias", bool, use_bias, "True")
        self.kernel_initializer = _named("kernel_initializer", kernel_initializer, KERAS_INITIALIZERS, "sample")
        self.bias_initializer = _named("bias_initializer", bias_initializer, KERAS_INITIALIZERS, "sample")
        self.kernel_regularizer = _penalty("kernel_regularizer", kernel_regularizer)
        self.bias_regularizer = _penalty("bias_regularizer", bias_regularizer)
        self.input_dim: int | None = checked("input_dim", Annotated[int, Range(ge=1)] | None, input_dim, "None")

    def __repr__(self) -> str:
        options = {
            "activation": (self.activation and self.activation.function, None),
            "use_bias": (self.use_bias, True),
            "kernel_initializer": (self.kernel_initializer, KERAS_INITIALIZERS["glorot_uniform"]),
            "bias_initializer": (self.bias_initializer, KERAS_INITIALIZERS["zeros"]),
            "kernel_regularizer": (self.kernel_regularizer, None),
            "bias_regularizer": (self.bias_regularizer, None),
            "input_dim": (self.input_dim, None),
        }
        given = [f"{name}={value!r}" for name, (value, default) in options.items() if value != default]
        return f"Dense({', '.join([str(self.units), *given])})"

    def parts(self) -> tuple[Layer, ...]:
        """The layer without its activation, and the activation."""
        if self.activation is None:
            return (self,)
        alone = copy.copy(self)
        alone.activation = None
        return (alone, self.activation)

    def output_shape(self, features: Shape) -> Shape:
        """(units,)."""
        return (self.units,)

    def parameters(self, features: Shape) -> dict[str, ParameterSpec]:
        """weight (d1·…·dk, units), and bias (units,) if there is one."""
        fan_in = math.prod(features)
        if self.input_dim is not None and self.input_dim != fan_in:
            raise ValueError(
                f"`Dense(input_dim={self.input_dim})` gets rows of {fan_in} features. "
                "Leave `input_dim` out, or set it to the width of the layer before."
            )
        specs = {"weight": ParameterSpec((fan_in, self.units), self.kernel_initializer, self.kernel_regularizer)}
        if self.use_bias:
            specs["bias"] = ParameterSpec((self.units,), self.bias_initializer, self.bias_regularizer)
        return specs

    def connect(self, x: Node, parameters: Mapping[str, Node], dropout: np.random.Generator | None) -> Node:
        """A `Linear`, or a `MatMul` if there is no bias; then the activation, if there is one."""
        if self.use_bias:
            z: Node = Linear(x, parameters["weight"], parameters["bias"])
        else:
            z = MatMul(x, parameters["weight"])
        return z if self.activation is None else self.activation.connect(z, {}, dropout)

    def to_dict(self) -> dict[str, Any]:
        """Kind, units, whether there is a bias, and the activation, if there is one."""
        described = {"kind": self.kind, "units": self.units, "use_bias": self.use_bias}
        return described if self.activation is None else {**described, "activation": self.activation.function}


class Activation(Layer):
    """An activation function by name: identity (Keras' linear), sigmoid, tanh, relu or softmax."""

    kind = "activation"

    @checks_arguments
    def __init__(self, function: str) -> None:
        self.node = _choose("Activation", function, {**ACTIVATIONS, "linear": None})
        self.function = "identity" if function == "linear" else function

    def __repr__(self) -> str:
        return f"Activation({self.function!r})"

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


def _named(what: str, choice: Choice | str, table: Mapping[str, Choice], method: str) -> Choice:
    """The object that a name stands for, or the object itself, which is recognized by its method."""
    if isinstance(choice, str):
        return _choose(what, choice, table)
    if isinstance(choice, type) or not hasattr(choice, method):
        example = next(iter(table.values()))
        raise ValueError(
            f"`{what}` must be one of {', '.join(table)}, or an object like {example!r}, but got {shown(choice)}."
        )
    return choice


def _penalty(what: str, choice: Regularizer | str | None) -> Regularizer | None:
    return None if choice is None else _named(what, choice, KERAS_PENALTIES, "add_gradient")


def _choose(what: str, name: str, table: Mapping[str, Choice]) -> Choice:
    if not isinstance(name, str) or name not in table:
        near = closest(str(name), table)
        hint = f" Did you mean {near!r}?" if near else ""
        raise ValueError(f"`{what}` must be one of {', '.join(table)}, but got {shown(name)}.{hint}")
    return table[name]
