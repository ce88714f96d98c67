"""What a loss is not defined for is refused before training, whichever way it comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlab.core import SGD, Activation, Constant, Dense, Input, Network, Rows, Sequential, value
from nnlab.core.learner import Learner, Tally, evaluate
from nnlab.core.losses import (
    BinaryCrossEntropyWithLogits,
    CrossEntropyWithSoftmax,
    HalfSquaredError,
    LossFunction,
    MeanSquaredError,
)
from nnlab.core.objective import LOSSES, Objective
from nnlab.core.schedules import Horizon

LAST = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid", "mean_squared_error": "identity"}
X = np.random.default_rng(0).normal(size=(8, 3))
SIDE = X[:, 0] > 0


def by_fit(loss: str, y: Any, outputs: int) -> float:
    model = Sequential([Dense(outputs), Activation(LAST[loss])])
    model.compile(optimizer=SGD(lr=0.5), loss=loss)
    return float(model.fit(X, y, epochs=20, verbose=0).history["loss"][-1])


def objective_and_rows(loss: str, y: Any, outputs: int) -> tuple[Objective, Rows]:
    network = Network([Dense(outputs), Activation(LAST[loss])], features=(3,), rng=np.random.default_rng(1))
    return Objective(network, loss, dropout=np.random.default_rng(2)), Rows.whole(X, y)


def by_a_learner(loss: str, y: Any, outputs: int) -> float:
    objective, rows = objective_and_rows(loss, y, outputs)
    learner = Learner(objective, SGD(lr=0.5), Constant(), Horizon(1, 20), rows=rows, batch_size=8)
    tally = Tally()
    learner.learn(rows.index, tally)
    return tally.mean_loss


def by_evaluation(loss: str, y: Any, outputs: int) -> float:
    return evaluate(*objective_and_rows(loss, y, outputs)).mean_loss


def by_value(loss: str, y: Any, outputs: int) -> float:
    p, t = Input("p"), Input("t")
    return float(value(LOSSES[loss].node(p, t), {p: np.zeros((8, outputs)), t: y}))


WAYS = [by_fit, by_a_learner, by_evaluation, by_value]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int8])
@pytest.mark.parametrize(("low", "high"), [(-1, 1), (1, 2), (0, 2), (0, 127)])
def test_binary_cross_entropy_refuses_targets_outside_of_0_to_1(
    way: Callable[..., float], dtype: Any, low: int, high: int
) -> None:
    y = np.where(SIDE, high, low).astype(dtype).reshape(-1, 1)
    with pytest.raises(ValueError, match=rf"targets from 0 to 1, .* For two classes give `y == {high}"):
        way("binary_cross_entropy", y, 1)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_targets_that_are_not_numbers_are_refused(way: Callable[..., float], loss: str, missing: float) -> None:
    y = np.column_stack([SIDE, ~SIDE]).astype(float)
    y[5, 1] = missing
    with pytest.raises(
        ValueError, match=r"but got -?(nan|inf) \(row 5, counted from 0; 1 of 16|y\[5, 1\] is -?(nan|inf)"
    ):
        way(loss, y, 2)


@pytest.mark.parametrize("way", [by_fit, by_a_learner, by_evaluation])
def test_a_target_beyond_float32_is_refused_where_float32_is_trained(way: Callable[..., float]) -> None:
    with pytest.raises(ValueError, match=r"float32.* or take .*dtype=(np\.)?float64"):
        way("mean_squared_error", np.where(SIDE, 1e300, 0.5).reshape(-1, 1), 1)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_numbers_of_any_type_are_taken_without_a_warning(way: Callable[..., float], dtype: Any) -> None:
    assert np.isfinite(way("mean_squared_error", np.linspace(-2, 3, 8).astype(dtype).reshape(-1, 1), 1))


def test_it_is_taken_in_float64() -> None:
    HalfSquaredError.targets.check(np.array([[1e150], [-1e308]]), np.float64)


@pytest.mark.parametrize("y", [-1, 1.5, np.nan], ids=str)
def test_validation_rows_are_held_to_the_same(y: float) -> None:
    model = Sequential([Dense(1), Activation("sigmoid")])
    model.compile(loss="binary_crossentropy")
    with pytest.raises(ValueError, match=rf"(but got|\[\d\] is) {float(y)}"):
        model.fit(X, SIDE, validation_data=(X, np.where(SIDE, y, 0.5)), verbose=0)


@pytest.mark.parametrize("way", [by_a_learner, by_evaluation])
def test_cross_entropy_refuses_columns(way: Callable[..., float]) -> None:
    with pytest.raises(ValueError, match=r"labels \(n,\), but got targets \(8, 2\)\. .*`y\.argmax\(axis=1\)`"):
        way("cross_entropy", np.column_stack([SIDE, ~SIDE]).astype(float), 2)


def test_labels_that_are_floats_are_refused_by_a_learner() -> None:
    with pytest.raises(TypeError, match=r"must be integers, but got float64"):
        by_a_learner("binary_cross_entropy", SIDE.astype(float), 1)


@pytest.mark.parametrize("labels", [[0, 1.5], [0, -1], [0, np.nan]])
def test_what_is_no_class_is_none_of_its_targets(labels: list[float]) -> None:
    with pytest.raises(ValueError, match="needs classes, whole numbers from 0, but got"):
        CrossEntropyWithSoftmax.targets.check(np.array(labels))


TAKEN: dict[str, Any] = {
    "booleans": SIDE,
    "integers": SIDE.astype(int),
    "bytes": SIDE.astype(np.uint8),
    "float32": SIDE.astype(np.float32),
    "a column": SIDE.astype(float).reshape(-1, 1),
}


@pytest.mark.parametrize("y", TAKEN.values(), ids=TAKEN.keys())
def test_zeros_and_ones_of_any_dtype_train_alike(y: Any) -> None:
    assert by_fit("binary_cross_entropy", y, 1) == by_fit("binary_cross_entropy", SIDE.astype(float), 1) < 0.4


def test_probabilities_are_taken_and_the_loss_goes_no_lower_than_their_entropy() -> None:
    soft = np.where(SIDE, 0.9, 0.1)
    entropy = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))
    assert entropy <= by_fit("binary_cross_entropy", soft, 1) < np.log(2)


@pytest.mark.parametrize("loss", [HalfSquaredError, MeanSquaredError, BinaryCrossEntropyWithLogits])
def test_no_target_that_is_taken_makes_a_loss_negative_and_those_refused_do(loss: type[LossFunction]) -> None:
    z, t = Input("z"), Input("t")
    logits = np.linspace(-60, 60, 121).reshape(-1, 1)
    for target in (0.0, 1e-300, 0.3, 1.0 - 1e-16, 1.0):
        assert min(value(loss(z, t), {z: [[logit]], t: [[target]]}) for logit in logits[:, 0]) >= 0.0
    for target in (-1e-9, 1.0 + 1e-9) if loss is BinaryCrossEntropyWithLogits else ():
        least = min(np.log1p(np.exp(logit)) - target * logit for logit in (-60.0, 60.0))
        assert least < 0.0
        with pytest.raises(ValueError, match="targets from 0 to 1"):
            loss.targets.check(np.array([[target]]))


def test_every_loss_states_its_targets() -> None:
    for loss in LOSSES.values():
        with pytest.raises(ValueError, match="needs"):
            loss.node.targets.check(np.array([np.nan]))
