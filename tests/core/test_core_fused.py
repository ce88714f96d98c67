"""Fused steps are held to the plain ones, which are their definition.

A step alone to 1e-9 in float64, where it differs by rounding. Whole training to 2e-5 in float32, thirty steps of which
each rounds to 6e-8. And what a penalty comes to is held to its textbook form, in both precisions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnlab.core import (
    L1,
    L2,
    SGD,
    Activation,
    Adam,
    Constant,
    Cosine,
    Dense,
    Exponential,
    Momentum,
    Nesterov,
    Network,
    StepDecay,
    TimeDecay,
)
from nnlab.core.fused import FUSED, DecayingStep, FusedMomentum, fused_update
from nnlab.core.learner import Learner, Tally
from nnlab.core.objective import Objective
from nnlab.core.optimizers import Optimizer
from nnlab.core.regularizers import Regularizer
from nnlab.core.rows import Rows
from nnlab.core.schedules import Horizon, Schedule

DECAYS = {
    "as trained with": [2e-4] * 60,
    "so strong that it does not settle with momentum": [4e-3] * 200,
    "above the largest share at once": [0.3] * 20,
    "that would turn the parameter over": [1.7] * 5,
    "falling with the rate, then none": [*(1e-3 / (1 + step) for step in range(40)), *[0.0] * 40],
    "coming and going": [0.0, 0.05, 0.0, 0.09, 0.0, 0.2, 0.0] * 5,
}


@pytest.mark.parametrize("lr", [0.1, 1.0])
@pytest.mark.parametrize("decays", DECAYS.values(), ids=DECAYS.keys())
@pytest.mark.parametrize("rule", [SGD(), Momentum(momentum=0.9), Momentum(momentum=0.0)])
def test_a_decay_is_the_same_as_the_penalty_in_the_gradient(
    rule: SGD | Momentum, decays: list[float], lr: float
) -> None:
    """The gradient of ½ (c/η) w² is (c/η) w: in the plain step's gradient, and as c in the fused step."""
    fused = FUSED[type(rule)](rule)
    assert isinstance(fused, DecayingStep)
    rng = np.random.default_rng(3)
    one = rng.normal(size=6)
    other = one.copy()
    states = fused.init(one), rule.init(other)
    for decay in decays:
        gradient = rng.normal(size=6)
        fused.decaying_step(one, lr * gradient, states[0], decay)
        rule.step(other, gradient + decay / lr * other, states[1], lr)
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rule", [SGD(), Momentum(), Nesterov()], ids=lambda rule: type(rule).__name__)
def test_a_fused_step_is_the_plain_one_of_the_product_of_rate_and_gradient(rule: Any) -> None:
    """To the bit, where that product is the same: both sides round everything else alike."""
    fused = FUSED[type(rule)](rule)
    rng = np.random.default_rng(4)
    one, other = np.ones(5, np.float32), np.ones(5, np.float32)
    states = fused.init(one), rule.init(other)
    for lr in (0.5, 0.3, 0.0, 0.125):
        gradient = rng.normal(size=5).astype(np.float32)
        fused.step(one, gradient * np.float32(lr), states[0])
        rule.step(other, gradient, states[1], lr)
        assert one.tobytes() == other.tobytes()


def test_a_step_without_decay_leaves_the_plain_velocity() -> None:
    """The share of earlier penalties is put back into it: a factor 1 − s would soon be 1 in float32."""
    rule = Momentum(momentum=0.9)
    fused = FusedMomentum(rule)
    one, other = np.full(3, 2.0), np.full(3, 2.0)
    states = fused.init(one), rule.init(other)
    for decay in (0.01, 0.02, 0.0):
        fused.decaying_step(one, np.ones(3), states[0], decay)
        rule.step(other, 1.0 + decay * other, states[1], 1.0)
    assert float(states[0]["share"]) == 0.0
    np.testing.assert_allclose(states[0]["velocity"], states[1]["velocity"], rtol=1e-12)


def test_continuing_from_a_copied_state_gives_the_same_bits() -> None:
    fused = FUSED[Momentum](Momentum())
    assert isinstance(fused, DecayingStep)
    rng = np.random.default_rng(5)
    one = rng.normal(size=6).astype(np.float32)
    state = fused.init(one)
    steps = [(rng.normal(size=6).astype(np.float32), decay) for decay in (1e-3, 2e-3, 0.0, 1e-3, 5e-4)]
    for r, decay in steps:
        fused.decaying_step(one, r.copy(), state, decay)
    other, copied = one.copy(), {name: array.copy() for name, array in state.items()}
    for w, each in ((one, state), (other, copied)):
        for r, decay in steps:
            fused.decaying_step(w, r.copy(), each, decay)
    assert one.tobytes() == other.tobytes()
    assert {name: array.tobytes() for name, array in state.items()} == {
        name: array.tobytes() for name, array in copied.items()
    }


