"""From a file to a trained and stored model: the same inputs everywhere, and fitted on training rows alone."""

# mypy: disable-error-code="arg-type"
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from small_data import classifier

from nnlab.batch import compose
from nnlab.config.build import build_trainer
from nnlab.config.problems import ConfigError
from nnlab.data import DataSettings, load
from nnlab.data.loading import dataset_of
from nnlab.data.source import RawTable, assemble
from nnlab.models.saved_model import Model, load_model, save_model
from nnlab.training import events

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 600)
NOISE = RNG.normal(size=600)
MILLISECONDS = 1.7e12 + LABELS * 30_000 + RNG.integers(0, 30_000, 600)
WHOLE = np.rint(NOISE * 100).astype(np.int64)
TABLES = {
    "milliseconds": np.column_stack([MILLISECONDS, NOISE]),
    "milliseconds as integers": np.column_stack([MILLISECONDS.astype(np.int64), WHOLE]),
    "nanoseconds": np.column_stack([MILLISECONDS.astype(np.int64) * 10**6 + 1, WHOLE]),
    "beyond float32": np.column_stack([(NOISE + 4 * LABELS) * 1e39, NOISE]),
    "small": np.column_stack([NOISE + 4 * LABELS, NOISE]).astype(np.float32),
}


@pytest.mark.parametrize(("name", "dtype"), [(name, "float32") for name in TABLES] + [("nanoseconds", "float64")])
def test_a_network_learns_as_scikit_learns_does_and_its_stored_model_takes_the_rows_of_the_file(
    name: str, dtype: str, tmp_path: Path
) -> None:
    x = TABLES[name]
    np.savez(tmp_path / "table.npz", x_train=x, y_train=LABELS)
    overrides = ("data=npz", "data.standardize=true", "optimizer=adam", "optimizer.lr=0.01", "model.hidden=[16]")
    config = compose(*overrides, f"data.root={tmp_path / 'table.npz'}", f"dtype={dtype}", "trainer.epochs=20").config
    data = dataset_of(config.data, seed=0)
    trainer = build_trainer(config, data)
    (tested,) = [event for event in trainer.run() if isinstance(event, events.Tested)]

    train, test = x[data.train.index], x[data.test.index]
    scaler = StandardScaler().fit(train)
    theirs = MLPClassifier((16,), learning_rate_init=0.01, max_iter=60, random_state=0)
    with pytest.warns(match="Maximum iterations"):
        theirs.fit(scaler.transform(train), LABELS[data.train.index])
    expected = theirs.score(scaler.transform(test), LABELS[data.test.index])
    assert expected > 0.9
    assert tested.metrics["test/accuracy"] >= expected - 0.05

    network = trainer.objective.network
    save_model(tmp_path, Model(network, data.train.scaling, data.class_names, data.example(5)))
    model = load_model(tmp_path / "architecture.json", tmp_path / "weights.safetensors")
    assert model.example.dtype == x.dtype
    np.testing.assert_array_equal(model.example, train[:5])
    outputs = model.predict(test)
    np.testing.assert_array_equal(outputs, network.predict(data.test.inputs(network.dtype)))
    assert np.mean(outputs.argmax(axis=1) == LABELS[data.test.index]) == tested.metrics["test/accuracy"]


VALUES = st.one_of(
    st.sampled_from([0.0, 1.0, 10.5, 255.0, 256.0, 2.0**24 + 1, 2.0**53, 1e20]),
    st.floats(-1e6, 1e6, width=32),
    st.integers(-(2**61), 2**61),
)
NINE = RNG.integers(1, 11, (60, 9))
STORED: dict[str, np.ndarray] = {
    "whole numbers": NINE,
    "bytes": NINE.astype(np.uint8),
    "floats": NINE.astype(np.float32) / 4,
    "doubles": NINE / 10,
    "large": NINE + 2**40,
    "very large": NINE + 2**60 + 1,
}


