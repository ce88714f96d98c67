"""The gradient check: it passes what is right, catches what is broken, and raises no false alarm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlab.core import L1, L2, Activation, Dense, Dropout, Linear, Network, ReLU, Sigmoid, Softmax, Tanh
from nnlab.core.gradient_check import TOLERANCE, ParameterCheck, check_gradients
from nnlab.core.losses import BinaryCrossEntropyWithLogits, CrossEntropyWithSoftmax, HalfSquaredError
from nnlab.core.node import Calls, call
from nnlab.core.objective import Objective
from nnlab.core.regularizers import Regularizer
from nnlab.core.rows import Rows, Scaling


def check(
    *,
    hidden: str = "tanh",
    output: str = "softmax",
    loss: str = "cross_entropy",
    regularizer: Regularizer | None = None,
    dropout: float = 0.0,
    rows: Rows | None = None,
    dtype: Any = np.float64,
    entries: int = 30,
) -> list[ParameterCheck]:
    if rows is None:
        rng = np.random.default_rng(37)
        rows = Rows.whole(rng.normal(size=(6, 5)), rng.integers(0, 3, 6))
    layers = [
        Dense(8, kernel_regularizer=regularizer, bias_initializer="normal"),
        Activation(hidden),
        Dropout(dropout),
        Dense(3, kernel_regularizer=regularizer, bias_regularizer=regularizer, bias_initializer="normal"),
        Activation(output),
    ]
    network = Network(layers, features=rows.x.shape[1:], rng=np.random.default_rng(38), dtype=dtype)
    stream = np.random.default_rng(39)
    return check_gradients(Objective(network, loss, dropout=stream), rows, dropout=stream, entries=entries)


RIGHT: list[dict[str, Any]] = [
    *({"hidden": hidden} for hidden in ("identity", "sigmoid", "tanh", "relu", "softmax")),
    {"output": "sigmoid", "loss": "binary_cross_entropy"},
    *(
        {"output": output, "loss": loss}
        for output in ("sigmoid", "softmax", "identity", "tanh")
        for loss in ("half_squared_error", "mean_squared_error")
    ),
    {"regularizer": L1(0.05)},
    {"regularizer": L2(0.05)},
    {"dropout": 0.4},
    {"hidden": "relu", "regularizer": L2(0.01), "dropout": 0.5},
]


@pytest.mark.parametrize("model", RIGHT, ids=str)
def test_every_composed_model_has_right_gradients(model: dict[str, Any]) -> None:
    checks = check(**model)
    assert [item.name for item in checks] == ["dense_1.weight", "dense_1.bias", "dense_2.weight", "dense_2.bias"]
    assert all(item.is_right for item in checks), checks
    assert max(item.error for item in checks) < 1e-6


def test_images_that_are_scaled_bytes_are_checked_too() -> None:
    rng = np.random.default_rng(40)
    pixels = rng.integers(0, 256, (4, 3, 3)).astype(np.uint8)
    rows = Rows(pixels, rng.integers(0, 3, 4), np.arange(4), Scaling(1 / 255))
    assert all(item.is_right for item in check(rows=rows))


def test_a_row_of_zeros_on_the_kink_of_relu_raises_no_false_alarm() -> None:
    """The toy's row 0 0 0 with biases of zero: ReLU's input is exactly 0, where any slope in [0, 1] is right."""
    rows = Rows.whole(np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 1.0]]), np.array([0, 1]))
    network = Network(
        [Dense(4), Activation("relu"), Dense(2), Activation("softmax")],
        features=(3,),
        rng=np.random.default_rng(41),
        dtype=np.float64,
    )
    stream = np.random.default_rng(0)
    checks = check_gradients(Objective(network, "cross_entropy", dropout=stream), rows, dropout=stream)
    assert all(item.is_right for item in checks), checks


def test_logits_of_a_thousand_are_checked_without_a_warning() -> None:
    rows = Rows.whole(np.array([[-2000.0]]), np.array([1]))
    network = Network([Dense(1), Activation("sigmoid")], features=(1,), rng=None, dtype=np.float64)
    network.parameters["dense_1.weight"].value[...] = 0.5
    stream = np.random.default_rng(0)
    checks = check_gradients(Objective(network, "binary_cross_entropy", dropout=stream), rows, dropout=stream)
    assert all(item.is_right for item in checks), checks


def scaled_by(factor: float, backward: Callable[..., Calls], position: int) -> Callable[..., Calls]:
    """The same backward pass, but for one result that is off by a factor."""

    def broken(self: Any, *arrays: Any) -> Calls:
        yield from backward(self, *arrays)
        if arrays[position] is not None:
            yield call(np.multiply, arrays[position], factor, arrays[position])

    return broken


@pytest.mark.parametrize("factor", [2.0, 1.001])
@pytest.mark.parametrize(
    ("node", "position", "model"),
    [
        (Sigmoid, -1, {"hidden": "sigmoid"}),
        (Tanh, -1, {"hidden": "tanh"}),
        (ReLU, -1, {"hidden": "relu"}),
        (Softmax, -1, {"hidden": "softmax"}),
        (Linear, -2, {}),
        (Linear, -1, {}),
        (CrossEntropyWithSoftmax, -2, {}),
        (BinaryCrossEntropyWithLogits, -2, {"output": "sigmoid", "loss": "binary_cross_entropy"}),
        (HalfSquaredError, -2, {"output": "identity", "loss": "half_squared_error"}),
    ],
)
def test_a_derivative_that_is_off_by_a_factor_is_caught(
    node: Any, position: int, model: dict[str, Any], factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "backward", scaled_by(factor, node.backward, position))
    assert not all(item.is_right for item in check(**model))


@pytest.mark.parametrize("rule", [L1, L2])
def test_a_penalty_without_its_gradient_is_caught_where_it_stands(rule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "add_gradient", lambda *_: None)
    wrong = {item.name for item in check(regularizer=rule(0.05)) if not item.is_right}
    assert wrong == {"dense_1.weight", "dense_2.weight", "dense_2.bias"}


def test_one_wrong_entry_among_many_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Linear.backward

    def broken(self: Any, x: Any, w: Any, b: Any, out: Any, dout: Any, dx: Any, dw: Any, db: Any) -> Calls:
        yield from right(self, x, w, b, out, dout, dx, dw, db)
        yield call(np.add, dw[:1, :1], 0.01, dw[:1, :1])

    monkeypatch.setattr(Linear, "backward", broken)
    assert {item.name for item in check(entries=1000) if not item.is_right} == {"dense_1.weight", "dense_2.weight"}


def test_the_report_says_how_many_entries_were_checked_of_how_many() -> None:
    assert [item.entries for item in check(entries=10)] == [(10, 40), (8, 8), (10, 24), (3, 3)]


def test_the_parameters_are_as_they_were_afterwards() -> None:
    rng = np.random.default_rng(42)
    rows = Rows.whole(rng.normal(size=(6, 5)), rng.integers(0, 3, 6))
    network = Network([Dense(3), Activation("softmax")], features=(5,), rng=rng, dtype=np.float64)
    before = network.parameters.values_vector.tobytes()
    check_gradients(Objective(network, "cross_entropy", dropout=rng), rows, dropout=rng)
    assert network.parameters.values_vector.tobytes() == before


def test_a_parameter_that_the_loss_does_not_feel_is_right() -> None:
    assert ParameterCheck("w", (1, 1), 0.0).is_right
    assert ParameterCheck("w", (1, 1), TOLERANCE).is_right
    assert not ParameterCheck("w", (1, 1), float("nan")).is_right


def test_a_float32_network_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a float64 network, but got float32"):
        check(dtype=np.float32)
