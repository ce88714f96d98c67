"""What a script for Keras writes, and what it gets: worked numbers. Beside Keras: `test_core_keras_parity.py`."""

# mypy: disable-error-code="arg-type"
from __future__ import annotations

import io
import math
import sys
from typing import Any

import numpy as np
import pytest

from nnlab.core import (
    L1,
    L2,
    SGD,
    Activation,
    Adam,
    Cosine,
    Dense,
    Dropout,
    HeNormal,
    Momentum,
    Network,
    Normal,
    Sequential,
    StepDecay,
    Zeros,
)
from nnlab.core.keras_names import KERAS_OPTIMIZERS
from nnlab.core.layers import layer_from_dict
from nnlab.core.optimizers import OPTIMIZERS

X = np.random.default_rng(61).normal(size=(10, 3))
Y = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])


def compiled(*layers: Any, loss: str = "mse", **plan: Any) -> Sequential:
    model = Sequential(layers)
    model.compile(loss=loss, **plan)
    return model


# Losses and what is reported


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("binary_crossentropy", math.log(2)),
        ("bce", math.log(2)),
        ("binary_cross_entropy", 10 * math.log(2)),
    ],
)
def test_binary_crossentropy_averages_over_the_outputs_and_nnlabs_own_sums(loss: str, expected: float) -> None:
    # All logits are 0: log 2 an output, whatever the targets.
    model = compiled(Dense(10, "sigmoid", kernel_initializer=Zeros()), loss=loss)
    assert model.evaluate(X, np.eye(10))[0] == pytest.approx(expected, rel=1e-6)
    assert model.evaluate(X, np.full((10, 10), 0.3))[0] == pytest.approx(expected, rel=1e-6)


def test_a_step_on_binary_crossentropy_of_ten_outputs_is_a_tenth_of_one_on_the_sum() -> None:
    moved = []
    for loss in ("binary_crossentropy", "binary_cross_entropy"):
        model = compiled(Dense(10, "sigmoid", kernel_initializer=Zeros()), loss=loss, optimizer=SGD(lr=1.0))
        model.fit(X, np.eye(10), verbose=0)
        moved.append(model.network.parameters.values_vector)
    np.testing.assert_allclose(10 * moved[0], moved[1], rtol=1e-5)


@pytest.mark.parametrize("metrics", ["accuracy", ["accuracy"], ("accuracy",)])
def test_evaluate_gives_what_was_compiled(metrics: Any) -> None:
    model = compiled(Dense(3, "softmax"), loss="sparse_categorical_crossentropy", metrics=metrics)
    loss, accuracy = model.evaluate(X, Y)
    assert model.evaluate(X, Y, return_dict=True) == {"loss": loss, "accuracy": accuracy}
    assert accuracy == (model.predict(X).argmax(axis=1) == Y).mean()


@pytest.mark.parametrize("metrics", [[], None])
def test_evaluate_without_metrics_gives_the_loss_alone(metrics: Any) -> None:
    model = compiled(Dense(1, kernel_initializer=Zeros()), metrics=metrics)
    assert model.evaluate(X, np.full(10, 3.0)) == pytest.approx(9.0)
    assert set(model.fit(X, X[:, 0], verbose=0, validation_split=0.2).history) == {"loss", "val_loss"}


@pytest.mark.parametrize("held", [np.full(5, 0.5), Y[:5] % 2])
def test_accuracy_is_left_out_where_one_side_has_no_classes(held: np.ndarray) -> None:
    model = compiled(Dense(1))
    mixed = np.r_[np.where(held == 0.5, 1.0, 0.5), held]
    assert set(model.fit(X, mixed, verbose=0, validation_split=0.5).history) == {"loss", "val_loss"}


# Splits


@pytest.mark.parametrize(
    ("rows", "fraction", "held_out"),
    [(10, 0.25, 3), (5, 0.05, 1), (10, 0.05, 1), (10, 0.2, 2), (9, 0.5, 5), (3, 0.1, 1)],
)
def test_a_validation_split_is_rounded_in_favour_of_validation(rows: int, fraction: float, held_out: int) -> None:
    # Keras: the first floor(n (1 - fraction)) rows are trained on. A label for each row says which were held out.
    model = compiled(Dense(1, kernel_initializer=Zeros()), optimizer=SGD(lr=1e-12))
    y = np.r_[np.zeros(rows - held_out), np.full(held_out, 2.0)]
    history = model.fit(X[:rows], y, verbose=0, validation_split=fraction).history
    assert history["loss"] == [0.0]
    assert history["val_loss"] == pytest.approx([4.0], rel=1e-6)


@pytest.mark.parametrize(("rows", "fraction"), [(1, 0.9), (1, 0.01), (2, 0.6)])
def test_a_split_that_leaves_one_side_empty_is_refused_as_by_keras(rows: int, fraction: float) -> None:
    with pytest.raises(ValueError, match="at least one row to train on and one to evaluate on"):
        compiled(Dense(1)).fit(X[:rows], X[:rows, 0], validation_split=fraction)