def test_what_has_no_fused_step_takes_its_own() -> None:
    """Adam divides by the gradient; a subclass may step otherwise; clipping needs the gradient itself."""

    class Other(SGD):
        pass

    objective = trained(SGD(), None).objective
    assert fused_update(objective, SGD(), None) is not None
    assert fused_update(objective, SGD(), 1.0) is None
    assert fused_update(objective, Adam(), None) is None
    assert fused_update(objective, Other(), None) is None


ROWS = Rows.whole(np.random.default_rng(1).normal(size=(40, 5)).astype(np.float32), np.arange(40) % 3)


def trained(optimizer: Optimizer, rule: Regularizer | None, *, clip_norm: float | None = None) -> Learner:
    """A net whose first weight alone is penalised, after thirty steps in float32."""
    layers = [Dense(4, kernel_regularizer=rule), Activation("tanh"), Dense(3), Activation("softmax")]
    network = Network(layers, features=(5,), rng=np.random.default_rng(2))
    objective = Objective(network, "cross_entropy", dropout=np.random.default_rng(3))
    learner = Learner(
        objective, optimizer, Constant(), Horizon(5, 6), rows=ROWS, batch_size=8, clip_norm=clip_norm
    )  # fmt: skip
    for _ in range(6):
        learner.learn(ROWS.index, Tally())
    return learner


def weights(learner: Learner) -> np.ndarray:
    return learner.objective.network.parameters.values_vector


@pytest.mark.parametrize("optimizer", [SGD(lr=0.1), Momentum(lr=0.05), Nesterov(lr=0.05), Adam(lr=0.01)])
@pytest.mark.parametrize("strength", [1e-6, 0.01, 0.2])
def test_a_penalty_leads_where_its_gradient_leads(optimizer: Optimizer, strength: float) -> None:
    # A norm that no gradient reaches changes nothing, but has every penalty go into the gradient.
    by_gradient = trained(optimizer, L2(strength), clip_norm=1e9)
    assert len(by_gradient.state) == 1
    np.testing.assert_allclose(weights(trained(optimizer, L2(strength))), weights(by_gradient), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("optimizer", "rule", "groups"),
    [
        pytest.param(Momentum(lr=0.05), L2(0.01), 2, id="the penalised weight, and all the others together"),
        pytest.param(SGD(lr=0.1), None, 1, id="no penalty"),
        pytest.param(SGD(lr=0.1), L1(0.01), 1, id="a penalty that is no decay"),
        pytest.param(SGD(lr=0.1), L2(1e-6), 1, id="a decay that float32 would round away"),
        pytest.param(Adam(), L2(0.01), 1, id="an optimizer that divides by the gradient's size"),
    ],
)
def test_parameters_are_stepped_together_as_far_as_they_decay_alike(
    optimizer: Optimizer, rule: Regularizer | None, groups: int
) -> None:
    assert len(trained(optimizer, rule).state) == groups


def penalty_felt(rule: Regularizer, dtype: Any) -> np.ndarray:
    """What a penalty on a weight (40, 30) has changed in it after 200 steps of SGD that a loss moves as well."""
    weights = []
    for each in (None, rule):
        network = Network([Dense(30, use_bias=False, kernel_regularizer=each)], features=(40,), rng=None, dtype=dtype)
        network.parameters.values_vector[...] = np.random.default_rng(6).uniform(1.0, 2.0, 1200)
        objective = Objective(network, "mean_squared_error", dropout=np.random.default_rng(0))
        x, y = (np.random.default_rng(7 + k).normal(size=(40, k)).astype(dtype) for k in (40, 30))
        learner = Learner(
            objective, SGD(lr=0.1), Constant(), Horizon(5, 40), rows=Rows.whole(x, y), batch_size=8
        )  # fmt: skip
        for _ in range(40):
            learner.learn(np.arange(40), Tally())
        weights.append(network.parameters.values_vector.astype(np.float64))
    return np.asarray(weights[1] - weights[0])


