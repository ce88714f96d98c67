"""An L2 penalty under every schedule, in float64, beside PyTorch: SGD with the penalty written into the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnlab.core import (
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
    reference,
)
from nnlab.core.learner import Learner, Tally
from nnlab.core.objective import Objective
from nnlab.core.optimizers import Optimizer
from nnlab.core.rows import Rows
from nnlab.core.schedules import Horizon, Schedule

torch = pytest.importorskip("torch")
torch.set_num_threads(1)
pytestmark = pytest.mark.parity

EPOCHS, BATCH, STRENGTH = 6, 8, 2e-4
X = np.random.default_rng(1).normal(size=(30, 5))
LABELS = np.arange(30) % 3
SCHEDULES = [
    Constant(),
    Constant(warmup=2.5),
    TimeDecay(decay=0.3),
    StepDecay(drop=0.01, every=2),
    Exponential(decay=0.1),
    Cosine(),
    Cosine(floor=0.001, warmup=1.0),
]


def network() -> Network:
    layers = [
        Dense(4, kernel_regularizer=L2(STRENGTH)),
        Activation("tanh"),
        Dense(3, kernel_regularizer=L2(10 * STRENGTH)),
        Activation("softmax"),
    ]
    return Network(layers, features=(5,), rng=np.random.default_rng(2), dtype=np.float64)


def their_loss(parameters: list[Any], x: Any, y: Any) -> Any:
    w1, b1, w2, b2 = parameters
    data = torch.nn.functional.cross_entropy(torch.tanh(x @ w1 + b1) @ w2 + b2, y)
    return data + STRENGTH * (w1**2).sum() + 10 * STRENGTH * (w2**2).sum()


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
@pytest.mark.parametrize("optimizer", [SGD(lr=0.1), Momentum(lr=0.05), Nesterov(lr=0.05), Adam(lr=0.01)], ids=str)
def test_a_penalty_under_a_schedule_leads_where_it_does_in_torch(optimizer: Optimizer, schedule: Schedule) -> None:
    """The decay is fused at some rates and in the gradient at others: strengths and rates lie on both sides."""
    ours = network()
    theirs = [torch.tensor(part.value.copy(), requires_grad=True) for part in ours.parameters.values()]
    objective = Objective(ours, "cross_entropy", dropout=np.random.default_rng(3))
    horizon = Horizon(4, EPOCHS)
    learner = Learner(objective, optimizer, schedule, horizon, rows=Rows.whole(X, LABELS), batch_size=BATCH)
    adam = torch.optim.Adam(theirs, lr=1.0)
    mu = getattr(optimizer, "momentum", 0.0)
    velocities = [torch.zeros_like(parameter) for parameter in theirs]
    for step in range(horizon.steps_per_epoch * EPOCHS):
        first = step % 4 * BATCH
        ids = np.arange(first, min(first + BATCH, 30))
        learner.learn(ids, Tally())

        lr = optimizer.lr * schedule.factor(step, horizon)
        adam.zero_grad()
        their_loss(theirs, torch.tensor(X[ids]), torch.tensor(LABELS[ids])).backward()
        if isinstance(optimizer, Adam):
            adam.param_groups[0]["lr"] = lr
            adam.step()
        with torch.no_grad():
            for parameter, v in zip(theirs, velocities, strict=True):
                if not isinstance(optimizer, Adam):
                    v.mul_(mu).sub_(lr * parameter.grad)
                    parameter += mu * v - lr * parameter.grad if isinstance(optimizer, Nesterov) else v
        for part, parameter in zip(ours.parameters.values(), theirs, strict=True):
            np.testing.assert_allclose(part.value, parameter.detach().numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("hidden", ["relu", "sigmoid", "tanh", "softmax"])
@pytest.mark.parametrize(
    ("output", "loss"),
    [
        ("softmax", "cross_entropy"),
        ("sigmoid", "binary_cross_entropy"),
        ("sigmoid", "half_squared_error"),
        ("identity", "mean_squared_error"),
    ],
)
def test_the_reference_has_torchs_loss_and_gradients(hidden: str, output: str, loss: str) -> None:
    layers = [Dense(4), Activation(hidden), Dense(3), Activation(output)]
    ours = Network(layers, features=(5,), rng=np.random.default_rng(2), dtype=np.float64)
    there = reference.Pass(Objective(ours, loss, dropout=np.random.default_rng(3)), Rows.whole(X, LABELS), None)

    w1, b1, w2, b2 = theirs = [torch.tensor(part.value.copy(), requires_grad=True) for part in ours.parameters.values()]
    functions = {"relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "softmax": lambda z: z.softmax(1)}
    z = functions[hidden](torch.tensor(X) @ w1 + b1) @ w2 + b2
    t = torch.tensor(np.eye(3)[LABELS])
    losses = {
        "cross_entropy": lambda: torch.nn.functional.cross_entropy(z, torch.tensor(LABELS)),
        "binary_cross_entropy": lambda: 3 * torch.nn.functional.binary_cross_entropy_with_logits(z, t),
        "half_squared_error": lambda: 1.5 * torch.nn.functional.mse_loss(torch.sigmoid(z), t),
        "mean_squared_error": lambda: torch.nn.functional.mse_loss(z, t),
    }
    expected = losses[loss]()
    expected.backward()
    assert there.loss() == pytest.approx(expected.item(), rel=1e-13)
    for gradient, parameter in zip(there.gradients().values(), reversed_pairs(theirs), strict=True):
        np.testing.assert_allclose(gradient, parameter.grad.numpy(), rtol=1e-11, atol=1e-15)


def reversed_pairs(parameters: list[Any]) -> list[Any]:
    """In the order in which a backward pass comes by them."""
    return [*parameters[2:], *parameters[:2]]