# Numbers of NumPy


def test_numpy_integers_and_floats_are_numbers() -> None:
    assert Dense(Y.max() + 1).units == 3
    assert type(Dense(np.int64(3)).units) is int
    assert SGD(np.float32(0.1)) == SGD(float(np.float32(0.1)))
    assert type(SGD(np.float32(0.1)).lr) is float
    assert StepDecay(every=np.uint8(3)) == StepDecay(every=3)
    assert Dropout(np.float64(0.5)) == Dropout(0.5)
    assert L2(np.float64(0.01)) == L2(0.01)
    assert Dense(3, input_dim=np.int32(4), use_bias=np.bool_(False)).to_dict() == Dense(3, use_bias=False).to_dict()
    with_numpy, without = (Sequential([Dense(1)], seed=seed) for seed in (np.int64(3), 3))
    for model, cast in ((with_numpy, np.int16), (without, int)):
        model.compile(Adam(), "mse", clip_norm=np.float32(1.0) if cast is np.int16 else 1.0)
        model.fit(X, X[:, 0], cast(4), cast(2), cast(0), validation_split=np.float64(0.2), shuffle=np.bool_(True))
    np.testing.assert_array_equal(with_numpy.predict(X), without.predict(X))


@pytest.mark.parametrize("value", [np.bool_(True), np.array(0.1), np.array([0.1]), np.float32("nan"), np.str_("a"), 1j])
def test_what_only_looks_like_a_number_is_none(value: Any) -> None:
    with pytest.raises(ValueError, match=r"`SGD\(lr=.*`lr` must be a"):
        SGD(value)


@pytest.mark.parametrize("units", [np.float64(3), np.array(3), np.array([3]), np.bool_(True), np.int64(0)])
def test_units_of_numpy_that_are_no_positive_whole_number_are_refused(units: Any) -> None:
    with pytest.raises(ValueError, match="`units` must be a whole number of at least 1"):
        Dense(units)


