"""Sums and products: derivatives by differences, and the laws of linear maps by Hypothesis."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import assert_gradients_match_differences

from nnlab.core import Add, Input, Linear, MatMul, Mul, Node, value, value_and_grad
from nnlab.core.ops import unbroadcast

Shape = tuple[int, ...]

BROADCASTS: list[tuple[Shape, Shape]] = [
    ((), ()),
    ((3,), ()),
    ((2, 3), (3,)),
    ((2, 3), (1, 3)),
    ((2, 1), (1, 3)),
    ((4, 1, 3), (2, 1)),
    ((1, 1), (1,)),
]


@pytest.mark.parametrize("op", [Add, Mul])
@pytest.mark.parametrize("shapes", [pair for a, b in BROADCASTS for pair in ((a, b), (b, a))])
def test_gradients_of_sums_and_products_are_right_for_shapes_that_broadcast(
    op: Callable[[Node, Node], Node], shapes: tuple[Shape, Shape]
) -> None:
    x, y = Input("x"), Input("y")
    rng = np.random.default_rng(1)
    feed = {x: rng.normal(size=shapes[0]), y: rng.normal(size=shapes[1])}
    assert_gradients_match_differences(op(x, y), feed, [x, y])


@pytest.mark.parametrize("op", [Add, Mul])
def test_gradients_are_right_where_both_inputs_are_the_same_node(op: Callable[[Node, Node], Node]) -> None:
    x = Input("x")
    assert_gradients_match_differences(op(x, x), {x: np.array([[0.3, -2.0, 5.0]])}, [x])


@pytest.mark.parametrize("shape", [(5, 6), (1, 6), (4, 2, 3), (3, 1, 2, 3)])
def test_gradients_of_a_product_with_a_matrix_are_right_and_in_the_shape_of_the_input(shape: Shape) -> None:
    x, w, b = Input("x"), Input("w"), Input("b")
    rng = np.random.default_rng(2)
    feed = {x: rng.normal(size=shape), w: rng.normal(size=(6, 4)), b: rng.normal(size=4)}
    assert_gradients_match_differences(MatMul(x, w), feed, [x, w])
    assert_gradients_match_differences(Linear(x, w, b), feed, [x, w, b])
    assert_gradients_match_differences(Linear(x, w, b), feed | {b: rng.normal(size=(1, 4))}, [b, w, x])


def test_a_product_flattens_each_row_in_the_order_of_its_elements() -> None:
    x, w = Input(), Input()
    # One row (2, 2) = [[1, 2], [3, 4]], read as 1 2 3 4, against columns that pick the first and the last.
    feed = {x: np.array([[[1.0, 2.0], [3.0, 4.0]]]), w: np.array([[1.0, 0], [0, 0], [0, 0], [0, 10.0]])}
    np.testing.assert_array_equal(value(MatMul(x, w), feed), [[1.0, 40.0]])


def test_shapes_that_do_not_broadcast_are_refused_with_both_shapes() -> None:
    x, y = Input(), Input()
    with pytest.raises(ValueError, match=r"`Mul` needs values whose shapes broadcast, but got \(2, 3\) and \(2,\)"):
        value(Mul(x, y), {x: np.zeros((2, 3)), y: np.zeros(2)})


MISFITS: list[tuple[Shape, Shape]] = [((2, 3), (4, 5)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 2, 2), (2, 5))]


@pytest.mark.parametrize(("x_shape", "w_shape"), MISFITS)
def test_a_product_of_shapes_that_do_not_fit_is_refused_with_both(x_shape: Shape, w_shape: Shape) -> None:
    x, w = Input(), Input()
    with pytest.raises(ValueError, match=r"\(n, features\) and w .* \(features, units\), but got x \(.*\) and w \("):
        value(MatMul(x, w), {x: np.zeros(x_shape), w: np.zeros(w_shape)})


@pytest.mark.parametrize("b_shape", [(1,), (3, 2), (), (2, 1)])
def test_a_bias_that_would_only_broadcast_is_refused(b_shape: Shape) -> None:
    x, w, b = Input(), Input(), Input()
    with pytest.raises(ValueError, match=r"`Linear` needs b of shape \(2,\) or \(1, 2\) beside w \(3, 2\)"):
        value(Linear(x, w, b), {x: np.zeros((3, 3)), w: np.zeros((3, 2)), b: np.zeros(b_shape)})


seeds = st.integers(0, 2**32 - 1)


@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4), seed=seeds)
def test_unbroadcast_is_the_adjoint_of_broadcasting(shapes: hnp.BroadcastableShapes, seed: int) -> None:
    small, big = shapes.input_shapes[0], shapes.result_shape
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=small), rng.normal(size=big)
    summed = np.empty(small)
    for step in unbroadcast(y, summed):
        step()
    # <broadcast x, y> = <x, unbroadcast y>
    np.testing.assert_allclose(np.vdot(np.broadcast_to(x, big), y), np.vdot(x, summed), rtol=1e-12, atol=1e-12)


@given(rows=st.integers(1, 6), features=st.integers(1, 6), units=st.integers(1, 6), seed=seeds)
def test_the_gradient_of_a_product_is_the_adjoint_of_the_product(
    rows: int, features: int, units: int, seed: int
) -> None:
    """<J v, u> = <v, Jᵀ u>: x ↦ x @ w is linear, so J v is the product itself at v."""
    rng = np.random.default_rng(seed)
    x, w, u = Input(), Input(), Input()
    fixed, v, upstream = (rng.normal(size=s) for s in ((features, units), (rows, features), (rows, units)))
    weighted = Mul(MatMul(x, w), u)
    feed = {x: rng.normal(size=(rows, features)), w: fixed, u: upstream}

    _, (by_x,) = value_and_grad(weighted, feed, [x])
    np.testing.assert_allclose(np.vdot(v @ fixed, upstream), np.vdot(v, by_x), rtol=1e-10, atol=1e-10)

    direction = rng.normal(size=(features, units))
    _, (by_w,) = value_and_grad(weighted, feed, [w])
    np.testing.assert_allclose(np.vdot(feed[x] @ direction, upstream), np.vdot(direction, by_w), rtol=1e-10, atol=1e-10)


@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4), seed=seeds)
def test_the_gradients_of_sum_and_product_are_adjoints_of_their_linear_maps(
    shapes: hnp.BroadcastableShapes, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.normal(size=shape) for shape in shapes.input_shapes)
    upstream = rng.normal(size=shapes.result_shape)
    v = rng.normal(size=a.shape)
    x, y, u = Input(), Input(), Input()
    feed = {x: a, y: b, u: upstream}
    for op, jacobian_of_v in ((Add(x, y), np.broadcast_to(v, upstream.shape)), (Mul(x, y), v * b)):
        _, (by_x,) = value_and_grad(Mul(op, u), feed, [x])
        np.testing.assert_allclose(np.vdot(jacobian_of_v, upstream), np.vdot(v, by_x), rtol=1e-10, atol=1e-10)
