"""The network: a stack of layers with its parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nnlab.core.graph import Graph, Parameter
from nnlab.core.layers import Layer, layer_from_dict
from nnlab.core.node import Array, Input, Node, Shape
from nnlab.core.parameters import Parameters
from nnlab.core.regularizers import Regularizer

ROWS_AT_ONCE = 1000
"""How many rows an evaluation or prediction takes at a time: large products, small buffers."""


class Network:
    """Layers, and their parameters in one flat vector.

    Args:
        layers: from the input to the output.
        features: the shape of one row of input.
        rng: the stream of the parameters' initial values, drawn layer by layer; None leaves them zero.
        dtype: float32 or float64.

    Raises:
        ValueError: if there is no layer, a layer does not fit the one before it, or the dtype is neither of the two.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        features: Shape,
        rng: np.random.Generator | None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if not layers:
            raise ValueError("A network needs at least one layer, but got none. Add a `Dense`.")
        self.layers = tuple(part for layer in layers for part in layer.parts())
        self.features = features
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"`dtype` must be float32 or float64, but got {self.dtype}.")
        self.regularizers: dict[str, Regularizer] = {}

        specs = {}
        shape = features
        self._names: list[dict[str, str]] = []
        for layer in self.layers:
            own = layer.parameters(shape)
            prefix = f"{layer.kind}_{1 + sum(1 for names in self._names if names)}"
            self._names.append({role: f"{prefix}.{role}" for role in own})
            specs.update({f"{prefix}.{role}": spec for role, spec in own.items()})
            shape = layer.output_shape(shape)
        self.outputs = math.prod(shape)

        self.parameters = Parameters({name: spec.shape for name, spec in specs.items()}, self.dtype)
        for name, spec in specs.items():
            if rng is not None:
                self.parameters[name].value[...] = spec.initializer.sample(spec.shape, rng)
            if spec.regularizer is not None and spec.regularizer.strength > 0:
                self.regularizers[name] = spec.regularizer

        self.x = Input("x")
        self.parameter_nodes = {name: Input(name) for name in self.parameters}
        self.parameters_by_node: dict[Node, Parameter] = {
            node: self.parameters[name] for name, node in self.parameter_nodes.items()
        }
        self._inference = Graph(self.connect()[-1], dtype=self.dtype, parameters=self.parameters_by_node)

    def connect(self, dropout: np.random.Generator | None = None) -> list[Node]:
        """The layers as a graph that starts at `x`: the value after each of them; the last is the prediction.

        Args:
            dropout: the stream of dropout masks while training, None otherwise.
        """
        values: list[Node] = [self.x]
        for layer, names in zip(self.layers, self._names, strict=True):
            parameters = {role: self.parameter_nodes[name] for role, name in names.items()}
            values.append(layer.connect(values[-1], parameters, dropout))
        return values

    def predict(self, x: Array) -> Array:
        """The network's outputs for inputs `x` (n, features...): shape (n, outputs), in the network's dtype.

        Raises:
            ValueError: if the rows have another shape than the network's input.
        """
        if x.shape[1:] != self.features:
            raise ValueError(f"The network needs rows of shape {self.features}, but got {x.shape[1:]}.")
        outputs = np.empty((len(x), self.outputs), self.dtype)
        for start in range(0, len(x), ROWS_AT_ONCE):
            rows = x[start : start + ROWS_AT_ONCE]
            program = self._inference.program({self.x: rows.shape})
            program.values[self.x][...] = rows
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                outputs[start : start + len(rows)] = program.forward()
        return outputs

    def penalty(self) -> float:
        """The sum of all regularizers' penalties at the present parameters."""
        return sum(rule.value(self.parameters[name].value) for name, rule in self.regularizers.items())

    def to_dict(self) -> dict[str, Any]:
        """What is needed to predict again, except the parameters' values, in types that JSON has."""
        return {
            "features": list(self.features),
            "dtype": self.dtype.name,
            "layers": [layer.to_dict() for layer in self.layers],
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Network:
        """The network that `to_dict` describes, with parameters of zero: load them next."""
        layers = [layer_from_dict(layer) for layer in fields["layers"]]
        return cls(layers, features=tuple(fields["features"]), rng=None, dtype=fields["dtype"])
