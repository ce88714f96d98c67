"""The command line that repeats a config composes to that config, whatever stands in it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest
from composing import WRITABLE, choices, composed
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_composition import VALUES
from test_config_files import choice_names, overrides_for

from nnlab.config.jobs import compose_jobs
from nnlab.config.problems import as_typed
from nnlab.config.quoting import as_override
from nnlab.config.repeat import overrides_of
from nnlab.config.schema import Config
from nnlab.config.validate import validate

PLACE = str(WRITABLE / "else")
ELSEWHERE = [f"runs_dir={PLACE}", "tracking.enabled=false"]


def config_of(*overrides: str) -> Config:
    (job,) = compose_jobs(list(overrides), multirun=False)
    return job.config


def with_places_of(config: Config, other: Config) -> Config:
    """The config but for where things are kept, and how often."""
    trainer = replace(config.trainer, checkpoint_seconds=other.trainer.checkpoint_seconds)
    return replace(config, runs_dir=other.runs_dir, tracking=other.tracking, trainer=trainer)


def check_repeats(config: Config) -> None:
    overrides = overrides_of(config)
    repeated = config_of(*overrides, *ELSEWHERE)
    assert repeated == with_places_of(config, repeated)
    assert repeated.runs_dir == PLACE
    # As a person pastes it from MLflow into a shell.
    assert shlex.split(shlex.join(overrides)) == overrides


@pytest.mark.parametrize("choice", choice_names())
def test_every_choice_is_repeated(choice: str) -> None:
    check_repeats(validate(composed(*overrides_for(choice))).config)


@given(asked=st.fixed_dictionaries({}, optional=VALUES), optimizer=st.sampled_from(choices("optimizer")))
@settings(max_examples=8)
def test_any_values_are_repeated(asked: dict[str, Any], optimizer: str) -> None:
    check_repeats(config_of(f"optimizer={optimizer}", *(f"{key}={as_typed(value)}" for key, value in asked.items())))


DIGITS = config_of("data=digits")
ODD = st.text(st.sampled_from("ab01 '\"=,\\${}[]():;.~!?*%@+-#|<>&/\t\näß日"), min_size=1, max_size=8)


@given(name=ODD.filter(lambda text: text != "???"))
@settings(max_examples=12)
@example(name="true")
@example(name="1e5")
@example(name="null")
@example(name="${oc.env:HOME}")
@example(name="\\${model.loss}")
@example(name="it's \\")
@example(name="\\'")
@example(name="../data/toy")
@example(name="sigmoid_mlp")
def test_any_text_is_repeated(name: str) -> None:
    check_repeats(replace(DIGITS, model=replace(DIGITS.model, name=name)))


@given(rate=st.floats(min_value=0, exclude_min=True, allow_infinity=False))
@settings(max_examples=8)
@example(rate=5e-324)
@example(rate=1e22)
@example(rate=0.1 + 0.2)
def test_a_number_is_repeated_to_its_last_bit(rate: float) -> None:
    check_repeats(replace(DIGITS, optimizer=replace(DIGITS.optimizer, lr=rate)))  # type: ignore[type-var]


def test_defaults_are_left_out_and_choices_come_first() -> None:
    assert overrides_of(config_of()) == []
    assert overrides_of(config_of("data=digits", "optimizer=adam", "optimizer.lr=0.001")) == [
        "optimizer=adam",
        "data=digits",
    ]
    config = config_of("optimizer.momentum=0.5", "optimizer=momentum", "trainer.epochs=3", "trainer.patience=2")
    assert overrides_of(config) == [
        "optimizer=momentum",
        "optimizer.momentum=0.5",
        "trainer.epochs=3",
        "trainer.patience=2",
    ]


def test_null_and_lists_are_written_as_hydra_reads_them() -> None:
    overrides = overrides_of(config_of("model.hidden=[]", "schedule=cosine", "model.output_units=10"))
    assert {"model.hidden=[]", "model.output_units=10", "schedule=cosine"} <= set(overrides)
    assert as_override("data.limit", None) == "data.limit=null"
    assert as_override("data.root", "/a b/c") == 'data.root="/a b/c"'
    assert as_override("data.root", "/a/b-c_d.csv") == "data.root=/a/b-c_d.csv"
