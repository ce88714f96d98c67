"""The gradient check: it passes what is right, catches what is broken, and raises no false alarm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlab.core import L1, L2, Activation, Dense, Dropout, Linear, Network, ReLU, Sigmoid, Softmax, Tanh
from nnlab.core import batches as batches_module
from nnlab.core import graph as graph_module
from nnlab.core.activations import InvertedDropout
from nnlab.core.gradient_check import TOLERANCE, ParameterCheck, check_gradients
from nnlab.core.layers import Layer
from nnlab.core.losses import BinaryCrossEntropyWithLogits, CrossEntropyWithSoftmax, HalfSquaredError
from nnlab.core.node import Calls, Node, call
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


@pytest.mark.parametrize("scale", [1e3, 1e2, 1e-9, 0.0])
@pytest.mark.parametrize("hidden", ["sigmoid", "relu"])
@pytest.mark.parametrize(
    ("output", "loss"),
    [
        ("softmax", "cross_entropy"),
        ("sigmoid", "binary_cross_entropy"),
        ("sigmoid", "half_squared_error"),
        ("identity", "mean_squared_error"),
    ],
)
def test_a_gradient_that_is_tiny_and_right_raises_no_false_alarm(
    hidden: str, output: str, loss: str, scale: float
) -> None:
    """Units saturate at inputs of hundreds, and at inputs of 1e-9 nothing comes through the weights."""
    rng = np.random.default_rng(50)
    rows = Rows.whole(scale * rng.normal(size=(6, 5)), rng.integers(0, 3, 6))
    checks = check(hidden=hidden, output=output, loss=loss, rows=rows, entries=5)
    assert all(item.is_right for item in checks), checks


def test_a_loss_that_is_almost_zero_is_still_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Targets and outputs of 1e-6 make a squared error of 1e-12: its rounding is as much smaller."""
    rows = Rows.whole(1e-6 * np.random.default_rng(51).normal(size=(6, 5)), np.zeros((6, 1)))
    network = Network([Dense(1, use_bias=False)], features=(5,), rng=np.random.default_rng(52), dtype=np.float64)
    stream = np.random.default_rng(0)
    objective = Objective(network, "half_squared_error", dropout=stream)
    assert all(item.is_right for item in check_gradients(objective, rows, dropout=stream))
    monkeypatch.setattr(HalfSquaredError, "backward", scaled_by(1.001, HalfSquaredError.backward, -2))
    assert not any(item.is_right for item in check_gradients(objective, rows, dropout=stream))


def test_a_gradient_that_is_not_finite_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    for factor in (np.nan, np.inf):
        monkeypatch.setattr(Tanh, "backward", scaled_by(factor, Tanh.backward, -1))
        with np.errstate(all="ignore"):
            assert not check()[0].is_right


def test_dropout_without_its_factor_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its derivative lacks it too, so its own loss would agree."""

    def broken(self: Any, x: Any, out: Any, saved: Any) -> Calls:
        yield from RIGHT_DROPOUT(self, x, out, saved)
        yield call(np.copyto, saved.mask, saved.kept)
        yield call(np.multiply, x, saved.mask, out)

    monkeypatch.setattr(InvertedDropout, "forward", broken)
    assert not check(dropout=0.4)[0].is_right


RIGHT_DROPOUT = InvertedDropout.forward


def test_labels_that_go_with_other_rows_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = batches_module._classes
    monkeypatch.setattr(batches_module, "_classes", lambda y, *others: right(np.roll(y, 1), *others))
    assert not check()[0].is_right


class Frozen(Node):
    """LeakyReLU as somebody wrote it who had not read that it runs once."""

    def shape(self, *inputs: tuple[int, ...]) -> tuple[int, ...]:
        return inputs[0]

    def forward(self, x: Any, out: Any) -> Calls:
        yield call(np.multiply, x, np.where(x > 0, 1.0, 0.01), out)

    def backward(self, x: Any, out: Any, dout: Any, dx: Any) -> Calls:
        yield call(np.multiply, dout, np.where(x > 0, 1.0, 0.01), dx)


class FrozenMask(Frozen):
    """Dropout of the same kind: one mask, drawn while calls are recorded."""

    def __init__(self, x: Node, rng: np.random.Generator) -> None:
        super().__init__(x)
        self.rng = rng

    def forward(self, x: Any, out: Any) -> Calls:
        self.mask = 2.0 * (self.rng.random(x.shape) > 0.5)
        yield call(np.multiply, x, self.mask, out)

    def backward(self, x: Any, out: Any, dout: Any, dx: Any) -> Calls:
        yield call(np.multiply, dout, self.mask, dx)


class Own(Layer):
    """A layer of one's own."""

    kind = "own"

    def connect(self, x: Node, parameters: Any, dropout: np.random.Generator | None) -> Node:
        return Frozen(x)


class OwnDropout(Own):
    def connect(self, x: Node, parameters: Any, dropout: np.random.Generator | None) -> Node:
        return x if dropout is None else FrozenMask(x, dropout)


def check_own(layer: Layer) -> list[ParameterCheck]:
    rng = np.random.default_rng(37)
    rows = Rows.whole(rng.normal(size=(6, 5)), rng.integers(0, 3, 6))
    layers = [Dense(8), layer, Dense(3), Activation("softmax")]
    network = Network(layers, features=(5,), rng=np.random.default_rng(38), dtype=np.float64)
    stream = np.random.default_rng(39)
    return check_gradients(Objective(network, "cross_entropy", dropout=stream), rows, dropout=stream)


def test_an_operation_that_keeps_what_it_saw_is_refused() -> None:
    with pytest.raises(TypeError, match=r"`Frozen\.forward` reads numbers"):
        check_own(Own())


def test_if_it_were_not_refused_the_check_would_catch_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It binds twice, on other numbers, and gets two answers."""
    monkeypatch.setattr(graph_module, "record", lambda method, arrays: list(method(*arrays)))
    assert not all(item.is_right for item in check_own(Own()))


def test_a_mask_that_is_drawn_once_for_all_is_caught() -> None:
    assert not all(item.is_right for item in check_own(OwnDropout()))


def test_a_layer_of_ones_own_that_is_right_passes() -> None:
    class Right(Own):
        def connect(self, x: Node, parameters: Any, dropout: np.random.Generator | None) -> Node:
            return Tanh(x)

    assert all(item.is_right for item in check_own(Right()))
