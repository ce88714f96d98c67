"""All parameters of a network in one flat vector, so that an optimizer makes a few long passes, not many short ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from numpy.typing import DTypeLike

from nnlab.core.graph import Parameter
from nnlab.core.memory import aligned_zeros
from nnlab.core.node import Array, Shape


class Parameters(Mapping[str, Parameter]):
    """Named parameters: each a view of `values_vector` (p,), with its gradient a view of `gradients_vector` (p,).

    Attributes:
        parts: where each parameter lies in the vector, in the vector's order: matrices first, then all biases. So the
            parameters with an L2 penalty are one contiguous group, and those without are another.

    Args:
        shapes: the shape of each parameter by name.
        dtype: float32 or float64.
    """

    def __init__(self, shapes: Mapping[str, Shape], dtype: DTypeLike) -> None:
        size = sum(math.prod(shape) for shape in shapes.values())
        self.values_vector: Array = aligned_zeros((size,), dtype)
        self.gradients_vector: Array = aligned_zeros((size,), dtype)
        self.parts: dict[str, slice] = {}
        start = 0
        for name in sorted(shapes, key=lambda name: len(shapes[name]) < 2):
            self.parts[name] = slice(start, start := start + math.prod(shapes[name]))
        self._views = {
            name: Parameter(
                *(vector[self.parts[name]].reshape(shape) for vector in (self.values_vector, self.gradients_vector))
            )
            for name, shape in shapes.items()
        }

    def __getitem__(self, name: str) -> Parameter:
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def named(self) -> dict[str, Array]:
        """The value of each parameter by name: views, not copies."""
        return {name: parameter.value for name, parameter in self._views.items()}

    def load(self, arrays: Mapping[str, Array]) -> None:
        """Copy values in, by name.

        Raises:
            ValueError: if a name is missing or unknown, or a shape differs; then nothing is copied.
        """
        if set(arrays) != set(self):
            raise ValueError(f"The network has parameters {sorted(self)}, but got {sorted(arrays)}.")
        for name, parameter in self._views.items():
            if arrays[name].shape != parameter.value.shape:
                raise ValueError(f"`{name}` needs shape {parameter.value.shape}, but got {arrays[name].shape}.")
        for name, parameter in self._views.items():
            parameter.value[...] = arrays[name]
