"""What training makes small: a loss that fits its last layer, and gradients of its mean over rows."""

from __future__ import annotations

import numpy as np
import pytest

from nnlab.core import L2, Activation, Dense, Network
from nnlab.core.batches import BatchLoader
from nnlab.core.learner import evaluate
from nnlab.core.objective import LOSSES, Objective
from nnlab.core.rows import Rows

FITTING = [
    ("cross_entropy", "softmax"),
    ("binary_cross_entropy", "sigmoid"),
    ("half_squared_error", "sigmoid"),
    ("half_squared_error", "softmax"),
    ("mean_squared_error", "identity"),
]


def objective_of(
    loss: str, output: str, *, units: int = 3, strength: float = 0.0, reports_penalty: bool = False
) -> Objective:
    layers = [Dense(6, kernel_regularizer=L2(strength)), Activation("tanh"), Dense(units), Activation(output)]
    network = Network(layers, features=(4,), rng=np.random.default_rng(26), dtype=np.float64)
    return Objective(network, loss, dropout=np.random.default_rng(0), reports_penalty=reports_penalty)


def labelled(n: int, classes: int = 3) -> Rows:
    rng = np.random.default_rng(27)
    return Rows.whole(rng.normal(size=(n, 4)), rng.integers(0, classes, n))


def loss_and_gradient(objective: Objective, rows: Rows) -> tuple[float, np.ndarray]:
    program, _ = BatchLoader(rows, objective, objective.training, len(rows)).load(rows.index)
    loss = float(program.forward())
    program.backward()
    return loss, objective.network.parameters.gradients_vector.copy()


@pytest.mark.parametrize(
    ("loss", "output"),
    [
        ("cross_entropy", "sigmoid"),
        ("cross_entropy", "identity"),
        ("binary_cross_entropy", "softmax"),
        ("binary_cross_entropy", "identity"),
    ],
)
def test_a_loss_that_takes_logits_refuses_another_last_layer_than_its_own(loss: str, output: str) -> None:
    own = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}[loss]
    message = rf"loss '{loss}' needs `Activation\('{own}'\)` as the last layer, but that is .*'{output}'"
    with pytest.raises(ValueError, match=message):
        objective_of(loss, output)


def test_a_loss_that_takes_logits_refuses_a_last_layer_that_is_no_activation() -> None:
    network = Network([Dense(3)], features=(4,), rng=None)
    with pytest.raises(ValueError, match=r"needs `Activation\('softmax'\)` as the last layer, but that is .*'dense'"):
        Objective(network, "cross_entropy", dropout=np.random.default_rng(0))


def test_an_unknown_loss_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"must be one of half_squared_error, .*, but got 'hinge'"):
        objective_of("hinge", "softmax")
    assert set(LOSSES) == {"half_squared_error", "mean_squared_error", "cross_entropy", "binary_cross_entropy"}


@pytest.mark.parametrize(("loss", "output"), FITTING)
def test_the_gradient_of_a_batch_is_the_mean_of_the_gradients_of_its_rows(loss: str, output: str) -> None:
    objective, rows = objective_of(loss, output), labelled(7)
    together = loss_and_gradient(objective, rows)
    singles = [loss_and_gradient(objective, Rows(rows.x, rows.y, rows.index[i : i + 1])) for i in range(7)]
    assert together[0] == pytest.approx(np.mean([single for single, _ in singles]), rel=1e-13)
    np.testing.assert_allclose(together[1], np.mean([gradient for _, gradient in singles], axis=0), atol=1e-14)


@pytest.mark.parametrize(("loss", "output"), FITTING[1:])
def test_labels_give_what_their_one_hot_columns_give(loss: str, output: str) -> None:
    objective, rows = objective_of(loss, output), labelled(9)
    columns = Rows.whole(rows.x, np.eye(3)[rows.y])
    from_labels, from_columns = loss_and_gradient(objective, rows), loss_and_gradient(objective, columns)
    assert from_labels[0] == from_columns[0]
    assert from_labels[1].tobytes() == from_columns[1].tobytes()


@pytest.mark.parametrize(
    ("loss", "scores"),
    [
        ("binary_cross_entropy", [[0.1], [-0.1], [3.0], [-3.0]]),  # logits: 0 is a probability of one half
        ("half_squared_error", [[0.6], [0.4], [1.0], [0.0]]),  # probabilities
    ],
)
def test_a_single_output_decides_at_one_half(loss: str, scores: list[list[float]]) -> None:
    objective = objective_of(loss, "sigmoid", units=1)
    for labels, right in (([1, 0, 1, 0], 4), ([0, 1, 1, 1], 1)):
        rows = Rows.whole(np.zeros((4, 4)), np.array(labels))
        program, correct = BatchLoader(rows, objective, objective.evaluation, 4).load(rows.index)
        program.values[program.output.inputs[0]][...] = scores
        assert correct is not None
        assert correct() == right


@pytest.mark.parametrize("label", [-1, 2])
def test_a_single_output_refuses_a_label_of_a_third_class(label: int) -> None:
    objective = objective_of("half_squared_error", "sigmoid", units=1)
    rows = Rows.whole(np.zeros((3, 4)), np.array([0, label, 1]))
    with pytest.raises(ValueError, match=rf"classes from 0 to 1, as the network has 1 output, but got {label}\."):
        BatchLoader(rows, objective, objective.training, 3)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "half_squared_error"])
def test_a_single_output_is_trained_towards_the_label(loss: str) -> None:
    objective, rows = objective_of(loss, "sigmoid", units=1), labelled(40, classes=2)
    column = Rows.whole(rows.x, rows.y[:, None].astype(np.float64))
    assert loss_and_gradient(objective, rows)[1].tobytes() == loss_and_gradient(objective, column)[1].tobytes()
    decided = objective.network.predict(rows.x)[:, 0] > 0.5
    assert 0 < decided.sum() < 40
    assert evaluate(objective, rows).correct == np.count_nonzero(decided == (rows.y == 1))


@pytest.mark.parametrize(("loss", "output"), FITTING)
def test_several_outputs_decide_for_the_largest(loss: str, output: str) -> None:
    objective, rows = objective_of(loss, output), labelled(60)
    decided = objective.network.predict(rows.x).argmax(axis=1)
    assert evaluate(objective, rows).correct == np.count_nonzero(decided == rows.y)
    assert evaluate(objective, rows).accuracy == np.mean(decided == rows.y)


def test_targets_that_are_not_labels_have_no_decisions() -> None:
    objective = objective_of("mean_squared_error", "identity")
    rng = np.random.default_rng(28)
    rows = Rows.whole(rng.normal(size=(5, 4)), rng.normal(size=(5, 3)))
    assert np.isnan(evaluate(objective, rows).accuracy)


def test_penalties_are_in_the_gradient_always_and_in_the_reported_loss_if_asked() -> None:
    rows = labelled(8)
    silent, telling = (
        objective_of("cross_entropy", "softmax", strength=0.5, reports_penalty=reports) for reports in (False, True)
    )
    weight, gradient = silent.network.parameters["dense_1.weight"]
    penalty = 0.5 * float((weight**2).sum())
    data_loss = evaluate(silent, rows).mean_loss
    assert data_loss == pytest.approx(evaluate(objective_of("cross_entropy", "softmax"), rows).mean_loss, rel=1e-14)
    assert evaluate(telling, rows).mean_loss == pytest.approx(data_loss + penalty, rel=1e-14)

    loss_and_gradient(silent, rows)
    plain = gradient.copy()
    silent.add_penalty_gradients()
    np.testing.assert_allclose(gradient - plain, 2 * 0.5 * weight, rtol=1e-12)
