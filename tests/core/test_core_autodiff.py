"""Automatic differentiation, held to the worked values of the published system that it follows (miniflow)."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import assert_gradients_match_differences

from nnlab.core import (
    Add,
    CrossEntropyWithSoftmax,
    HalfSquaredError,
    Input,
    Linear,
    Mul,
    Node,
    Sigmoid,
    Softmax,
    accuracy,
    value,
    value_and_grad,
)


def test_x_times_y_plus_x_times_z_has_the_published_value_and_gradient() -> None:
    x, y, z = Input("x"), Input("y"), Input("z")
    f = Add(Mul(x, y), Mul(x, z))
    result, gradient = value_and_grad(f, {x: 3, y: 4, z: -5}, [x, y, z])
    assert result == -3
    assert gradient == [-1, 3, 3]


def test_gradients_come_in_the_order_of_wrt() -> None:
    x, y, z = Input(), Input(), Input()
    f = Add(Mul(x, y), Mul(x, z))
    feed = {x: 3, y: 4, z: -5}
    assert value_and_grad(f, feed, (z, x))[1] == [3, -1]
    assert value_and_grad(f, feed, (y,))[1] == [3]
    assert value_and_grad(f, feed, [])[1] == []
    assert value_and_grad(f, feed, [x, x])[1] == [-1, -1]


def test_linear_has_the_published_value_and_gradients() -> None:
    x, w, b = Input("x"), Input("w"), Input("b")
    feed = {
        x: np.array([[-1.0, -2.0], [-1.0, -2.0]]),
        w: np.array([[2.0, -3.0], [2.0, -3.0]]),
        b: np.array([-3.0, -3.0]).reshape(1, -1),
    }
    result, gradients = value_and_grad(Linear(x, w, b), feed, (x, w, b))
    np.testing.assert_array_equal(result, [[-9.0, 6.0], [-9.0, 6.0]])
    np.testing.assert_array_equal(gradients[0], [[-1.0, -1.0], [-1.0, -1.0]])
    np.testing.assert_array_equal(gradients[1], [[-2.0, -2.0], [-4.0, -4.0]])
    np.testing.assert_array_equal(gradients[2], [[2.0, 2.0]])


def test_the_bias_gradient_has_the_shape_the_bias_was_fed_in() -> None:
    x, w, b = Input(), Input(), Input()
    feed = {x: np.ones((2, 3)), w: np.ones((3, 4)), b: np.zeros(4)}
    assert value_and_grad(Linear(x, w, b), feed, [b])[1][0].shape == (4,)
    assert value_and_grad(Linear(x, w, b), feed | {b: np.zeros((1, 4))}, [b])[1][0].shape == (1, 4)


def test_sigmoid_has_the_published_value_and_gradient() -> None:
    x = Input("x")
    result, (gradient,) = value_and_grad(Sigmoid(x), {x: np.array([-10.0, 0.0, 10.0])}, [x])
    np.testing.assert_allclose(result, [0.0, 0.5, 1.0], atol=1e-4)
    np.testing.assert_allclose(gradient, [0.0, 0.25, 0.0], atol=1e-4)


def test_softmax_cross_entropy_has_the_published_value_and_gradient() -> None:
    x, labels = Input("x"), Input("labels")
    feed = {x: np.array([[0.5, 1.0, 1.5]]), labels: np.array([1])}
    result, (gradient,) = value_and_grad(CrossEntropyWithSoftmax(x, labels), feed, [x])
    assert result == pytest.approx(1.1802, abs=1e-4)
    np.testing.assert_allclose(gradient, [[0.1863, -0.6928, 0.5064]], atol=1e-4)


def test_softmax_of_a_vector_has_the_published_value() -> None:
    x = Input("x")
    np.testing.assert_allclose(value(Softmax(x), {x: [0.2, 1.0, 0.3]}), [0.2309, 0.5138, 0.2551], atol=1e-4)


def test_a_node_used_along_many_paths_adds_its_gradients() -> None:
    x = Input("x")
    square = Mul(x, x)
    # x⁴ + x² + x at 2: 16 + 4 + 2 = 22, derivative 4·8 + 2·2 + 1 = 37.
    f = Add(Add(Mul(square, square), square), x)
    assert value_and_grad(f, {x: 2.0}, [x]) == (22.0, [37.0])


def test_two_inputs_that_other_paths_have_reached_before_get_each_their_own_part() -> None:
    x, y = Input("x"), Input("y")
    # x·y + (x + y): by x, y + 1; by y, x + 1. In the order of the backward pass the sum comes first.
    f = Add(Mul(x, y), Add(x, y))
    assert value_and_grad(f, {x: 2.0, y: 5.0}, [x, y]) == (17.0, [6.0, 3.0])


def test_paths_that_double_at_every_node_are_walked_once() -> None:
    x = Input("x")
    f: Node = x
    for _ in range(40):  # 2⁴⁰ paths: a walk along each of them would not end
        f = Add(f, f)
    assert value_and_grad(f, {x: 1.5}, [x]) == (1.5 * 2.0**40, [2.0**40])


def test_a_chain_of_5_000_nodes_needs_no_recursion() -> None:
    x, one = Input("x"), Input("one")
    f: Node = x
    for _ in range(5_000):
        f = Add(f, one)
    assert value_and_grad(f, {x: 0.5, one: 1.0}, [x, one]) == (5_000.5, [1.0, 5_000.0])


def test_a_derivative_by_a_node_inside_the_expression_is_allowed() -> None:
    x, y = Input("x"), Input("y")
    inner = Add(x, y)
    # (x + y)² at x + y = 3: derivative 6 by the sum, and by x.
    assert value_and_grad(Mul(inner, inner), {x: 1.0, y: 2.0}, [inner, x]) == (9.0, [6.0, 6.0])


def test_the_derivative_of_an_input_by_itself_is_one() -> None:
    x = Input("x")
    assert value_and_grad(x, {x: 7.0}, [x]) == (7.0, [1.0])


def test_an_input_that_the_value_does_not_depend_on_has_gradient_zero() -> None:
    x, other = Input("x"), Input("other")
    _, (gradient,) = value_and_grad(Mul(x, x), {x: 3.0, other: np.ones((2, 3))}, [other])
    np.testing.assert_array_equal(gradient, np.zeros((2, 3)))


def test_a_derivative_by_an_unrelated_input_that_is_not_fed_names_the_input() -> None:
    x, other = Input("x"), Input("other")
    with pytest.raises(ValueError, match=r"Input\('other'\)"):
        value_and_grad(Mul(x, x), {x: 3.0}, [other])


def test_a_derivative_by_labels_is_refused_rather_than_invented() -> None:
    z, labels = Input("z"), Input("labels")
    feed = {z: np.zeros((4, 3)), labels: np.array([0, 1, 2, 0])}
    with pytest.raises(ValueError, match="labels"):
        value_and_grad(CrossEntropyWithSoftmax(z, labels), feed, [labels])


def test_a_missing_feed_names_the_input_and_the_value() -> None:
    x, y = Input("x"), Input("y")
    with pytest.raises(ValueError, match=r"Input\('y'\) is needed to compute Mul\(Input, Input\) but is not fed"):
        value_and_grad(Mul(x, y), {x: 1.0}, [x])


def test_float_labels_are_refused_with_their_dtype() -> None:
    x, labels = Input("x"), Input("labels")
    feed = {x: np.zeros((1, 3)), labels: np.array([1.0])}
    with pytest.raises(ValueError, match=r"need an integer dtype, but Input\('labels'\) was fed float64"):
        value_and_grad(CrossEntropyWithSoftmax(x, labels), feed, [x])


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_outside_the_classes_is_refused(label: int) -> None:
    x, labels = Input("x"), Input("labels")
    feed = {x: np.zeros((2, 3)), labels: np.array([0, label])}
    with pytest.raises(ValueError, match=rf"{label}"):
        value_and_grad(CrossEntropyWithSoftmax(x, labels), feed, [x])


def test_labels_of_any_integer_dtype_give_the_same() -> None:
    x, labels = Input("x"), Input("labels")
    f = CrossEntropyWithSoftmax(x, labels)
    logits = np.array([[0.5, 1.0, 1.5], [3.0, 2.0, 1.0]])
    results = [value(f, {x: logits, labels: np.array([1, 2], dtype)}) for dtype in (np.uint8, np.int8, np.int64)]
    assert results[0] == results[1] == results[2]


def test_calls_with_other_shapes_in_between_change_nothing() -> None:
    x, w, b, labels = Input(), Input(), Input(), Input()
    f = CrossEntropyWithSoftmax(Linear(x, w, b), labels)
    rng = np.random.default_rng(3)

    def feed(n: int) -> dict[Node, np.ndarray]:
        arrays = rng.normal(size=(n, 4)), rng.normal(size=(4, 3)), rng.normal(size=3), rng.integers(0, 3, n)
        return dict(zip((x, w, b, labels), arrays, strict=True))

    small, large = feed(2), feed(9)
    first = value_and_grad(f, small, [w, x])
    value_and_grad(f, large, [w, x])
    value_and_grad(f, feed(1), [x, w])
    again = value_and_grad(f, small, [w, x])
    assert first[0] == again[0]
    for before, after in zip(first[1], again[1], strict=True):
        np.testing.assert_array_equal(before, after)


def test_results_are_not_the_buffers_of_the_next_call() -> None:
    x, y = Input(), Input()
    f = Mul(x, y)
    result, gradients = value_and_grad(f, {x: np.ones(3), y: np.full(3, 2.0)}, [x, y])
    value_and_grad(f, {x: np.full(3, -8.0), y: np.full(3, -9.0)}, [x, y])
    np.testing.assert_array_equal(result, [2.0, 2.0, 2.0])
    np.testing.assert_array_equal(gradients[0], [2.0, 2.0, 2.0])
    result[...] = 99.0
    assert value(f, {x: np.ones(3), y: np.ones(3)}).tolist() == [1.0, 1.0, 1.0]


def test_fed_arrays_are_left_alone() -> None:
    x, y = Input(), Input()
    fed = np.array([[0.5, -0.5]])
    value_and_grad(HalfSquaredError(Sigmoid(x), y), {x: fed, y: np.ones((1, 2))}, [x, y])
    np.testing.assert_array_equal(fed, [[0.5, -0.5]])


def test_accuracy_is_the_fraction_of_rows_whose_largest_logit_is_the_labels() -> None:
    x, labels = Input("x"), Input("labels")
    f = CrossEntropyWithSoftmax(x, labels)
    logits = np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 1.0], [0.0, 1.0, 2.0], [9.0, 8.0, 7.0]])
    assert accuracy(f, {x: logits, labels: np.array([0, 1, 0, 2])}) == 0.5


def test_accuracy_of_something_else_than_the_loss_is_refused() -> None:
    x = Input("x")
    with pytest.raises(TypeError, match=r"needs a `CrossEntropyWithSoftmax` node, but got Sigmoid\(Input\)"):
        accuracy(Sigmoid(x), {x: np.zeros((1, 2))})


def test_the_published_training_net_has_the_right_gradients() -> None:
    x, w1, b1, w2, b2, labels = (Input(name) for name in ("x", "w1", "b1", "w2", "b2", "labels"))
    f = CrossEntropyWithSoftmax(Linear(Sigmoid(Linear(x, w1, b1)), w2, b2), labels)
    rng = np.random.default_rng(0)
    shapes = {x: (5, 4), w1: (4, 6), b1: (6,), w2: (6, 3), b2: (1, 3)}
    feed = {node: rng.normal(size=shape) for node, shape in shapes.items()} | {labels: rng.integers(0, 3, 5)}
    assert_gradients_match_differences(f, feed, [x, w1, b1, w2, b2])
