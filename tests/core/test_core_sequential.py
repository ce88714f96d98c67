"""The layer stack with Keras' manners, used as the published Keras network (seeds/000) uses it."""

from __future__ import annotations

import csv
import gzip
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlab.core import L2, SGD, Activation, Adam, Dense, Dropout, History, Momentum, Sequential, TimeDecay

HIDDEN: dict[str, Any] = {"kernel_initializer": "glorot_uniform", "kernel_regularizer": L2(0.01)}


def keras_mlp(seed: int = 0, dtype: Any = np.float32) -> Sequential:
    """Seeds/000, smaller: 12-10-6-3 in place of 784-300-50-10."""
    model = Sequential(seed=seed, dtype=dtype)
    model.add(Dense(10, input_dim=12, **HIDDEN))
    model.add(Activation("relu"))
    model.add(Dense(6, **HIDDEN))
    model.add(Activation("relu"))
    model.add(Dense(3))
    model.add(Activation("softmax"))
    model.compile(
        optimizer=Momentum(lr=0.01, momentum=0.9),
        schedule=TimeDecay(decay=1e-4),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def blobs(n: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds that a small network tells apart, and their one-hot classes."""
    rng = np.random.default_rng(35)
    classes = rng.integers(0, 3, n)
    centres = 2.0 * rng.normal(size=(3, 12))
    return centres[classes] + 0.3 * rng.normal(size=(n, 12)), np.eye(3)[classes]


def fit(model: Sequential, x: Any, y: Any, **settings: Any) -> History:
    return model.fit(x, y, **{"epochs": 4, "batch_size": 16, "verbose": 0, **settings})


def weights(model: Sequential) -> bytes:
    return model.network.parameters.values_vector.tobytes()


def test_the_published_use_learns_and_keeps_a_history() -> None:
    model, (x, y) = keras_mlp(), blobs()
    history = fit(model, x, y, epochs=40, validation_split=0.2)
    assert isinstance(history, History)
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert [len(numbers) for numbers in history.history.values()] == [40] * 4
    assert history.epoch == list(range(40))
    assert history.history["val_accuracy"][-1] == 1.0
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    assert model.predict(x).shape == (90, 3)
    np.testing.assert_allclose(model.predict(x).sum(axis=1), 1.0, rtol=1e-6)


def test_a_history_without_validation_or_metrics_has_the_loss_alone() -> None:
    model, (x, y) = keras_mlp(), blobs()
    assert set(fit(model, x, y).history) == {"loss", "accuracy"}
    model.compile("sgd", "categorical_crossentropy", metrics=[])
    assert set(fit(model, x, y, validation_split=0.5).history) == {"loss", "val_loss"}


def test_the_validation_split_is_the_last_fraction_before_shuffling() -> None:
    x, y = blobs(50)
    model = keras_mlp()
    history = fit(model, x, y, validation_split=0.2).history
    loss, accuracy = model.evaluate(x[40:], y[40:])
    assert (history["val_loss"][-1], history["val_accuracy"][-1]) == (loss, accuracy)

    alone = keras_mlp()
    fit(alone, x[:40], y[:40])
    assert weights(alone) == weights(model)


def test_validation_data_takes_the_place_of_a_split() -> None:
    (x, y), model = blobs(50), keras_mlp()
    history = fit(model, x[:40], y[:40], validation_data=(x[40:], y[40:])).history
    assert history["val_loss"] == fit(keras_mlp(), x, y, validation_split=0.2).history["val_loss"]


def test_reported_losses_include_the_penalties_of_the_hidden_layers() -> None:
    x, y = blobs()
    model = keras_mlp(dtype=np.float64)
    before = -np.log(model.predict(x)[y == 1]).mean() + penalty(model)
    assert penalty(model) > 0.05
    assert model.evaluate(x, y)[0] == pytest.approx(before, rel=1e-12)
    # One batch of all rows: the training loss is that from before its update.
    assert fit(model, x, y, epochs=1, batch_size=90).history["loss"] == [pytest.approx(before, rel=1e-12)]
    after = -np.log(model.predict(x)[y == 1]).mean() + penalty(model)
    assert model.evaluate(x, y)[0] == pytest.approx(after, rel=1e-12)


def penalty(model: Sequential) -> float:
    named = model.network.parameters.named()
    return 0.01 * float((named["dense_1.weight"] ** 2).sum() + (named["dense_2.weight"] ** 2).sum())


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    x, y = blobs()
    models = [keras_mlp(seed) for seed in (3, 3, 4)]
    histories = [fit(model, x, y).history for model in models]
    assert weights(models[0]) == weights(models[1])
    assert histories[0] == histories[1]
    assert weights(models[0]) != weights(models[2])


def test_each_epoch_is_shuffled_unless_asked_not_to() -> None:
    x, y = blobs()
    shuffled, plain, again = keras_mlp(), keras_mlp(), keras_mlp()
    fit(shuffled, x, y)
    fit(plain, x, y, shuffle=False)
    fit(again, x, y, shuffle=False)
    assert weights(plain) == weights(again) != weights(shuffled)


def test_labels_one_hot_rows_and_lists_train_alike() -> None:
    x, y = blobs()
    labels = y.argmax(axis=1)
    trained = []
    for inputs, targets in ((x, y), (x, labels), (x, labels.astype(np.uint8)), (x.tolist(), labels.tolist())):
        model = keras_mlp(dtype=np.float64)
        fit(model, inputs, targets)
        trained.append(weights(model))
    assert len(set(trained)) == 1


@pytest.mark.parametrize("shape", [(20,), (20, 1)])
@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.bool_])
def test_the_answers_of_a_single_output_count_as_decisions_however_they_are_stored(
    shape: tuple[int, ...], dtype: Any
) -> None:
    x = np.linspace(-1.0, 1.0, 20)[:, None]
    y = (x[:, 0] > 0).astype(dtype).reshape(shape)
    model = Sequential([Dense(1), Activation("sigmoid")])
    model.compile(Adam(lr=0.1), "binary_crossentropy")
    assert fit(model, x, y, epochs=200).history["accuracy"][-1] == 1.0
    assert model.evaluate(x, y)[1] == 1.0


def test_an_epoch_is_a_line_unless_asked_to_be_silent(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = blobs()
    fit(keras_mlp(), x, y)
    assert capsys.readouterr().out == ""
    fit(keras_mlp(), x, y, epochs=2, verbose=1, validation_split=0.2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[0] for line in lines] == ["Epoch 1/2", "Epoch 2/2"]
    assert all(" - val_accuracy: " in line for line in lines)


def ten_digits() -> tuple[np.ndarray, np.ndarray]:
    """The first rows of scikit-learn's handwritten digits: 0 to 9, once each, 64 pixels of 0 to 16."""
    package = find_spec("sklearn")
    assert package is not None
    assert package.origin is not None
    with gzip.open(Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz", "rt") as lines:
        rows = np.array([[float(cell) for cell in row] for row in islice(csv.reader(lines), 10)])
    return rows[:, :-1] / 16.0, rows[:, -1].astype(int)


@pytest.mark.parametrize(
    ("loss", "output", "optimizer"),
    [
        ("cross_entropy", "softmax", Adam(lr=0.01)),
        ("binary_cross_entropy", "sigmoid", Momentum(lr=0.1)),
        ("mean_squared_error", "softmax", Adam(lr=0.01)),
    ],
)
def test_ten_real_digits_are_learnt_by_heart(loss: str, output: str, optimizer: Any) -> None:
    x, y = ten_digits()
    assert sorted(y) == list(range(10))
    model = Sequential([Dense(32), Activation("relu"), Dense(10), Activation(output)], seed=1)
    model.compile(optimizer, loss)
    history = fit(model, x, y, epochs=400, batch_size=10).history
    assert history["loss"][-1] < 0.01
    assert model.evaluate(x, y)[1] == 1.0


def test_dropout_trains_and_is_off_in_evaluation() -> None:
    x, y = blobs()
    model = Sequential([Dense(20), Activation("relu"), Dropout(0.3), Dense(3), Activation("softmax")])
    model.compile(SGD(lr=0.1))
    fit(model, x, y, epochs=20)
    assert model.evaluate(x, y) == model.evaluate(x, y)
    assert model.evaluate(x, y)[1] == 1.0
