"""Activation functions, each derivative written in terms of the function's own value."""

from __future__ import annotations

import numpy as np

from nnlab.core.node import Array, Calls, Node, Saved, Shape, call, scalar


def sigmoid(x: Array, out: Array) -> Calls:
    """Write σ(x) = 1 / (1 + exp(−x)) into `out`. Where exp overflows to infinity the result is 0, as it should be."""
    yield call(np.negative, x, out)
    yield call(np.exp, out, out)
    yield call(np.add, out, scalar(1.0, out), out)
    yield call(np.reciprocal, out, out)


def softmax(x: Array, out: Array, row: Array) -> Calls:
    """Write exp(x_i) / Σ_j exp(x_j) of each row of `x` (n, k) into `out`; `row` (n, 1) is scratch.

    The row's maximum is taken off first, which changes nothing but keeps exp from overflowing.
    """
    yield call(np.maximum.reduce, x, axis=1, keepdims=True, out=row)
    yield call(np.subtract, x, row, out)
    yield call(np.exp, out, out)
    yield call(np.add.reduce, out, axis=1, keepdims=True, out=row)
    yield call(np.divide, out, row, out)


class _Activation(Node):
    def __init__(self, x: Node) -> None:
        super().__init__(x)

    def shape(self, *inputs: Shape) -> Shape:
        """The shape of the input."""
        return inputs[0]


class Sigmoid(_Activation):
    """σ(x) = 1 / (1 + exp(−x)); any shape."""

    def forward(self, x: Array, out: Array) -> Calls:
        """Write σ(x)."""
        return sigmoid(x, out)

    def backward(self, x: Array, out: Array, dout: Array, dx: Array) -> Calls:
        """σ′ = σ (1 − σ)."""
        yield call(np.subtract, scalar(1.0, out), out, dx)
        yield call(np.multiply, dx, out, dx)
        yield call(np.multiply, dx, dout, dx)


class Tanh(_Activation):
    """tanh(x); any shape."""

    def forward(self, x: Array, out: Array) -> Calls:
        """Write tanh(x)."""
        yield call(np.tanh, x, out)

    def backward(self, x: Array, out: Array, dout: Array, dx: Array) -> Calls:
        """tanh′ = 1 − tanh²."""
        yield call(np.multiply, out, out, dx)
        yield call(np.subtract, scalar(1.0, dx), dx, dx)
        yield call(np.multiply, dx, dout, dx)


class ReLU(_Activation):
    """max(x, 0); any shape. The derivative at 0 is taken to be 0."""

    def saved(self, *inputs: Shape) -> tuple[Saved, ...]:
        """Where the value is positive."""
        return (Saved(inputs[0], np.bool_),)

    def forward(self, x: Array, out: Array, positive: Array) -> Calls:
        """Write max(x, 0)."""
        # Beside a single zero, NumPy takes four times as long.
        yield call(np.maximum, x, np.zeros_like(x), out=out)

    def backward(self, x: Array, out: Array, positive: Array, dout: Array, dx: Array) -> Calls:
        """1 where the value is positive, else 0."""
        yield call(np.greater, out, scalar(0.0, out), positive)
        yield call(np.multiply, dout, positive, dx)


class Softmax(_Activation):
    """exp(x_i) / Σ_j exp(x_j) over the last axis of x (n, k), or of one vector x (k,)."""

    def shape(self, *inputs: Shape) -> Shape:
        """The shape of the input."""
        if len(inputs[0]) not in (1, 2):
            raise ValueError(f"`Softmax` needs x of shape (n, k) or (k,), but got {inputs[0]}.")
        return inputs[0]

    def saved(self, *inputs: Shape) -> tuple[Saved, ...]:
        """A number for each row."""
        return (Saved((*inputs[0][:-1], 1) if len(inputs[0]) > 1 else (1, 1)),)

    def forward(self, x: Array, out: Array, row: Array) -> Calls:
        """Write the softmax of each row."""
        return softmax(x.reshape(len(row), -1), out.reshape(len(row), -1), row)

    def backward(self, x: Array, out: Array, row: Array, dout: Array, dx: Array) -> Calls:
        """With p the value: ∂p_i/∂x_j = p_i (δ_ij − p_j), so dx = p ⊙ (dout − Σ_j dout_j p_j)."""
        p, dp, dx = (array.reshape(len(row), -1) for array in (out, dout, dx))
        yield call(np.multiply, dp, p, dx)
        yield call(np.add.reduce, dx, axis=1, keepdims=True, out=row)
        yield call(np.subtract, dp, row, dx)
        yield call(np.multiply, dx, p, dx)


class InvertedDropout(_Activation):
    """Each element is kept with probability 1 − rate and then divided by 1 − rate.

    The expected value is unchanged, so that evaluation simply leaves the node out.

    Args:
        x: any shape.
        rate: the probability of dropping an element, in [0, 1).
        rng: the stream the masks are drawn from.

    Reference: N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 2014.
    """

    def __init__(self, x: Node, rate: float, rng: np.random.Generator) -> None:
        super().__init__(x)
        self.rate = rate
        self.rng = rng

    def saved(self, *inputs: Shape) -> tuple[Saved, ...]:
        """The mask: 0 where dropped, 1 / (1 − rate) where kept; and the draws it comes from."""
        return (Saved(inputs[0]), Saved(inputs[0], np.float32), Saved(inputs[0], np.bool_))

    def forward(self, x: Array, out: Array, mask: Array, draws: Array, kept: Array) -> Calls:
        """Draw a mask and write x ⊙ mask."""
        yield call(self.rng.random, dtype=np.float32, out=draws)
        yield call(np.greater_equal, draws, scalar(self.rate, draws), kept)
        yield call(np.multiply, kept, scalar(1.0 / (1.0 - self.rate), mask), mask)
        yield call(np.multiply, x, mask, out)

    def backward(self, x: Array, out: Array, mask: Array, draws: Array, kept: Array, dout: Array, dx: Array) -> Calls:
        """dx = dout ⊙ mask."""
        yield call(np.multiply, dout, mask, dx)


ACTIVATIONS: dict[str, type[_Activation] | None] = {
    "identity": None,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
    "softmax": Softmax,
}
"""By name; identity needs no node."""
