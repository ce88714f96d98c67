"""Sums and products: the operations that have nothing to do with neural networks yet."""

from __future__ import annotations

import math

import numpy as np

from nnlab.core.graph import Array, Node, Shape


def unbroadcast(gradient: Array, out: Array) -> None:
    """Sum `gradient` down to the shape of `out`, into `out`: the adjoint of NumPy's broadcasting."""
    leading = gradient.ndim - out.ndim
    stretched = tuple(leading + i for i, n in enumerate(out.shape) if n == 1 and gradient.shape[leading + i] != 1)
    axes = tuple(range(leading)) + stretched
    if axes:
        out[...] = np.add.reduce(gradient, axis=axes, keepdims=True).reshape(out.shape)
    else:
        np.copyto(out, gradient)


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

    def forward(self, x: Array, y: Array, out: Array) -> None:
        """Write x + y."""
        np.add(x, y, out=out)

    def backward(self, x: Array, y: Array, out: Array, dout: Array, dx: Array | None, dy: Array | None) -> None:
        """∂(x + y)/∂x = ∂(x + y)/∂y = 1."""
        if dx is not None:
            unbroadcast(dout, dx)
        if dy is not None:
            unbroadcast(dout, dy)


class Mul(_Elementwise):
    """`x · y`, element by element."""

    def __init__(self, x: Node, y: Node) -> None:
        super().__init__(x, y)

    def forward(self, x: Array, y: Array, out: Array) -> None:
        """Write x · y."""
        np.multiply(x, y, out=out)

    def backward(self, x: Array, y: Array, out: Array, dout: Array, dx: Array | None, dy: Array | None) -> None:
        """∂(x · y)/∂x = y, ∂(x · y)/∂y = x."""
        if dx is not None:
            unbroadcast(np.multiply(dout, y), dx)
        if dy is not None:
            unbroadcast(np.multiply(dout, x), dy)


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

    def forward(self, x: Array, w: Array, out: Array) -> None:
        """Write x @ w."""
        np.dot(x if x.ndim == 2 else _as_matrix(x), w, out)

    def backward(self, x: Array, w: Array, out: Array, dout: Array, dx: Array | None, dw: Array | None) -> None:
        """∂/∂x: dout @ wᵀ, in the shape of x. ∂/∂w: xᵀ @ dout."""
        if dx is not None:
            np.dot(dout, w.T, dx if dx.ndim == 2 else _as_matrix(dx))
        if dw is not None:
            np.dot((x if x.ndim == 2 else _as_matrix(x)).T, dout, dw)


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

    def forward(self, x: Array, w: Array, b: Array, out: Array) -> None:  # type: ignore[override]
        """Write x @ w + b."""
        super().forward(x, w, out)
        np.add(out, b, out=out)

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
    ) -> None:
        """As `MatMul`, and ∂/∂b: the sum of dout over the rows."""
        super().backward(x, w, out, dout, dx, dw)
        if db is not None:
            np.add.reduce(dout, axis=0, out=db.reshape(-1))
