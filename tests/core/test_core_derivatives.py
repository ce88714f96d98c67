"""`docs/derivatives.md` says what the docstrings say, and each of its rows is held against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from oracles import central_differences

from docs import derivatives
from nnlab.core import Add, Input, Linear, MatMul, Mul, Node, ReLU, Sigmoid, Softmax, Tanh, value, value_and_grad
from nnlab.core.activations import InvertedDropout
from nnlab.core.losses import (
    BinaryCrossEntropyWithLogits,
    CrossEntropyWithSoftmax,
    HalfSquaredError,
    MeanBinaryCrossEntropyWithLogits,
    MeanSquaredError,
)

Shape = tuple[int, ...]


class SameDraws:
    """A stream that gives the same numbers again and again, so that there are differences of one mask."""

    def random(self, dtype: Any, out: Any) -> None:
        np.copyto(out, np.random.default_rng(3).random(out.shape, dtype))


def dropout(x: Node) -> Node:
    return InvertedDropout(x, 0.4, SameDraws())  # type: ignore[arg-type]


def sigma(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(z: Any) -> Any:
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


class Row(NamedTuple):
    """A row of the page: the operation, values of which shapes it is tried on, and the derivatives as it writes them.

    `derivatives` is given dout, the operation's value, and its inputs.
    """

    build: Callable[..., Node]
    shapes: list[Shape]
    derivatives: Callable[..., tuple[Any, ...]]


LABELS = Input("labels")
CLASSES = np.array([0, 2, 1, 2])
LAYER: list[Shape] = [(4, 2, 3), (6, 5), (5,)]
PAIR: list[Shape] = [(4, 3), (4, 3)]

ROWS: dict[Any, Row] = {
    Add: Row(Add, [(4, 3), (1, 3)], lambda dout, out, x, y: (dout, dout.sum(axis=0, keepdims=True))),
    Mul: Row(
        Mul, [(4, 1), (3,)], lambda dout, out, x, y: ((dout * y).sum(axis=1, keepdims=True), (dout * x).sum(axis=0))
    ),
    MatMul: Row(MatMul, LAYER[:2], lambda dout, out, x, w: ((dout @ w.T).reshape(x.shape), x.reshape(4, 6).T @ dout)),
    Linear: Row(
        Linear,
        LAYER,
        lambda dout, out, x, w, b: ((dout @ w.T).reshape(x.shape), x.reshape(4, 6).T @ dout, dout.sum(axis=0)),
    ),
    Sigmoid: Row(Sigmoid, [(4, 3)], lambda dout, out, x: (dout * out * (1 - out),)),
    Tanh: Row(Tanh, [(4, 3)], lambda dout, out, x: (dout * (1 - out**2),)),
    ReLU: Row(ReLU, [(4, 3)], lambda dout, out, x: (np.where(out > 0, dout, 0),)),
    Softmax: Row(Softmax, [(4, 3)], lambda dout, p, x: (p * (dout - (dout * p).sum(axis=1, keepdims=True)),)),
    InvertedDropout: Row(dropout, [(4, 3)], lambda dout, out, x: (dout * (out / x),)),
    HalfSquaredError: Row(
        HalfSquaredError, PAIR, lambda dout, out, p, t: (dout * 2 / 8 * (p - t), -dout * 2 / 8 * (p - t))
    ),
    MeanSquaredError: Row(
        MeanSquaredError, PAIR, lambda dout, out, p, t: (dout * 2 / 12 * (p - t), -dout * 2 / 12 * (p - t))
    ),
    CrossEntropyWithSoftmax: Row(
        lambda z: CrossEntropyWithSoftmax(z, LABELS),
        [(4, 3)],
        lambda dout, out, z: (dout * (softmax(z) - np.eye(3)[CLASSES]) / 4,),
    ),
    BinaryCrossEntropyWithLogits: Row(
        BinaryCrossEntropyWithLogits, PAIR, lambda dout, out, z, t: (dout * (sigma(z) - t) / 4, -dout * z / 4)
    ),
    MeanBinaryCrossEntropyWithLogits: Row(
        MeanBinaryCrossEntropyWithLogits, PAIR, lambda dout, out, z, t: (dout * (sigma(z) - t) / 12, -dout * z / 12)
    ),
}


def test_the_page_is_current() -> None:
    assert derivatives.PAGE.read_text(encoding="utf-8") == derivatives.page(), "run `python docs/derivatives.py`"


def test_every_operation_has_a_row_that_is_checked() -> None:
    listed = [operation for found in derivatives.operations().values() for operation in found]
    assert set(listed) == set(ROWS)


@pytest.mark.parametrize("operation", ROWS, ids=lambda operation: operation.__name__)
def test_the_derivatives_of_a_row_are_central_differences(operation: Any) -> None:
    """Those that the page writes, and those that the operation computes."""
    row, rng = ROWS[operation], np.random.default_rng(11)
    feed: dict[Node, Any] = {Input(): rng.uniform(0.1, 0.9, shape) for shape in row.shapes}
    inputs = list(feed)
    feed[inputs[0]] *= rng.choice([-1, 1], row.shapes[0])
    node, dout = row.build(*inputs), Input("dout")
    assert isinstance(node, operation)
    fed = feed | ({LABELS: CLASSES} if LABELS in node.inputs else {})
    out = np.asarray(value(node, fed))
    fed[dout] = rng.normal(size=out.shape)

    weighted = Mul(node, dout)
    _, computed = value_and_grad(weighted, fed, inputs)
    written = row.derivatives(fed[dout], out, *feed.values())
    for array, ours, theirs in zip(feed.values(), computed, written, strict=True):
        expected = central_differences(lambda: float(np.sum(value(weighted, fed))), array)
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(theirs, expected, rtol=1e-6, atol=1e-8)
