"""Penalties: values by hand, derivatives by differences, and whom they touch."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import central_differences

from nnlab.core import L1, L2, Activation, Dense, Network
from nnlab.core.batches import BatchLoader
from nnlab.core.objective import Objective
from nnlab.core.regularizers import Regularizer
from nnlab.core.rows import Rows


@pytest.mark.parametrize("rule", [L1(0.3), L2(0.3)])
def test_the_gradient_is_that_of_the_value(rule: Regularizer) -> None:
    w = np.random.default_rng(11).normal(size=(3, 4))
    assert np.abs(w).min() > 1e-3  # away from the kink of L1
    added = np.full_like(w, 5.0)
    rule.add_gradient(w, added, np.empty_like(w))
    np.testing.assert_allclose(added - 5.0, central_differences(lambda: rule.value(w), w), rtol=1e-7)


def test_the_penalties_have_their_worked_values() -> None:
    w = np.array([[1.0, -2.0], [0.0, 3.0]])
    assert L2(0.01).value(w) == pytest.approx(0.14)  # 0.01 · (1 + 4 + 0 + 9)
    assert L1(0.01).value(w) == pytest.approx(0.06)  # 0.01 · (1 + 2 + 0 + 3)


def test_the_gradient_of_l1_is_zero_at_zero() -> None:
    w, added = np.array([-0.0, 0.0, 1e-30]), np.zeros(3)
    L1(0.5).add_gradient(w, added, np.empty(3))
    assert added.tolist() == [0.0, 0.0, 0.5]


@pytest.mark.parametrize("rule", [L1, L2])
def test_a_negative_strength_is_refused(rule: type[L1] | type[L2]) -> None:
    with pytest.raises(ValueError, match=rf"`{rule.__name__}\(strength=-0.1\)`: `strength` must be at least 0. Try 0"):
        rule(-0.1)


@pytest.mark.parametrize("rule", [L1(0.5), L2(0.5)])
def test_weights_are_penalised_and_biases_only_where_asked(rule: Regularizer) -> None:
    """Where predictions equal the targets the loss has no gradient: what is left is the penalty's."""
    layers = [
        Dense(3, bias_initializer="normal", kernel_regularizer=rule),
        Activation("tanh"),
        Dense(2, bias_initializer="normal", bias_regularizer=rule),
    ]
    network = Network(layers, features=(4,), rng=np.random.default_rng(12), dtype=np.float64)
    objective = Objective(network, "mean_squared_error", dropout=np.random.default_rng(0))
    x = np.zeros((5, 4))
    loader = BatchLoader(Rows.whole(x, network.predict(x)), objective, objective.training, 5)
    program, _ = loader.load(np.arange(5))
    program.forward()
    program.backward()
    objective.add_penalty_gradients()

    touched = {name for name, (_, gradient) in network.parameters.items() if np.any(gradient)}
    assert touched == {"dense_1.weight", "dense_2.bias"}
    assert set(network.regularizers) == touched
    expected = rule.value(network.parameters["dense_1.weight"].value)
    expected += rule.value(network.parameters["dense_2.bias"].value)
    assert network.penalty() == pytest.approx(expected)


def test_a_penalty_of_strength_zero_is_left_out() -> None:
    network = Network([Dense(3, kernel_regularizer=L2(0.0))], features=(2,), rng=None)
    assert network.regularizers == {}
