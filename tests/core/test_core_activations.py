"""Activation functions: values against the standard library's, derivatives by differences."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_gradients_match_differences, exact_softmax

from nnlab.core import Input, Node, ReLU, Sigmoid, Softmax, Tanh, value, value_and_grad
from nnlab.core.activations import ACTIVATIONS

POINTS = [-30.0, -3.0, -0.5, -1e-3, 0.0, 1e-3, 0.5, 3.0, 30.0]

Activation = Callable[[Node], Node]


@pytest.mark.parametrize("activation", [Sigmoid, Tanh, ReLU, Softmax])
@pytest.mark.parametrize("shape", [(7,), (4, 5), (1, 6)])
def test_gradients_are_right(activation: Activation, shape: tuple[int, ...]) -> None:
    x = Input("x")
    # No element lies within 1e-3 of ReLU's kink, where differences of step 6e-6 would jump over it.
    numbers = np.random.default_rng(4).normal(size=shape)
    assert np.abs(numbers).min() > 1e-3
    assert_gradients_match_differences(activation(x), {x: numbers}, [x])


@pytest.mark.parametrize("activation", [Sigmoid, Tanh, ReLU])
def test_gradients_are_right_for_images(activation: Activation) -> None:
    x = Input("x")
    assert_gradients_match_differences(activation(x), {x: np.random.default_rng(5).normal(size=(2, 3, 2, 2))}, [x])


def test_sigmoid_is_half_of_one_plus_the_tanh_of_half() -> None:
    x = Input("x")
    expected = [0.5 * (1.0 + math.tanh(0.5 * point)) for point in POINTS]
    np.testing.assert_allclose(value(Sigmoid(x), {x: POINTS}), expected, rtol=1e-12, atol=1e-15)


def test_tanh_is_tanh() -> None:
    x = Input("x")
    np.testing.assert_allclose(value(Tanh(x), {x: POINTS}), [math.tanh(point) for point in POINTS], rtol=1e-14)


def test_relu_is_the_positive_part_and_its_derivative_at_zero_is_zero() -> None:
    x = Input("x")
    result, (gradient,) = value_and_grad(ReLU(x), {x: [-2.0, -0.0, 0.0, 1e-300, 2.0]}, [x])
    assert result.tolist() == [0.0, 0.0, 0.0, 1e-300, 2.0]
    assert gradient.tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("activation", [Sigmoid, Tanh, ReLU, Softmax])
def test_values_and_gradients_are_finite_at_a_thousand(activation: Activation) -> None:
    x = Input("x")
    result, (gradient,) = value_and_grad(activation(x), {x: [[-1000.0, 0.0, 1000.0]]}, [x])
    assert np.isfinite(result).all()
    assert np.isfinite(gradient).all()


def test_sigmoid_at_a_thousand_is_saturated() -> None:
    x = Input("x")
    result, (gradient,) = value_and_grad(Sigmoid(x), {x: [-1000.0, 1000.0]}, [x])
    assert result.tolist() == [0.0, 1.0]
    assert gradient.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("row", [[0.2, 1.0, 0.3], [1000.0, 999.0, -1000.0], [-5.0], [7.0, 7.0]])
def test_softmax_has_its_value_in_sixty_digits(row: list[float]) -> None:
    x = Input("x")
    expected = [float(probability) for probability in exact_softmax(row)]
    np.testing.assert_allclose(value(Softmax(x), {x: [row]}), [expected], rtol=1e-14, atol=1e-300)


def test_softmax_treats_each_row_on_its_own() -> None:
    x = Input("x")
    rows = np.random.default_rng(6).normal(size=(4, 3))
    together = value(Softmax(x), {x: rows})
    for row, expected in zip(rows, together, strict=True):
        np.testing.assert_array_equal(value(Softmax(x), {x: row}), expected)


@given(
    row=st.lists(st.floats(-50, 50), min_size=1, max_size=6),
    shift=st.floats(-1000, 1000),
)
def test_softmax_does_not_change_when_all_logits_are_shifted(row: list[float], shift: float) -> None:
    x = Input("x")
    plain = value(Softmax(x), {x: [row]})
    shifted = value(Softmax(x), {x: [[logit + shift for logit in row]]})
    # A shift by s rounds each logit by at most |s| · eps, which is the relative error of exp: 1000 · 2e-16.
    np.testing.assert_allclose(plain, shifted, rtol=2e-12, atol=1e-40)
    assert plain.sum() == pytest.approx(1.0, abs=1e-14)


def test_softmax_of_more_than_rows_of_logits_is_refused_with_its_shape() -> None:
    x = Input("x")
    with pytest.raises(ValueError, match=r"`Softmax`.*\(2, 3, 4\)"):
        value(Softmax(x), {x: np.zeros((2, 3, 4))})


def test_the_activations_known_by_name_are_those_that_the_documentation_lists() -> None:
    assert set(ACTIVATIONS) == {"identity", "sigmoid", "tanh", "relu", "softmax"}
