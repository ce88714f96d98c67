"""Optimizers: laws that any of them must keep, and the first steps worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nnlab.core import SGD, Adam, Momentum, Nesterov
from nnlab.core.optimizers import OPTIMIZERS, Optimizer, State

CURVATURE = np.array([1.0, 4.0, 0.5, 2.0])
MINIMUM = np.array([3.0, -1.0, 0.5, 0.0])


class OptimizerContract:
    """What holds for every optimizer. A new one subclasses this and says how it is made."""

    optimizer: Optimizer

    def walk(self, w: np.ndarray, state: State, steps: int) -> None:
        """Go down ½ Σ h (w − w*)², whose gradient is h (w − w*)."""
        for _ in range(steps):
            gradient = (CURVATURE * (w - MINIMUM)).astype(w.dtype)
            self.optimizer.step(w, gradient, state, self.optimizer.lr)

    def test_it_reaches_the_minimum_of_a_convex_quadratic(self) -> None:
        w = np.zeros(4)
        self.walk(w, self.optimizer.init(w), 2000)
        np.testing.assert_allclose(w, MINIMUM, atol=1e-6)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_it_keeps_shape_dtype_and_the_arrays_themselves(self, dtype: type[np.floating]) -> None:
        w = np.ones(4, dtype)
        state = self.optimizer.init(w)
        before = {name: (id(array), array.shape, array.dtype) for name, array in state.items()}
        view = w[1:3]
        self.walk(w, state, 3)
        assert w.dtype == dtype
        assert {name: (id(array), array.shape, array.dtype) for name, array in state.items()} == before
        np.testing.assert_array_equal(view, w[1:3])
        assert not np.array_equal(view, [1.0, 1.0])
        assert all(array.dtype == dtype for array in state.values() if array.shape == w.shape)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_continuing_from_a_copied_state_gives_the_same_bits(self, dtype: type[np.floating]) -> None:
        straight = np.ones(4, dtype)
        state = self.optimizer.init(straight)
        self.walk(straight, state, 7)
        resumed, copied = straight.copy(), {name: array.copy() for name, array in state.items()}
        self.walk(straight, state, 5)
        self.walk(resumed, copied, 5)
        assert resumed.tobytes() == straight.tobytes()
        assert {name: array.tobytes() for name, array in copied.items()} == {
            name: array.tobytes() for name, array in state.items()
        }

    def test_a_gradient_of_zero_moves_nothing_at_first(self) -> None:
        w = MINIMUM.copy()
        self.optimizer.step(w, np.zeros(4), self.optimizer.init(w), 0.1)
        np.testing.assert_array_equal(w, MINIMUM)

    def test_the_first_step_is_proportional_to_the_learning_rate_given(self) -> None:
        moved = []
        for lr in (0.25, 0.5):
            w = np.zeros(4)
            self.optimizer.step(w, MINIMUM.copy(), self.optimizer.init(w), lr)
            moved.append(w)
        np.testing.assert_allclose(2.0 * moved[0], moved[1], rtol=1e-15)

    def test_the_first_step_goes_against_the_gradient(self) -> None:
        w = np.zeros(4)
        self.optimizer.step(w, MINIMUM.copy(), self.optimizer.init(w), 0.1)
        np.testing.assert_array_equal(np.sign(w), -np.sign(MINIMUM))

    @pytest.mark.parametrize("lr", [0.0, -0.1, math.inf, math.nan])
    def test_a_learning_rate_that_is_not_positive_is_refused(self, lr: float) -> None:
        with pytest.raises(ValueError, match=rf"`{type(self.optimizer).__name__}\(lr=.*\)`: `lr` must be"):
            type(self.optimizer)(lr=lr)  # type: ignore[call-arg]


class TestSGD(OptimizerContract):
    optimizer = SGD(lr=0.1)


class TestMomentum(OptimizerContract):
    optimizer = Momentum(lr=0.05)


class TestNesterov(OptimizerContract):
    optimizer = Nesterov(lr=0.05)


class TestAdam(OptimizerContract):
    optimizer = Adam(lr=0.02)


def positions(optimizer: Optimizer, gradients: list[float], lr: float) -> list[float]:
    """Where one parameter stands after each gradient, from 0."""
    w = np.zeros(1)
    state = optimizer.init(w)
    path = []
    for gradient in gradients:
        optimizer.step(w, np.array([gradient]), state, lr)
        path.append(float(w[0]))
    return path


def test_sgd_takes_the_steps_worked_out_by_hand() -> None:
    assert positions(SGD(), [2.0, -1.0], 0.1) == pytest.approx([-0.2, -0.1], rel=1e-15)


def test_momentum_takes_the_steps_worked_out_by_hand() -> None:
    # v: −0.1, −0.09 − 0.1 = −0.19, −0.171 − 0.1 = −0.271; w is their running sum.
    assert positions(Momentum(momentum=0.9), [1.0, 1.0, 1.0], 0.1) == pytest.approx([-0.1, -0.29, -0.561], rel=1e-14)


def test_a_lower_rate_does_not_slow_the_velocity_gathered_before() -> None:
    w = np.zeros(1)
    rule = Momentum(momentum=0.9)
    state = rule.init(w)
    rule.step(w, np.ones(1), state, 0.1)  # v = −0.1
    rule.step(w, np.ones(1), state, 0.01)  # v = −0.09 − 0.01 = −0.1; PyTorch's form: −0.01 · 1.9 = −0.019
    assert float(w[0]) == pytest.approx(-0.2, rel=1e-14)


def test_nesterov_takes_the_steps_worked_out_by_hand() -> None:
    # v as for momentum; w moves by 0.9 v − 0.1: −0.19, −0.271, −0.3439.
    assert positions(Nesterov(momentum=0.9), [1.0, 1.0, 1.0], 0.1) == pytest.approx([-0.19, -0.461, -0.8049], rel=1e-14)


def test_adam_takes_the_steps_worked_out_by_hand() -> None:
    # g = 1: m̂ = v̂ = 1, a step of 0.1 / (1 + 1e-8).
    # g = 3: m = 0.09 + 0.3 = 0.39, m̂ = 0.39 / 0.19 = 2.05…; v = 0.000999 + 0.009, √v̂ = √(0.009999 / 0.001999) = 2.23…
    first = 0.1 / (1.0 + 1e-8)
    second = 0.1 * 2.0526315789473686 / (2.2365153700567877 + 1e-8)
    assert positions(Adam(), [1.0, 3.0], 0.1) == pytest.approx([-first, -first - second], rel=1e-12)


def test_adams_epsilon_stands_beside_the_root_of_the_corrected_moment() -> None:
    # With g = ε the step is η ε / (ε + ε) = η / 2. Beside the uncorrected root, √0.001 · ε, it would be
    # η √0.001 / (√0.001 + 1) = 0.0307 η; and inside the root, η ε / √(ε² + ε) = 0.0001 η.
    assert positions(Adam(epsilon=1e-8), [1e-8], 1.0) == pytest.approx([-0.5], rel=1e-9)


def test_the_first_step_of_adam_does_not_depend_on_the_size_of_the_gradient() -> None:
    assert positions(Adam(), [1e-3], 0.1) == pytest.approx(positions(Adam(), [1e3], 0.1), rel=1e-4)


def test_the_defaults_of_adam_are_the_published_ones() -> None:
    assert Adam() == Adam(lr=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8)


@pytest.mark.parametrize("rule", [Momentum, Nesterov])
def test_a_momentum_of_one_is_refused(rule: type[Momentum] | type[Nesterov]) -> None:
    with pytest.raises(ValueError, match=r"`momentum` must be at least 0 and below 1. Try a value below 1"):
        rule(momentum=1.0)


def test_the_optimizers_known_by_name_are_those_that_the_contract_lists() -> None:
    assert set(OPTIMIZERS) == {"sgd", "momentum", "nesterov", "adam"}
