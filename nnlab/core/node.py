"""Values and operations: what is computed from what, and by which calls of NumPy.

nnlab works by *record and replay*. An operation does not compute: asked once, it yields the calls of NumPy that will
(`record`, in `recording`). A graph puts the calls of all its operations one after the other on a tape, and makes them
again for every batch (replay, in `graph`). `textbook` makes them at once, which is slower and easier to follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np

from nnlab.core.memory import Array, Memory, Shape

__all__ = ["CLIP", "Array", "Calls", "Input", "Memory", "Node", "Shape", "call", "in_float64", "scalar"]

Calls = Iterable[Callable[[], object]]
"""What an operation yields: calls of NumPy with all their arguments, to be made one after the other."""

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


class Node:
    """A value, and the operation that computes it from its inputs.

    An operation is written as a pair, forward beside backward. Both are given arrays, and yield the calls of NumPy that
    write into them::

        forward(*inputs, out)                   backward(*inputs, out, dout, *dinputs)
        forward(*inputs, out, saved)            backward(*inputs, out, saved, dout, *dinputs)

    Forward writes the value into `out`. With L for the output of the whole graph, `dout` holds ∂L/∂out, and backward
    writes ∂L/∂input into each of `dinputs`; one is None where nobody asks for it. The second form is that of operations
    that define `saved`.

    They run once for each set of shapes, and the calls are then made again for every batch: they may look at an
    array's shape, its dtype and its views, and not at its numbers. While they are recorded there are none yet, and what
    asks for them raises (see `tracer`).
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

    def saved(self, memory: Memory, *inputs: Shape) -> Any:
        """The operation's own arrays, as one `NamedTuple`; None if it needs none.

        They are what forward saves for backward, room for results in between, and constants.

        Args:
            memory: where they come from.
            inputs: the shapes of the inputs.
        """
        return None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(type(node).__name__ for node in self.inputs)})"


class Input(Node):
    """A value that is fed from outside: data, labels or parameters."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self.name = name

    def __repr__(self) -> str:
        return f"Input({self.name!r})" if self.name else "Input()"