def test_a_weak_penalty_is_not_rounded_away() -> None:
    """1 − 2·10⁻⁸ is 1 in float32: as a decay the penalty would be nothing. In the gradient it is felt, step by step
    rounded up or down with what else moves the weight, and on the whole as in float64."""
    rule = L2(1e-7)
    assert np.float32(1.0 - 2.0 * rule.strength * 0.1) == 1.0
    felt, exact = penalty_felt(rule, np.float32), penalty_felt(rule, np.float64)
    assert np.vdot(felt, exact) / np.vdot(exact, exact) == pytest.approx(1.0, abs=0.05)


SCHEDULES: dict[str, Schedule] = {
    "constant": Constant(),
    "warm-up": Constant(warmup=20.0),
    "time decay": TimeDecay(decay=1.0),
    "step": StepDecay(drop=0.01, every=4),
    "exponential": Exponential(decay=0.7),
    "cosine": Cosine(),
    "cosine behind a warm-up": Cosine(warmup=8.0),
}
EPOCHS, STEPS_PER_EPOCH = 24, 25


def felt_decay(
    optimizer: Optimizer, schedule: Schedule, strength: float, dtype: Any, first: int = 0
) -> tuple[float, float]:
    """log(w_after / w_before), averaged over many weights that a penalty alone moves: nnlab's, and the textbook's.

    The inputs are zero, so the loss has no gradient by the weight. The other side is SGD with momentum and L2 as they
    are defined, v ← μv − η(g + 2λw), w ← w + v, in float64 at the rate of each step.
    """
    network = Network(
        [Dense(200, use_bias=False, kernel_regularizer=L2(strength))], features=(50,), rng=None, dtype=dtype
    )
    start = np.random.default_rng(5).uniform(1.0, 2.0, (50, 200))
    network.parameters["dense_1.weight"].value[...] = start
    objective = Objective(network, "mean_squared_error", dropout=np.random.default_rng(0))
    rows = Rows.whole(np.zeros((STEPS_PER_EPOCH, 50), dtype), np.zeros((STEPS_PER_EPOCH, 200)))
    horizon = Horizon(STEPS_PER_EPOCH, EPOCHS)
    learner = Learner(objective, optimizer, schedule, horizon, rows=rows, batch_size=1)
    learner.step = first
    w, v, mu = 1.0, 0.0, getattr(optimizer, "momentum", 0.0)
    for step in range(STEPS_PER_EPOCH * EPOCHS):
        lr = optimizer.lr * schedule.factor(first + step, horizon)
        v = mu * v - lr * 2.0 * strength * w
        w += v
    for _ in range(EPOCHS):
        learner.learn(rows.index, Tally())
    felt = np.log(network.parameters["dense_1.weight"].value.astype(np.float64) / start.astype(dtype))
    return float(felt.mean()), float(np.log(w))


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES.keys())
@pytest.mark.parametrize("optimizer", [SGD(lr=0.1), Momentum(lr=0.02)], ids=lambda optimizer: type(optimizer).__name__)
def test_a_decay_is_felt_at_the_rate_of_each_step(optimizer: Optimizer, schedule: Schedule) -> None:
    """In float64 to rounding; in float32, whose factors are rounded, to a percent at these rates."""
    felt, expected = felt_decay(optimizer, schedule, 1e-3, np.float64)
    assert felt == pytest.approx(expected, rel=1e-9)
    felt, expected = felt_decay(optimizer, schedule, 1e-3, np.float32)
    assert felt == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("optimizer", "strength"), [(SGD(lr=0.1), 4.5 / 2**24 / 2e-4), (Momentum(lr=0.1), 0.45 / 2**24 / 2e-4)], ids=str
)
def test_a_decay_is_felt_where_the_rate_has_fallen(optimizer: Optimizer, strength: float) -> None:
    """At a thousandth of the base rate 4.5 units of float32 are to be taken off, of which only whole ones can be.

    The penalty in the gradient is 1 % off in float32, the decay was 12 %.
    """
    late = StepDecay(drop=1e-3, every=1000)
    felt, expected = felt_decay(optimizer, late, strength, np.float32, first=1000 * STEPS_PER_EPOCH)
    assert felt == pytest.approx(expected, rel=0.03)


class Growing(Constant):
    """A rate that rises beyond the optimizer's own."""

    def shape(self, step: int, horizon: Horizon) -> float:
        return 50.0


def test_a_penalty_is_felt_where_a_schedule_raises_the_rate() -> None:
    felt, expected = felt_decay(SGD(lr=1e-3), Growing(), 1e-3, np.float64)
    assert felt == pytest.approx(expected, rel=1e-9)
