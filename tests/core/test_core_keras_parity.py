"""Every name that is taken from Keras, beside Keras 3: values, gradients, whole trainings, from the same weights.

A step of plain gradient descent at rate 1 is the gradient. Keras computes in float32, and so does nnlab here.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
import pytest

from nnlab.core import (
    L1,
    L2,
    SGD,
    Constant,
    Cosine,
    Dense,
    Exponential,
    Momentum,
    Nesterov,
    Sequential,
    StepDecay,
    TimeDecay,
)
from nnlab.core.keras_names import KERAS_INITIALIZERS, KERAS_OPTIMIZERS
from nnlab.core.objective import KERAS_LOSSES
from nnlab.core.schedules import SCHEDULES, Schedule

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras', by NumPy
]
torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # networks this small lose more to waiting threads than they gain
os.environ.setdefault("KERAS_BACKEND", "torch")  # ten times as fast as JAX, which compiles every small network
keras = pytest.importorskip("keras")

ROWS, FEATURES = 13, 4
RNG = np.random.default_rng(11)
X = RNG.normal(size=(ROWS, FEATURES)).astype(np.float32)
CLASSES = RNG.integers(0, 10, ROWS)


def one_hot(k: int) -> np.ndarray:
    return np.eye(k, dtype=np.float32)[CLASSES % k]


def several(k: int) -> np.ndarray:
    """Several classes a row, or none."""
    return (np.random.default_rng(12).random((ROWS, k)) < 0.4).astype(np.float32)


def between(k: int) -> np.ndarray:
    """Probabilities."""
    return np.random.default_rng(13).random((ROWS, k)).astype(np.float32)


def numbers(k: int) -> np.ndarray:
    return np.random.default_rng(14).normal(size=(ROWS, k)).astype(np.float32)


class Case(NamedTuple):
    loss: str
    units: int
    output: str
    targets: np.ndarray


CASES = {
    "labels, ten classes": Case("sparse_categorical_crossentropy", 10, "softmax", CLASSES),
    "labels in a column": Case("sparse_categorical_crossentropy", 10, "softmax", CLASSES[:, None]),
    "one-hot, ten classes": Case("categorical_crossentropy", 10, "softmax", one_hot(10)),
    "one-hot, two classes": Case("categorical_crossentropy", 2, "softmax", one_hot(2)),
    "one output": Case("binary_crossentropy", 1, "sigmoid", CLASSES % 2),
    "one output, a column": Case("binary_crossentropy", 1, "sigmoid", (CLASSES % 2)[:, None].astype(np.float32)),
    "one output, probabilities": Case("binary_crossentropy", 1, "sigmoid", between(1)),
    "ten outputs, one-hot": Case("binary_crossentropy", 10, "sigmoid", one_hot(10)),
    "ten outputs, several": Case("binary_crossentropy", 10, "sigmoid", several(10)),
    "ten outputs, probabilities": Case("bce", 10, "sigmoid", between(10)),
    "numbers": Case("mse", 1, "linear", numbers(1)),
    "five numbers": Case("mean_squared_error", 5, "linear", numbers(5)),
    "squared error of a softmax": Case("mse", 3, "softmax", one_hot(3)),
    "squared error of a decision": Case("mse", 1, "sigmoid", (CLASSES % 2).astype(np.float32)),
}
by_case = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


def pair(
    case: Case, optimizers: tuple[Any, Any], penalties: tuple[Any, Any] = (None, None), **ours: Any
) -> tuple[Sequential, Any]:
    """The same network twice, nnlab's and Keras', from the same weights."""
    model = Sequential(
        [Dense(6, "tanh", kernel_regularizer=penalties[0]), Dense(case.units, activation=case.output)], seed=5
    )
    model.predict(X)
    theirs = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            keras.layers.Dense(6, "tanh", kernel_regularizer=penalties[1]),
            keras.layers.Dense(case.units, activation=case.output),
        ]
    )
    theirs.set_weights(weights(model))
    model.compile(optimizers[0], case.loss, **ours)
    theirs.compile(optimizers[1], case.loss, metrics=["accuracy"])
    return model, theirs


def weights(model: Sequential) -> list[np.ndarray]:
    """Copies, in Keras' order."""
    named = model.network.parameters.named()
    return [named[f"dense_{layer}.{role}"].copy() for layer in (1, 2) for role in ("weight", "bias")]