def weights(x: np.ndarray, elsewhere: np.ndarray, *, standardize: bool, dtype: type[np.floating]) -> bytes:
    """Of a network that was trained beside a validation and a test file."""
    labels = np.arange(60) % 2
    raw = {"train": RawTable(x, labels, "train")}
    raw |= {part: RawTable(elsewhere, labels[: len(elsewhere)], part) for part in ("validation", "test")}
    data = load(DataSettings(name="npz", standardize=standardize), source=assemble(raw))
    trainer = classifier(data, dtype=dtype, epochs=2, batch_size=16, restore_best=False)
    with np.errstate(all="ignore"):
        for _ in trainer.run(test=False):
            pass
    return trainer.objective.network.parameters.values_vector.tobytes()


@pytest.mark.parametrize("stored", STORED)
@settings(max_examples=12, deadline=None)
@given(value=VALUES, place=st.integers(0, 80), standardize=st.booleans(), single=st.booleans())
def test_no_value_of_a_validation_or_test_row_changes_the_trained_weights(
    stored: str, value: float, place: int, standardize: bool, single: bool
) -> None:
    x, dtype = STORED[stored], np.float32 if single else np.float64
    if stored == "very large":
        value = int(value)
    elif abs(value) > 2**53:
        value = float(value)
    elsewhere = x[:9].astype(np.result_type(x, np.int64 if isinstance(value, int) else np.float64))
    elsewhere.flat[place] = value
    expected = weights(x, x[:9], standardize=standardize, dtype=dtype)
    assert weights(x, elsewhere, standardize=standardize, dtype=dtype) == expected


DAYS = 20_240_101 + np.arange(60) % 28
LOST = {
    "milliseconds": (MILLISECONDS[:60], (), r"of 60 .* position 1 .*only 1 .*data\.standardize=true, or"),
    "dates": (DAYS, (), r"20240103\.0 and 20240104\.0.*data\.standardize=true, or dtype=float64"),
    "large whole numbers": (2**24 + np.arange(60), (), r"16777216\.0 and 16777217\.0"),
    "beyond float32": (
        1e39 * np.arange(60),
        (),
        r"5.9e\+40 in row 59 .*position 1 .*beyond .* 3\.4e\+38",
    ),
    "below float32": (1e-300 * np.arange(60), (), "of 60 .*only 1 "),
    "one far off": (
        np.where(np.arange(60) == 4, 1e300, np.arange(60)),
        ("data.standardize=true", "dtype=float64"),
        "of 60 .*only 2 .*closer to the others",
    ),
    "whole numbers beyond float64": (
        2**60 + np.arange(60),
        ("dtype=float64",),
        r"1152921504606846976 and 1152921504606846977.*data\.standardize=true",
    ),
}


@pytest.mark.parametrize(("feature", "overrides", "message"), LOST.values(), ids=LOST)
def test_what_narrowing_would_lose_is_refused_before_training(
    feature: np.ndarray, overrides: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "data.npz", x_train=np.column_stack([np.arange(60) % 7, feature]), y_train=np.arange(60) % 2)
    named = ("data=npz", f"data.root={tmp_path / 'data.npz'}", "data.split.strategy=tail", *overrides)
    with pytest.raises(ConfigError, match=message):
        compose(*named, "data.split.validation=0", "data.split.test=0")


@pytest.mark.parametrize(
    "feature",
    [RNG.normal(size=4000), RNG.uniform(100, 101, 4000), RNG.integers(0, 10**9, 4000), np.full(4000, 1.7e12 + 1)],
    ids=["normal", "from 100 to 101", "cents", "constant"],
)
def test_roundings_that_do_no_harm_are_let_pass(feature: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x_train=feature[:, None], y_train=np.arange(4000) % 2)
    assert compose("data=npz", f"data.root={tmp_path / 'data.npz'}").config.dtype == "float32"
