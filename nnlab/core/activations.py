"""Activation functions, each derivative written in terms of the function's own value."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nnlab.core.node import Array, Calls, Memory, Node, Shape, call, scalar


def sigmoid(x: Array, out: Array) -> Calls:
    """Write σ(x) = 1 / (1 + exp(−x)) into `out`. Where exp overflows to infinity the result is 0, as it should be."""
    yield call(np.negative, x, out)  # out = −x
    yield call(np.exp, out, out)  # out = exp(−x)
    yield call(np.add, out, scalar(1.0, out), out)  # out = 1 + exp(−x)
    yield call(np.reciprocal, out, out)  # out = 1 / (1 + exp(−x))


def softmax(x: Array, out: Array, row: Array) -> Calls:
    """Write exp(x_i) / Σ_j exp(x_j) of each row of `x` (n, k) into `out`; `row` (n, 1) is scratch.

    The row's maximum m is subtracted first, which changes nothing but keeps exp from overflowing.
    """
    yield call(np.maximum.reduce, x, axis=1, keepdims=True, out=row)  # m = max_j x_j
    yield call(np.subtract, x, row, out)  # out = x − m
    yield call(np.exp, out, out)  # out = exp(x − m)
    yield call(np.add.reduce, out, axis=1, keepdims=True, out=row)  # s = Σ_j exp(x_j − m)
    yield call(np.divide, out, row, out)  # out = exp(x − m) / s


class _Activation(Node):
    def __init__(self, x: Node) -> None:
        super().__init__(x)

    def shape(self, *inputs: Shape) -> Shape:
        """The shape of the input."""
        return inputs[0]


class Sigmoid(_Activation):
    """σ(x) = 1 / (1 + exp(−x)); x of any shape."""

    def forward(self, x: Array, out: Array) -> Calls:
        """Write σ(x)."""
        return sigmoid(x, out)

    def backward(self, x: Array, out: Array, dout: Array, dx: Array) -> Calls:
        """dx = dout · σ (1 − σ), where σ is the value."""
        yield call(np.subtract, scalar(1.0, out), out, dx)  # dx = 1 − σ
        yield call(np.multiply, dx, out, dx)  # dx = (1 − σ) σ
        yield call(np.multiply, dx, dout, dx)  # dx = (1 − σ) σ dout


class Tanh(_Activation):
    """tanh(x); x of any shape."""

    def forward(self, x: Array, out: Array) -> Calls:
        """Write tanh(x)."""
        yield call(np.tanh, x, out)  # out = tanh(x)

    def backward(self, x: Array, out: Array, dout: Array, dx: Array) -> Calls:
        """dx = dout · (1 − y²), where y is the value."""
        yield call(np.multiply, out, out, dx)  # dx = y²
        yield call(np.subtract, scalar(1.0, dx), dx, dx)  # dx = 1 − y²
        yield call(np.multiply, dx, dout, dx)  # dx = (1 − y²) dout


class ReLU(_Activation):
    """max(x, 0); x of any shape. The derivative at 0 is taken to be 0."""

    class Saved(NamedTuple):
        """Zeros, and where the value is positive."""

        zeros: Array
        positive: Array

    def saved(self, memory: Memory, *inputs: Shape) -> Saved:
        """Both of the value's shape."""
        # Beside a single zero, `np.maximum` takes two to three times as long.
        return self.Saved(
            zeros=memory.constant("zeros", inputs[0], np.zeros), positive=memory.empty(inputs[0], np.bool_)
        )

    def forward(self, x: Array, out: Array, saved: Saved) -> Calls:
        """Write max(x, 0)."""
        yield call(np.maximum, x, saved.zeros, out=out)  # out = max(x, 0)

    def backward(self, x: Array, out: Array, saved: Saved, dout: Array, dx: Array) -> Calls:
        """dx = dout where the value is positive, else 0."""
        yield call(np.greater, out, scalar(0.0, out), saved.positive)  # positive = out > 0
        yield call(np.multiply, dout, saved.positive, dx)  # dx = dout · positive


class Softmax(_Activation):
    """exp(x_i) / Σ_j exp(x_j) over the last axis of x (n, k), or of one vector x (k,)."""

    class Saved(NamedTuple):
        """A number for each row (n, 1)."""

        row: Array

    def shape(self, *inputs: Shape) -> Shape:
        """The shape of the input."""
        if len(inputs[0]) not in (1, 2):
            raise ValueError(f"`Softmax` needs x of shape (n, k) or (k,), but got {inputs[0]}.")
        return inputs[0]

    def saved(self, memory: Memory, *inputs: Shape) -> Saved:
        """(n, 1)."""
        return self.Saved(memory.empty((*inputs[0][:-1], 1) if len(inputs[0]) > 1 else (1, 1)))

    def forward(self, x: Array, out: Array, saved: Saved) -> Calls:
        """Write the softmax of each row."""
        n = len(saved.row)
        return softmax(x.reshape(n, -1), out.reshape(n, -1), saved.row)

    def backward(self, x: Array, out: Array, saved: Saved, dout: Array, dx: Array) -> Calls:
        """dx_i = p_i (dout_i − Σ_j dout_j p_j), where p is the value; since ∂p_i/∂x_j = p_i (δ_ij − p_j)."""
        row = saved.row
        p, dp, dx = (array.reshape(len(row), -1) for array in (out, dout, dx))
        yield call(np.multiply, dp, p, dx)  # dx = dout p
        yield call(np.add.reduce, dx, axis=1, keepdims=True, out=row)  # s = Σ_j dout_j p_j
        yield call(np.subtract, dp, row, dx)  # dx = dout − s
        yield call(np.multiply, dx, p, dx)  # dx = (dout − s) p


class InvertedDropout(_Activation):
    """x · mask: each element is kept with probability 1 − rate and then divided by 1 − rate.

    The expected value is unchanged, so that evaluation simply leaves the node out.

    Args:
        x: any shape.
        rate: the probability of dropping an element, in [0, 1).
        rng: the stream the masks are drawn from.

    Reference: N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 2014.
    """

    class Saved(NamedTuple):
        """The mask: 0 where dropped, 1 / (1 − rate) where kept; and what it is made of."""

        mask: Array
        draws: Array
        kept: Array

    def __init__(self, x: Node, rate: float, rng: np.random.Generator) -> None:
        super().__init__(x)
        self.rate = rate
        self.rng = rng

    def saved(self, memory: Memory, *inputs: Shape) -> Saved:
        """All of the value's shape; the draws are float32, whatever the graph's dtype."""
        shape = inputs[0]
        return self.Saved(
            mask=memory.empty(shape), draws=memory.empty(shape, np.float32), kept=memory.empty(shape, np.bool_)
        )

    def forward(self, x: Array, out: Array, saved: Saved) -> Calls:
        """Draw a mask and write x · mask."""
        mask, draws, kept = saved
        yield call(self.rng.random, dtype=np.float32, out=draws)  # u ~ uniform in [0, 1)
        yield call(np.greater_equal, draws, scalar(self.rate, draws), kept)  # kept = u ≥ rate
        yield call(np.multiply, kept, scalar(1.0 / (1.0 - self.rate), mask), mask)  # mask = kept / (1 − rate)
        yield call(np.multiply, x, mask, out)  # out = x mask

    def backward(self, x: Array, out: Array, saved: Saved, dout: Array, dx: Array) -> Calls:
        """dx = dout · mask."""
        yield call(np.multiply, dout, saved.mask, dx)  # dx = dout mask


ACTIVATIONS: dict[str, type[_Activation] | None] = {
    "identity": None,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
    "softmax": Softmax,
}
"""By name; identity needs no node."""
