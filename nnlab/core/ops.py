"""Sums and products: the operations that have nothing to do with neural networks yet."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from nnlab.core.node import Array, Calls, Memory, Node, Shape, call


def unbroadcast(gradient: Array, out: Array) -> Calls:
    """Sum `gradient` down to the shape of `out`, into `out`: the adjoint of NumPy's broadcasting.

    What broadcasting repeats is used several times, and its derivative is the sum over these.
    """
    leading = gradient.ndim - out.ndim
    repeated = tuple(leading + i for i, n in enumerate(out.shape) if n == 1 and gradient.shape[leading + i] != 1)
    axes = tuple(range(leading)) + repeated
    if axes:
        kept = out.reshape((1,) * leading + out.shape)
        yield call(np.add.reduce, gradient, axis=axes, keepdims=True, out=kept)  # out = Σ gradient
    else:
        yield call(np.copyto, out, gradient)  # out = gradient


class _Elementwise(Node):
    """An operation on two values of the same or of broadcastable shapes."""

    def shape(self, *inputs: Shape) -> Shape:
        try:
            return np.broadcast_shapes(*inputs)
        except ValueError:
            raise ValueError(
                f"`{type(self).__name__}` needs values whose shapes broadcast, but got {inputs[0]} and {inputs[1]}."
            ) from None


class Add(_Elementwise):
    """`x + y`."""

    def __init__(self, x: Node, y: Node) -> None:
        super().__init__(x, y)

    def forward(self, x: Array, y: Array, out: Array) -> Calls:
        """Write x + y."""
        yield call(np.add, x, y, out)  # out = x + y

    def backward(self, x: Array, y: Array, out: Array, dout: Array, dx: Array | None, dy: Array | None) -> Calls:
        """dx = dout, dy = dout; each summed over the axes that broadcasting repeated."""
        if dx is not None:
            yield from unbroadcast(dout, dx)
        if dy is not None:
            yield from unbroadcast(dout, dy)


class Mul(_Elementwise):
    """`x · y`, element by element."""

    def __init__(self, x: Node, y: Node) -> None:
        super().__init__(x, y)

    class Saved(NamedTuple):
        """Room for a derivative that is yet to be summed."""

        product: Array

    def saved(self, memory: Memory, *inputs: Shape) -> Saved:
        """An array of the value's shape."""
        return self.Saved(memory.empty(self.shape(*inputs)))

    def forward(self, x: Array, y: Array, out: Array, saved: Saved) -> Calls:
        """Write x · y."""
        yield call(np.multiply, x, y, out)  # out = x y

    def backward(
        self, x: Array, y: Array, out: Array, saved: Saved, dout: Array, dx: Array | None, dy: Array | None
    ) -> Calls:
        """dx = dout · y, dy = dout · x; each summed over the axes that broadcasting repeated."""
        product = saved.product
        if dx is not None:
            yield call(np.multiply, dout, y, product)  # dx = dout y
            yield from unbroadcast(product, dx)
        if dy is not None:
            yield call(np.multiply, dout, x, product)  # dy = dout x
            yield from unbroadcast(product, dy)


def _as_matrix(x: Array) -> Array:
    return x.reshape(len(x), -1)


class MatMul(Node):
    """`x @ w`, with x (n, d1, ..., dk) read as (n, d1·…·dk), w (d1·…·dk, units), value (n, units)."""

    def __init__(self, x: Node, w: Node) -> None:
        super().__init__(x, w)

    def shape(self, *inputs: Shape) -> Shape:
        """(n, units)."""
        x, w = inputs[:2]
        if len(x) < 2 or len(w) != 2 or math.prod(x[1:]) != w[0]:
            raise ValueError(
                f"`{type(self).__name__}` needs x of shape (n, features) and w of shape (features, units), "
                f"but got x {x} and w {w}."
            )
        return (x[0], w[1])

    def forward(self, x: Array, w: Array, out: Array) -> Calls:
        """Write x @ w."""
        yield call(_as_matrix(x).dot, w, out)  # out = x @ w

    def backward(self, x: Array, w: Array, out: Array, dout: Array, dx: Array | None, dw: Array | None) -> Calls:
        """dx = dout @ wᵀ, in the shape of x; dw = xᵀ @ dout."""
        if dx is not None:
            yield call(dout.dot, w.T, _as_matrix(dx))  # dx = dout @ wᵀ
        if dw is not None:
            yield call(_as_matrix(x).T.dot, dout, dw)  # dw = xᵀ @ dout


class Linear(MatMul):
    """`x @ w + b`, with x and w as in `MatMul` and b (units,) or (1, units)."""

    def __init__(self, x: Node, w: Node, b: Node) -> None:
        Node.__init__(self, x, w, b)

    def shape(self, *inputs: Shape) -> Shape:
        """(n, units)."""
        out = super().shape(*inputs)
        if inputs[2] not in ((out[1],), (1, out[1])):
            raise ValueError(
                f"`Linear` needs b of shape ({out[1]},) or (1, {out[1]}) beside w {inputs[1]}, but got b {inputs[2]}."
            )
        return out

    def forward(self, x: Array, w: Array, b: Array, out: Array) -> Calls:  # type: ignore[override]
        """Write x @ w + b."""
        yield from super().forward(x, w, out)  # out = x @ w
        yield call(np.add, out, b, out)  # out = x @ w + b

    def backward(  # type: ignore[override]
        self,
        x: Array,
        w: Array,
        b: Array,
        out: Array,
        dout: Array,
        dx: Array | None,
        dw: Array | None,
        db: Array | None,
    ) -> Calls:
        """dx = dout @ wᵀ, in the shape of x; dw = xᵀ @ dout; db = Σ dout over the rows."""
        yield from super().backward(x, w, out, dout, dx, dw)  # dx = dout @ wᵀ, dw = xᵀ @ dout
        if db is not None:
            yield call(np.add.reduce, dout, axis=0, out=db.reshape(-1))  # db = Σ_rows dout
