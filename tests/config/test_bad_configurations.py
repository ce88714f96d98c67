"""What people get wrong on the command line, and what is reported: key, value, facts and remedy are the contract."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from expected_problems import ExpectedProblem
from mistakes_in_a_key import OUT_OF_RANGE, UNKNOWN_CHOICES, UNKNOWN_KEYS, WRONG_TYPES
from mistakes_together import COMBINATIONS, DATA, GRAMMAR_AND_SWEEPS

from nnlab.config.jobs import compose_jobs
from nnlab.config.problems import ConfigError

ALL = [
    *UNKNOWN_KEYS,
    *WRONG_TYPES,
    *OUT_OF_RANGE,
    *UNKNOWN_CHOICES,
    *COMBINATIONS,
    *DATA,
    *GRAMMAR_AND_SWEEPS,
]


@pytest.mark.parametrize(("overrides", "problems"), ALL)
def test_a_bad_configuration_is_reported_with_key_value_facts_and_remedy(
    overrides: list[str], problems: tuple[ExpectedProblem, ...]
) -> None:
    with pytest.raises(ConfigError, match="nothing was started") as caught:
        compose_jobs(overrides, multirun=False)
    assert caught.value.problems == problems


def test_problems_are_rendered_one_per_line_with_rule_and_remedy() -> None:
    overrides = ["optimizer.lr=-1", "batch_size=64", "model=mpl", "optimizer.momentum=0.9", "trainer.epochs=2.5"]
    with pytest.raises(ConfigError, match="has 5 problems") as caught:
        compose_jobs(overrides, multirun=False)
    assert str(caught.value) == (
        "The configuration has 5 problems; nothing was started.\n"
        "  model=mpl: must be one of mlp, sigmoid_mlp, toy. Nearest valid: model=mlp.\n"
        "  batch_size=64: is not a key of the configuration. Nearest valid: trainer.batch_size.\n"
        "  optimizer.momentum=0.9: is not a key of optimizer=sgd, which has lr. "
        "Nearest valid: optimizer=momentum or nesterov.\n"
        "  optimizer.lr=-1: must be above 0. Nearest valid: a value above 0.\n"
        "  trainer.epochs=2.5: must be a whole number."
    )


def test_data_that_is_not_there_is_named_with_the_folder_that_paths_start_from(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    message = f"data=idx: `data.root={gone}` must be a path that can be read, but: No such file or directory."
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        compose_jobs(["data=idx", f"data.root={gone}"], multirun=False)
    assert f"Relative paths start from the current folder, {Path.cwd()}" in str(caught.value)


@pytest.mark.parametrize(
    "overrides",
    [
        ["model.loss=half_squared_error"],
        ["model.loss=mean_squared_error"],
        ["model.hidden=[]"],
        ["trainer.batch_size=full", "trainer.patience=2"],
        ["model=toy", "data=toy"],
        ["+seed=3", "++optimizer.lr=1"],
        ["optimizer={lr: 3}"],
    ],
    ids=" ".join,
)
def test_unusual_but_meaningful_settings_are_allowed(overrides: list[str]) -> None:
    compose_jobs(overrides, multirun=False)


def test_all_problems_of_one_command_are_told_together() -> None:
    overrides = [
        "optimizer.lrr=1",
        "model=mpl",
        "model.dropout=2",
        "trainer.epochs=0",
        "trainer.batch_size=9999",
        "seed=0,1",
        "runs_dir=/proc/nowhere",
    ]
    with pytest.raises(ConfigError, match="has 7 problems") as caught:
        compose_jobs(overrides, multirun=False)
    assert {problem.key for problem in caught.value.problems} == {
        "optimizer.lrr",
        "model",
        "model.dropout",
        "trainer.epochs",
        "trainer.batch_size",
        "seed",
        "runs_dir",
    }


def test_the_problems_of_all_jobs_of_a_multirun_are_told_together_and_once_each() -> None:
    with pytest.raises(ConfigError, match="has 4 problems") as caught:
        compose_jobs(["optimizer.lr=0.1,-1,-2", "optimizer=sgd,adamm", "trainer.epochs=0"], multirun=True)
    found = sorted((problem.key, problem.value) for problem in caught.value.problems)
    assert found == [
        ("optimizer", "adamm"),
        ("optimizer.lr", -2),
        ("optimizer.lr", -1),
        ("trainer.epochs", 0),
    ]


def test_only_the_bad_job_of_a_multirun_is_reported() -> None:
    with pytest.raises(ConfigError, match=re.escape("optimizer.lr=-1: must be above 0.")) as caught:
        compose_jobs(["optimizer.lr=0.1,-1"], multirun=True)
    assert len(caught.value.problems) == 1


def test_an_experiment_needs_a_name() -> None:
    with pytest.raises(ConfigError, match=r"tracking\.experiment='': must "):
        compose_jobs(["tracking.experiment="], multirun=False)


def test_a_key_that_is_empty_is_no_group() -> None:
    with pytest.raises(ConfigError, match=r"command line: must be written as key=value, but got =3"):
        compose_jobs(["=3"], multirun=False)


def test_a_wrong_group_is_named_by_the_key_that_was_typed() -> None:
    with pytest.raises(ConfigError, match=r"optimiser\.lr=0\.1: is not a key .* Nearest valid: optimizer\.lr\."):
        compose_jobs(["optimiser.lr=0.1"], multirun=False)


def test_a_tracking_address_that_mlflow_refuses_is_reported_with_the_other_problems() -> None:
    with pytest.raises(ConfigError, match="has 2 problems") as caught:
        compose_jobs(["tracking.uri=./mlruns", "optimizer.lr=-1"], multirun=False)
    assert "MLflow no longer keeps runs in plain folders" in str(caught.value)