def assert_same(ours: list[np.ndarray], theirs: list[np.ndarray], tolerance: float = 2e-5) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=tolerance, atol=tolerance)


def test_every_loss_of_a_keras_name_has_a_case() -> None:
    assert {case.loss for case in CASES.values()} == {*KERAS_LOSSES, "mean_squared_error"}


@pytest.mark.parametrize(
    "penalties",
    [
        (None, None),
        ("l2", "l2"),
        ("l1", "l1"),
        (L2(0.1), keras.regularizers.L2(0.1)),
        (L1(0.1), keras.regularizers.L1(0.1)),
    ],
    ids=["none", "l2", "l1", "L2", "L1"],
)
@by_case
def test_value_and_gradient_are_those_of_keras(case: Case, penalties: tuple[Any, Any]) -> None:
    model, theirs = pair(case, (SGD(lr=1.0), keras.optimizers.SGD(1.0)), penalties)
    before = weights(model)
    ours, expected = model.evaluate(X, case.targets), theirs.evaluate(X, case.targets, verbose=0)
    assert ours[0] == pytest.approx(expected[0], rel=1e-5)
    assert np.isnan(ours[1]) or ours[1] == pytest.approx(expected[1])
    model.fit(X, case.targets, batch_size=ROWS, verbose=0)
    theirs.fit(X, case.targets, batch_size=ROWS, verbose=0)
    gradients = [
        [old - new for old, new in zip(before, after, strict=True)] for after in (weights(model), theirs.get_weights())
    ]
    assert_same(*gradients)  # type: ignore[arg-type]


@by_case
def test_a_training_with_validation_is_that_of_keras(case: Case) -> None:
    model, theirs = pair(case, ("sgd", "sgd"), ("l2", "l2"))
    settings = {"batch_size": 4, "epochs": 3, "validation_split": 0.3, "shuffle": False, "verbose": 0}
    ours, expected = model.fit(X, case.targets, **settings), theirs.fit(X, case.targets, **settings)  # type: ignore[arg-type]
    assert_same(weights(model), theirs.get_weights())
    assert ours.epoch == expected.epoch
    assert set(ours.history) in (set(expected.history), {"loss", "val_loss"})
    for name, series in ours.history.items():
        assert series == pytest.approx(expected.history[name], rel=2e-5), name
    assert model.predict(X).shape == theirs.predict(X, verbose=0).shape
    np.testing.assert_allclose(model.predict(X), theirs.predict(X, verbose=0), rtol=1e-4, atol=1e-6)


OPTIMIZERS: dict[str, tuple[Any, Any]] = {
    **{name: (name, name) for name in ("sgd", "adam")},
    "momentum": (Momentum(0.05, 0.8), lambda: keras.optimizers.SGD(0.05, momentum=0.8)),
    "nesterov": (Nesterov(0.05, 0.8), lambda: keras.optimizers.SGD(0.05, momentum=0.8, nesterov=True)),
}


def test_every_optimizer_of_a_name_has_a_case() -> None:
    assert set(OPTIMIZERS) == set(KERAS_OPTIMIZERS)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_second_call_continues_as_in_keras(name: str) -> None:
    ours, theirs = OPTIMIZERS[name]
    case = CASES["one-hot, ten classes"]
    model, other = pair(case, (ours, theirs if isinstance(theirs, str) else theirs()), ("l2", "l2"))
    calls: list[dict[str, int]] = [{"epochs": 2}, {"epochs": 3, "batch_size": 3}, {"epochs": 7, "initial_epoch": 5}]
    for call in calls:
        settings: dict[str, Any] = {"batch_size": 5, **call, "shuffle": False, "verbose": 0}
        assert model.fit(X, case.targets, **settings).epoch == other.fit(X, case.targets, **settings).epoch
        assert_same(weights(model), other.get_weights())


def test_adam_by_name_has_the_epsilon_of_keras_which_weighs_more() -> None:
    # Where gradients are as small as ε, where it stands and how large it is decide.
    case = Case("mse", 1, "linear", np.zeros((ROWS, 1), np.float32))
    model, theirs = pair(case, ("adam", "adam"))
    for _ in range(3):
        model.fit(1e-6 * X, case.targets, batch_size=ROWS, verbose=0)
        theirs.fit(1e-6 * X, case.targets, batch_size=ROWS, verbose=0)
    moved = [new - old for new, old in zip(weights(model), weights(pair(case, ("adam", "adam"))[0]), strict=True)]
    expected = [
        new - old for new, old in zip(theirs.get_weights(), weights(pair(case, ("adam", "adam"))[0]), strict=True)
    ]
    assert 0 < np.abs(moved[0]).max() < 0.9 * 3e-3
    np.testing.assert_allclose(moved[0], expected[0], rtol=1e-2, atol=1e-7)


