"""The update: which way a penalty takes, and that both ways lead to the same weights."""

from __future__ import annotations

import numpy as np
import pytest

from nnlab.core import L1, L2, SGD, Activation, Adam, Constant, Dense, Momentum, Nesterov, Network
from nnlab.core.learner import Learner, Tally
from nnlab.core.objective import Objective
from nnlab.core.optimizers import Optimizer
from nnlab.core.regularizers import Regularizer
from nnlab.core.rows import Rows
from nnlab.core.schedules import Horizon

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
    assert len(by_gradient.update.state) == 1
    np.testing.assert_allclose(weights(trained(optimizer, L2(strength))), weights(by_gradient), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("optimizer", "rule", "stretches"),
    [
        pytest.param(Momentum(lr=0.05), L2(0.01), 2, id="the penalised weight, and all the others together"),
        pytest.param(SGD(lr=0.1), None, 1, id="no penalty"),
        pytest.param(SGD(lr=0.1), L1(0.01), 1, id="a penalty that is no decay"),
        pytest.param(SGD(lr=0.1), L2(1e-6), 1, id="a decay that float32 would round away"),
        pytest.param(Adam(), L2(0.01), 1, id="an optimizer that divides by the gradient's size"),
    ],
)
def test_parameters_are_stepped_together_as_far_as_they_decay_alike(
    optimizer: Optimizer, rule: Regularizer | None, stretches: int
) -> None:
    assert len(trained(optimizer, rule).update.state) == stretches


def test_a_weak_penalty_is_not_rounded_away() -> None:
    """1 − 2·10⁻⁸ is 1 in float32; as a gradient of its own the penalty is still felt, as in float64."""
    free, penalised = (weights(trained(SGD(lr=0.1), rule)) for rule in (None, L2(1e-4)))
    assert not np.array_equal(free, penalised)
    first = slice(0, 20)
    assert np.abs(penalised[first]).sum() < np.abs(free[first]).sum()