# Layers


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "softmax", "linear", "identity", None])
def test_a_layer_with_an_activation_is_the_layer_and_the_activation(activation: Any) -> None:
    short = Sequential([Dense(4, activation=activation), Dense(3, "softmax")], seed=1)
    long = Sequential([Dense(4), Activation(activation or "linear"), Dense(3), Activation("softmax")], seed=1)
    for model in (short, long):
        model.compile("adam", "categorical_crossentropy")
        model.fit(X, Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(short.predict(X), long.predict(X))
    assert set(short.network.parameters) == set(long.network.parameters)
    loaded = Network.from_dict(short.network.to_dict())
    loaded.parameters.load(short.network.parameters.named())
    np.testing.assert_array_equal(loaded.predict(X), short.predict(X))


def test_a_layer_with_an_activation_comes_back_from_its_description() -> None:
    layer = Dense(4, "relu", use_bias=False)
    assert layer_from_dict(layer.to_dict()).to_dict() == layer.to_dict()
    assert "activation" not in Dense(4).to_dict()


def test_penalties_and_initializers_have_the_values_of_keras_by_name() -> None:
    assert Dense(3, kernel_regularizer="l2", bias_regularizer="l1").kernel_regularizer == L2(0.01)
    assert Dense(3, kernel_regularizer="l2", bias_regularizer="l1").bias_regularizer == L1(0.01)
    assert Dense(3, kernel_initializer="normal").kernel_initializer == Normal(std=0.05)
    assert Dense(3, kernel_initializer=HeNormal()).kernel_initializer == HeNormal()
    drawn = Dense(3, kernel_initializer="he_normal").kernel_initializer.sample((200, 300), np.random.default_rng(0))
    # Cut off at two deviations of the normal that is cut, which is 1 / 0.8796 as wide as what is left.
    assert 2.2 / 10 < np.abs(drawn).max() <= 2 / 0.87962566 / 10
    assert drawn.std() == pytest.approx(math.sqrt(2 / 200), rel=0.01)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(3, 4), "`Activation` must be one of"),
        (lambda: Dense(3, "gelu"), "`Activation` must be one of"),
        (lambda: Dense(3, kernel_initializer=Zeros), "`kernel_initializer` must be"),
        (lambda: Dense(3, kernel_initializer=None), "`kernel_initializer` must be"),
        (lambda: Dense(3, kernel_regularizer=0.01), "`kernel_regularizer` must be"),
        (lambda: Dense(3, use_bias=None), "`use_bias` must be true or false"),
        (lambda: Dense(3, input_dim=-4), "`input_dim` must be at least 1"),
        (lambda: Sequential(dtype=int), "`dtype` must be float32 or float64"),
        (lambda: Sequential(dtype="text"), "`dtype` must be float32 or float64"),
        (lambda: Sequential(dtype=None), "`dtype` must be float32 or float64"),
        (lambda: Sequential(seed=-1), "`seed` must be at least 0"),
    ],
)
def test_declarations_out_of_their_rules_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("layers", [[Dense], ["relu"], "relu", [None], [[Dense(3)]], 3, None, Dense(3)])
def test_what_is_no_layer_is_refused_when_it_is_given(layers: Any) -> None:
    with pytest.raises(TypeError, match=r"Try (`Dense\(10\)`|\[Dense\(10\)\])"):
        Sequential(layers)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.fit(X, Y, callbacks=[]), r"no argument `callbacks`: .*`initial_epoch`"),
        (lambda model: model.fit(X, Y, sample_weight=X[:, 0]), r"no argument `sample_weight`: .*repeat a row"),
        (lambda model: model.fit(X, Y, epoch=3), r"no argument `epoch`: did you mean `epochs`"),
        (lambda model: model.fit(X), r"missing a required argument: 'y'"),
        (lambda model: model.evaluate(X, Y, batch_size=8), r"no argument `batch_size`: .*automatically"),
        (lambda model: model.compile("sgd", "mse", run_eagerly=True), r"no argument `run_eagerly`: leave it out"),
        (lambda model: Dense(3, input_shape=(3,)), r"no argument `input_shape`: leave it out"),  # type: ignore[call-arg]
        (lambda model: SGD(learning_rate=0.1), r"`SGD` has no setting `learning_rate`. It has lr"),  # type: ignore[call-arg]
    ],
)
def test_arguments_that_nnlab_does_not_have_are_refused_with_what_to_do(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call(compiled(Dense(3)))


@pytest.mark.parametrize("optimizer", [SGD, "rmsprop", None, 0.1, {}, object()])
def test_what_is_no_optimizer_is_refused(optimizer: Any) -> None:
    with pytest.raises(ValueError, match=r"`optimizer` must be one of sgd, momentum, nesterov, adam"):
        compiled(Dense(3), optimizer=optimizer)


@pytest.mark.parametrize("schedule", [Cosine, "cosine", 0.1])
def test_what_is_no_schedule_is_refused(schedule: Any) -> None:
    with pytest.raises(ValueError, match=r"`schedule` must be .*Try `Cosine\(\)`"):
        compiled(Dense(3), schedule=schedule)


def test_sgd_by_name_has_the_rate_of_keras_and_by_class_that_of_nnlab() -> None:
    weights = []
    for optimizer in ("sgd", "SGD", SGD(lr=0.01), SGD()):
        model = compiled(Dense(1), optimizer=optimizer)
        model.fit(X, X[:, 0], verbose=0)
        weights.append(model.predict(X).tobytes())
    assert weights[0] == weights[1] == weights[2] != weights[3]


# What is shown


def test_the_representation_shows_the_layers_and_makes_the_same_model_again() -> None:
    model = Sequential(
        [
            Dense(np.int64(3), "relu", kernel_initializer="he_uniform", kernel_regularizer=L2(0.5)),
            Dropout(rate=0.25),
            Dense(2, use_bias=False),
            Activation("softmax"),
        ],
        seed=4,
        dtype="float64",
    )
    lines = repr(model).splitlines()
    assert lines[1].startswith("    Dense(3, activation='relu', kernel_initializer=HeUniform(), kernel_regularizer=L2(")
    assert lines[3:5] == ["    Dense(2, use_bias=False),", "    Activation('softmax'),"]
    from nnlab.core import HeUniform

    names = {"Sequential": Sequential, "Dense": Dense, "Dropout": Dropout, "Activation": Activation, "L2": L2}
    again = eval(repr(model), {**names, "HeUniform": HeUniform})
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert repr(Sequential()) == "Sequential([], seed=0, dtype='float32')"


@pytest.mark.parametrize("verbose", [1, 2, "auto", True, np.int64(1)])
def test_lines_are_written_unless_asked_to_be_silent(verbose: Any, capsys: pytest.CaptureFixture[str]) -> None:
    model = compiled(Dense(1))
    model.fit(X, X[:, 0], epochs=2, verbose=verbose)
    model.evaluate(X, X[:, 0], verbose=verbose)
    model.predict(X, verbose=verbose)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("loss: ")[0] for line in lines] == ["Epoch 1/2 - ", "Epoch 2/2 - ", ""]
    assert model.evaluate(X, X[:, 0], verbose=0)[0] > 0
    assert capsys.readouterr().out == ""


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("stream", [None, Full(), "closed"])
def test_an_output_that_takes_nothing_stops_nobody(stream: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if stream == "closed":
        stream = io.StringIO()
        stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    model = compiled(Dense(1))
    assert len(model.fit(X, X[:, 0], epochs=2).history["loss"]) == 2


def test_every_optimizer_has_a_meaning_by_name() -> None:
    assert set(KERAS_OPTIMIZERS) == set(OPTIMIZERS)


def test_momentum_and_nesterov_by_name_are_nnlabs() -> None:
    outputs = []
    for optimizer in ("momentum", Momentum()):
        model = compiled(Dense(1), optimizer=optimizer)
        model.fit(X, X[:, 0], 2, 3, 0)
        outputs.append(model.predict(X).tobytes())
    assert outputs[0] == outputs[1]