STEPS_PER_EPOCH, LAST = 3, 17  # 13 rows in batches of 5; six epochs
THEIRS = {
    "constant": lambda: 0.1,
    "time_decay": lambda: keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 0.05),
    "step": lambda: keras.optimizers.schedules.ExponentialDecay(0.1, 2 * STEPS_PER_EPOCH, 0.5, staircase=True),
    "exponential": lambda: keras.optimizers.schedules.ExponentialDecay(0.1, STEPS_PER_EPOCH, 0.7),
    "cosine": lambda: keras.optimizers.schedules.CosineDecay(0.1, LAST, alpha=0.2),
}
OURS: dict[str, Schedule] = {
    "constant": Constant(),
    "time_decay": TimeDecay(decay=0.05),
    "step": StepDecay(drop=0.5, every=2),
    "exponential": Exponential(decay=0.7),
    "cosine": Cosine(floor=0.2),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_two_calls_under_a_schedule_take_the_steps_that_keras_takes(name: str) -> None:
    case = CASES["one-hot, ten classes"]
    optimizers = (SGD(lr=0.1), keras.optimizers.SGD(THEIRS[name]()))  # type: ignore[no-untyped-call]
    model, theirs = pair(case, optimizers, schedule=OURS[name], schedule_epochs=6)
    for call in ({"epochs": 4}, {"epochs": 6, "initial_epoch": 4}):
        settings: dict[str, Any] = {"batch_size": 5, **call, "shuffle": False, "verbose": 0}
        model.fit(X, case.targets, **settings)
        theirs.fit(X, case.targets, **settings)
        assert_same(weights(model), theirs.get_weights())


def test_updates_keep_being_counted_as_updates_with_another_batch_size() -> None:
    case = CASES["numbers"]
    model, theirs = pair(case, (SGD(lr=0.1), keras.optimizers.SGD(THEIRS["time_decay"]())), schedule=OURS["time_decay"])  # type: ignore[no-untyped-call]
    for size in (5, 2, 13):
        settings = {"batch_size": size, "epochs": 2, "shuffle": False, "verbose": 0}
        model.fit(X, case.targets, **settings)  # type: ignore[arg-type]
        theirs.fit(X, case.targets, **settings)
        assert_same(weights(model), theirs.get_weights())


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8, 10, 13, 33, 60, 100])
@pytest.mark.parametrize("fraction", [0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 1 / 3, 0.5, 0.7, 0.9, 0.99])
def test_as_many_rows_are_held_out_as_keras_holds_out(rows: int, fraction: float) -> None:
    from keras.src.trainers.data_adapters.array_slicing import train_validation_split

    from nnlab.core import Rows
    from nnlab.core.stacking import split

    numbered = np.arange(rows, dtype=np.float32)[:, None]
    try:
        _, (expected,) = train_validation_split((numbered,), fraction)
    except ValueError:
        with pytest.raises(ValueError, match="at least one row"):
            split(Rows.whole(numbered, numbered), fraction)
    else:
        held_out = split(Rows.whole(numbered, numbered), fraction)[1]
        np.testing.assert_array_equal(held_out.inputs(), np.asarray(expected))


@pytest.mark.parametrize("name", KERAS_INITIALIZERS)
def test_initializers_draw_from_the_distribution_of_keras(name: str) -> None:
    from scipy.stats import ks_2samp

    shape = (300, 200)
    ours = KERAS_INITIALIZERS[name].sample(shape, np.random.default_rng(0)).ravel()
    theirs = np.asarray(keras.initializers.get(name)(shape), np.float64).ravel()
    if name == "zeros":
        assert not ours.any()
        assert not theirs.any()
    else:
        # 60,000 draws each: the distributions' largest distance is below 1 % in all but one of 10^4 cases.
        assert ks_2samp(ours, theirs).statistic < 0.013
        assert ours.std() == pytest.approx(theirs.std(), rel=0.02)
