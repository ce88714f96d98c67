"""Twenty steps from the same weights on the same rows: nnlab beside PyTorch.

nnlab's weights are (features, units), PyTorch's (units, features): they are transposed where they are handed over.
nnlab's L2 adds λ Σ w² (gradient 2λw) to weights alone; PyTorch's `weight_decay` adds its factor times w to the
gradient of every parameter of a group: 2λ for the weights, 0 for the biases.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from nnlab.core import L2, SGD, Activation, Adam, Dense, Momentum, Nesterov, Network
from nnlab.core.learner import Learner, Tally
from nnlab.core.objective import Objective
from nnlab.core.optimizers import Optimizer
from nnlab.core.rows import Rows
from nnlab.core.schedules import Constant, Horizon

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # networks this small lose more to waiting threads than they gain
pytestmark = pytest.mark.parity

STEPS, ROWS = 20, 32
TOLERANCE = {np.float64: 1e-10, np.float32: 1e-5}


class Rule(NamedTuple):
    ours: Optimizer
    theirs: Callable[[Any], Any]


RULES = {
    "sgd": Rule(SGD(lr=0.1), lambda groups: torch.optim.SGD(groups, lr=0.1)),
    "momentum": Rule(Momentum(lr=0.1, momentum=0.9), lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9)),
    "nesterov": Rule(
        Nesterov(lr=0.1, momentum=0.9), lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True)
    ),
    "adam": Rule(Adam(lr=0.01), lambda groups: torch.optim.Adam(groups, lr=0.01)),
}


class Problem(NamedTuple):
    """A 20-16-k network and its loss, said twice."""

    hidden: str
    output: str
    loss: str
    units: int
    their_hidden: Callable[[], Any]
    their_loss: Callable[[Any, Any], Any]


def summed_binary_cross_entropy(logits: Any, targets: Any) -> Any:
    """PyTorch averages within a row too; nnlab sums there."""
    summed = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
    return summed / len(logits)


PROBLEMS = {
    "cross_entropy": Problem("relu", "softmax", "cross_entropy", 5, torch.nn.ReLU, torch.nn.functional.cross_entropy),
    "binary": Problem("tanh", "sigmoid", "binary_cross_entropy", 3, torch.nn.Tanh, summed_binary_cross_entropy),
    "squared": Problem("sigmoid", "identity", "mean_squared_error", 4, torch.nn.Sigmoid, torch.nn.functional.mse_loss),
}


def data(problem: Problem, dtype: type[np.floating]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(14)
    x = rng.normal(size=(ROWS, 20)).astype(dtype)
    if problem.loss == "cross_entropy":
        return x, rng.integers(0, problem.units, ROWS)
    return x, rng.integers(0, 2, (ROWS, problem.units)).astype(dtype)


def network_of(problem: Problem, dtype: type[np.floating], strength: float) -> Network:
    layers = [
        Dense(16, kernel_regularizer=L2(strength), bias_initializer="normal"),
        Activation(problem.hidden),
        Dense(problem.units, kernel_regularizer=L2(strength)),
        Activation(problem.output),
    ]
    return Network(layers, features=(20,), rng=np.random.default_rng(15), dtype=dtype)


def our_path(problem: Problem, rule: Rule, network: Network, x: np.ndarray, y: np.ndarray) -> list[float]:
    """The loss before each step; the network learns."""
    objective = Objective(network, problem.loss, dropout=np.random.default_rng(0))
    rows = Rows.whole(x, y)
    learner = Learner(objective, rule.ours, Constant(), Horizon(1, STEPS), rows=rows, batch_size=ROWS)
    losses = []
    for _ in range(STEPS):
        tally = Tally()
        learner.learn(rows.index, tally)
        losses.append(tally.mean_loss)
    return losses


def their_path(
    problem: Problem, rule: Rule, start: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray, strength: float
) -> tuple[list[float], dict[str, np.ndarray]]:
    """The loss before each step, and the parameters after the last, in nnlab's layout."""
    model = torch.nn.Sequential(torch.nn.Linear(20, 16), problem.their_hidden(), torch.nn.Linear(16, problem.units)).to(
        torch.from_numpy(x).dtype
    )
    layers = {"dense_1": model[0], "dense_2": model[2]}
    with torch.no_grad():
        for name, layer in layers.items():
            layer.weight.copy_(torch.from_numpy(start[f"{name}.weight"].T))
            layer.bias.copy_(torch.from_numpy(start[f"{name}.bias"]))
    optimizer = rule.theirs(
        [
            {"params": [layer.weight for layer in layers.values()], "weight_decay": 2.0 * strength},
            {"params": [layer.bias for layer in layers.values()], "weight_decay": 0.0},
        ]
    )
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = problem.their_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    end = {f"{name}.weight": layer.weight.detach().numpy().T for name, layer in layers.items()}
    return losses, end | {f"{name}.bias": layer.bias.detach().numpy() for name, layer in layers.items()}


CASES = [("cross_entropy", rule, strength) for rule in RULES for strength in (0.0, 0.01)]
CASES += [(problem, rule, 0.01) for problem in ("binary", "squared") for rule in ("sgd", "adam")]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("problem_name", "rule_name", "strength"), CASES)
def test_losses_and_weights_stay_equal_for_twenty_steps(
    problem_name: str, rule_name: str, strength: float, dtype: type[np.floating]
) -> None:
    problem, rule = PROBLEMS[problem_name], RULES[rule_name]
    x, y = data(problem, dtype)
    network = network_of(problem, dtype, strength)
    start = {name: value.copy() for name, value in network.parameters.named().items()}
    ours = our_path(problem, rule, network, x, y)
    theirs, end = their_path(problem, rule, start, x, y, strength)

    tolerance = TOLERANCE[dtype]
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    for name, value in network.parameters.named().items():
        assert not np.array_equal(value, start[name])
        np.testing.assert_allclose(value, end[name], rtol=tolerance, atol=tolerance, err_msg=name)
