"""Backpropagation, all of it: the derivative of a number by everything that it was computed from.

A computation is a graph of nodes. f = x·y + x·z has three inputs, two products, and a sum, the output::

    x ──┬── a = x·y ──┐
    y ──┘             ├── f = a + b          f = Add(Mul(x, y), Mul(x, z))
    x ──┬── b = x·z ──┘
    z ──┘

**Forward.** Compute every node after its inputs (in *topological order*). At x = 3, y = 4, z = −5: a = 12, b = −15,
f = −3.

**Backward.** Write dv for ∂f/∂v, the derivative of the *output* by the node v: it says how fast f grows with v.

1. df = 1.
2. The chain rule: a node u that is computed from v passes du · ∂u/∂v back to v. So an operation need only know its own
   derivative: a product u = v·w passes du·w to v and du·v to w; a sum passes du to both of its terms.
3. A node that is used in several places receives a part from each of them, and its derivative is the sum of the parts.

Here a and b receive df·1 = 1. Then a passes da·y = 4 to x and da·x = 3 to y, and b passes db·z = −5 to x and db·x = 3
to z. The sums are dx = 4 − 5 = −1, dy = 3, dz = 3. A node can pass on its derivative once it has received all parts of
it: therefore the order is that of the forward pass, reversed. Every node is visited once, however many paths lead
through it: the derivatives by a million weights cost about twice as much as the output alone.

>>> from nnlab.core import Add, Mul
>>> x, y, z = Input("x"), Input("y"), Input("z")
>>> f = Add(Mul(x, y), Mul(x, z))
>>> values, saved = forward(f, {x: 3.0, y: 4.0, z: -5.0})
>>> gradients = backward(f, values, saved)
>>> print(values[f], gradients[x], gradients[y], gradients[z])
-3.0 -1.0 3.0 3.0

**Arrays.** Nothing changes where values are arrays. A derivative has the shape of its value: the elements of dw are the
derivatives of f by the elements of w. In training f is the loss, a number, and w the weights: a step is w ← w − η dw.

**Operations** are written as a pair of methods. They do not compute, but yield calls of NumPy, each with the array to
write its result into. Without broadcasting, a product would be::

    def forward(self, x, y, out):                   # `out` is the value of this node,
        yield call(np.multiply, x, y, out)          # out = x y

    def backward(self, x, y, out, dout, dx, dy):    # `dout` its derivative, and `dx`, `dy` the parts to pass back
        yield call(np.multiply, dout, y, dx)        # dx = dout y
        yield call(np.multiply, dout, x, dy)        # dy = dout x

Some need arrays of their own, for instance to save the probabilities of a softmax for the way back: they ask for them
in `saved`, and both methods are given them. Here every call is made as soon as it is yielded. `graph` has them all
yielded once, and then makes them again for every batch: the same numbers, sooner. `docs/derivatives.md` lists what each
operation passes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnlab.core.node import Array, Calls, Input, Memory, Node

Values = dict[Node, Array]
Saved = dict[Node, list[Any]]
"""Each operation's own arrays: a list of one named tuple, or of none."""


def topological_order(output: Node) -> list[Node]:
    """Every node that `output` depends on, each after its inputs; `output` comes last."""
    order: list[Node] = []
    seen: set[Node] = set()
    stack = [(output, False)]  # no recursion, so that a graph may be deeper than Python's own stack
    while stack:
        node, inputs_are_done = stack.pop()
        if inputs_are_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))  # comes up again when all that is pushed now is done
            stack.extend((parent, False) for parent in reversed(node.inputs))
    return order


def forward(output: Node, feed: Mapping[Any, ArrayLike], dtype: DTypeLike = np.float64) -> tuple[Values, Saved]:
    """The value of every node that `output` depends on, and what is saved for `backward`.

    Args:
        output: what to compute.
        feed: a value for each `Input`.
        dtype: of all other values.
    """
    values: Values = {}
    saved: Saved = {}
    for node in topological_order(output):
        if isinstance(node, Input):
            values[node] = np.asarray(feed[node])
            continue
        inputs = [values[parent] for parent in node.inputs]
        shapes = [value.shape for value in inputs]
        out = np.empty(node.shape(*shapes), dtype)
        own = node.saved(Memory(dtype), *shapes)
        saved[node] = [] if own is None else [own]
        _run(node.forward(*inputs, out, *saved[node]))
        values[node] = out
    return values, saved


def backward(output: Node, values: Values, saved: Saved) -> Values:
    """The derivative of `output` by every node that it depends on; of the sum of its elements if it is an array.

    Args:
        output: what to differentiate.
        values: what `forward` gave.
        saved: the same.
    """
    gradients: Values = {output: np.ones_like(values[output])}
    for node in reversed(topological_order(output)):
        if isinstance(node, Input):
            continue
        inputs = [values[parent] for parent in node.inputs]
        parts = [
            None if place in node.integer_inputs else np.empty(value.shape, values[node].dtype)  # None for class labels
            for place, value in enumerate(inputs)
        ]
        _run(node.backward(*inputs, values[node], *saved[node], gradients[node], *parts))
        for parent, part in zip(node.inputs, parts, strict=True):
            if parent in gradients:
                gradients[parent] += part
            elif part is not None:
                gradients[parent] = part
    return gradients


def _run(calls: Calls) -> None:
    for call in calls:
        call()
