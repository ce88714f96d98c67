"""Any valid things that are asked for together are what the config says, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest
from composing import WRITABLE, composed, flat
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlab.config.jobs import compose_jobs
from nnlab.config.problems import as_typed
from nnlab.config.schema import as_dict
from nnlab.config.validate import validate
from nnlab.data import load

HERE = [f"runs_dir={WRITABLE}/runs", f"tracking.uri=sqlite:///{WRITABLE}/mlflow.db"]
DEFAULTS = flat(as_dict(validate(composed(*HERE)).config))

fractions = st.floats(0.0, 0.4, allow_nan=False).map(lambda number: round(number, 3))
rates = st.floats(1e-6, 10.0, allow_nan=False)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "seed": st.integers(0, 2**32),
    "dtype": st.sampled_from(["float32", "float64"]),
    "model.hidden": st.lists(st.integers(1, 500), max_size=4),
    "model.activation": st.sampled_from(["relu", "sigmoid", "tanh", "identity"]),
    "model.init": st.sampled_from(["glorot_uniform", "he_normal", "normal", "zeros"]),
    "model.bias": st.booleans(),
    "model.dropout": fractions,
    "optimizer.lr": rates,
    "schedule.warmup": st.floats(0.0, 3.0, allow_nan=False),
    "data.limit": st.none() | st.integers(1000, 3000),
    "data.standardize": st.booleans(),
    "trainer.epochs": st.integers(5, 10_000),
    "trainer.batch_size": st.integers(1, 1000) | st.just("full"),
    "trainer.patience": st.none() | st.integers(1, 50),
    "trainer.clip_norm": st.none() | rates,
    "trainer.count_correct": st.booleans(),
    "trainer.checkpoint_seconds": st.none() | rates,
    "trainer.test": st.booleans() | st.just("auto"),
    "tracking.enabled": st.booleans(),
    "tracking.experiment": st.text("abcdefgh_0123456789", min_size=1).filter(lambda text: text.startswith("a")),
}


@given(asked=st.fixed_dictionaries({}, optional=VALUES))
@settings(max_examples=10)
def test_what_is_asked_for_is_what_the_config_says(asked: dict[str, Any]) -> None:
    overrides = [f"{key}={as_typed(value)}" for key, value in asked.items()]
    config = flat(as_dict(validate(composed(*HERE, *overrides)).config))
    assert config == DEFAULTS | asked


@given(order=st.permutations(["optimizer=adam", "optimizer.lr=0.5", "model=sigmoid_mlp", "model.hidden=[7]"]))
@settings(max_examples=6)
def test_the_order_on_the_command_line_does_not_matter(order: list[str]) -> None:
    config = validate(composed(*order)).config
    assert (config.optimizer.lr, config.model.hidden, config.model.name) == (0.5, (7,), "sigmoid_mlp")


def test_the_command_line_wins_over_a_preset_and_a_preset_over_the_groups() -> None:
    embedded = ["data=mnist_5k", "data.split.strategy=random"]
    preset = validate(composed("experiment=keras_mlp", *embedded)).config
    assert (preset.optimizer.lr, preset.trainer.batch_size, preset.data.name) == (0.01, 50, "mnist_5k")
    changed = validate(composed("optimizer.lr=0.3", "experiment=keras_mlp", *embedded)).config
    assert changed.optimizer.lr == 0.3


@pytest.mark.parametrize("exchanged", ["optimizer=adam", "regularizer=none", "schedule=constant", "model=sigmoid_mlp"])
def test_a_part_of_a_preset_can_be_exchanged(exchanged: str) -> None:
    group, _, name = exchanged.partition("=")
    raw = composed("experiment=keras_mlp", exchanged, "data=mnist_5k", "data.split.strategy=random")
    assert as_dict(validate(raw).config)[group]["name"] == name


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        # ../shared/systems.md, as published.
        ("keras_mlp", {"model.hidden": [300, 50], "optimizer.lr": 0.01, "optimizer.momentum": 0.9}),
        ("toy", {"model.hidden": [4], "model.bias": False, "trainer.epochs": 500, "trainer.batch_size": 1}),
        ("network_30", {"model.hidden": [30], "optimizer.lr": 3.0, "trainer.batch_size": 10}),
        ("network_100", {"model.hidden": [100], "optimizer.lr": 3.0, "trainer.epochs": 30}),
        ("column_mlp", {"model.hidden": [50], "trainer.batch_size": "full", "model.init": "he_normal"}),
        ("network_100_entropy", {"model.loss": "binary_cross_entropy", "optimizer.lr": 0.5}),
    ],
)
def test_a_preset_is_the_published_system(preset: str, expected: dict[str, Any]) -> None:
    config = flat(composed(f"experiment={preset}"))
    assert {key: config[key] for key in expected} == expected


def test_the_environment_says_where_runs_and_the_store_go(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (composed()["runs_dir"], composed()["tracking"]["uri"]) == ("runs", None)
    monkeypatch.setenv("NNLAB_RUNS_DIR", "my runs")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert (composed()["runs_dir"], composed()["tracking"]["uri"]) == ("my runs", "http://127.0.0.1:5000")


def test_the_split_follows_the_run_only_where_it_is_told_to() -> None:
    fixed = [validate(composed("data=digits", f"seed={seed}")) for seed in (0, 1)]
    first, second = (load(config.data, seed=config.seed) for config, _ in fixed)
    assert first.test.index.tolist() == second.test.index.tolist()
    following = [validate(composed("data=digits", f"seed={seed}", "data.split.seed=null")) for seed in (0, 1)]
    first, second = (load(config.data, seed=config.seed) for config, _ in following)
    assert first.test.index.tolist() != second.test.index.tolist()


def test_auto_threads_are_a_number_in_the_config_that_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnlab.config.validate.usable_cores", lambda: 4)
    (small,) = compose_jobs(["data=digits", "trainer.threads=auto"], multirun=False)
    assert small.config.trainer.threads == 1
    # 64 * 2000 * 2000 multiplications are worth more than four threads.
    large = ["data=digits", "trainer.threads=auto", "trainer.batch_size=64", "model.hidden=[2000,2000]"]
    assert compose_jobs(large, multirun=False)[0].config.trainer.threads == 4
