"""Values and operations: what is computed from what, and by which calls of NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]

Calls = Iterable[Callable[[], object]]
"""What an operation comes to: calls of NumPy without anything left to say, to be made one after the other."""

call = partial
"""A function and its arguments, to be called later. (Keywords make a call slower by a tenth of a microsecond.)"""

CLIP: Literal["clip"] = "clip"
"""How `take` writes straight into its `out`, which by default it does through a copy. Positions have to be valid."""


def scalar(value: float, like: Array) -> Array:
    """A number as an array of no dimensions, of the dtype of `like`.

    NumPy turns a Python number into such an array in every call, which on small arrays takes as long as the rest of it.
    """
    return np.array(value, like.dtype)


def in_float64(operation: Callable[[float, float], float], x: Array, y: float, out: Array) -> None:
    """Write `operation(x, y)` of two numbers, rounded once: x and out are arrays of no dimensions.

    NumPy's own function would do the same through buffers, which takes three times as long.
    """
    out[...] = operation(float(x), y)


class Saved(NamedTuple):
    """An array that an operation keeps from its forward pass for its backward pass.

    Args:
        shape: the shape.
        dtype: None means the dtype of the graph.
    """

    shape: Shape
    dtype: DTypeLike | None = None


class Node:
    """A value, and the operation that gives it from its inputs.

    An operation is written as a pair, forward beside backward. Both get arrays that the graph owns, and yield the
    calls of NumPy that write into them::

        forward(*inputs, out, *saved)
        backward(*inputs, out, *saved, dout, *dinputs)

    where `dout` holds the derivative of the graph's output by this value, and each of `dinputs` is to be
    overwritten with the derivative by that input; it is None where nobody asks for it.

    They run once for each set of shapes, and the calls are then made again for every batch: they may look at an
    array's shape, its dtype and its views, and not at its numbers. What they are given has none yet, and raises where
    they are asked for (see `recorded`).
    """

    integer_inputs: ClassVar[frozenset[int]] = frozenset()
    """Positions of inputs that hold class labels: integers, without a derivative."""

    forward: Callable[..., Calls]
    backward: Callable[..., Calls]

    def __init__(self, *inputs: Node) -> None:
        self.inputs = inputs
        self.graphs: dict[tuple[Node, ...], Any] = {}  # see `Graph.ending_at`

    def shape(self, *inputs: Shape) -> Shape:
        """The shape of the value, from the shapes of the inputs.

        Raises:
            ValueError: if the shapes do not fit.
        """
        raise TypeError(f"`{type(self).__name__}` has no shape of its own: feed it, or define `shape`.")

    def saved(self, *inputs: Shape) -> tuple[Saved, ...]:
        """The arrays kept from forward for backward."""
        return ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(type(node).__name__ for node in self.inputs)})"


class Input(Node):
    """A value that is fed from outside: data, labels or parameters."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self.name = name

    def __repr__(self) -> str:
        return f"Input({self.name!r})" if self.name else "Input()"
