"""The keys under `sweep`: what they become, and what is said of wrong ones."""

from __future__ import annotations

from typing import Any

import pytest
from expected_problems import ExpectedProblem, says

from nnlab.config.problems import ConfigProblem
from nnlab.tuning.search.pruners import PRUNERS, Hyperband, Median, NoPruner
from nnlab.tuning.search.samplers import QMC, SAMPLERS, TPE
from nnlab.tuning.search.settings import SweepSettings, as_plain, direction, read_sweep

WRITTEN: dict[str, Any] = {
    "trials": 30,
    "workers": None,
    "sampler": "tpe",
    "sampler_options": {},
    "pruner": "none",
    "pruner_options": {},
    "objective": "val/loss",
    "storage": None,
    "name": None,
    "resume": None,
    "at": "best",
    "seeds": 1,
    "deterministic": False,
    "on_failure": "continue",
    "retries": 3,
    "confirm": None,
    "confirm_seeds": 5,
    "repeat_duplicates": False,
    "plots": "winner",
    "seconds": None,
    "until": None,
    "patience": None,
    "trial_seconds": None,
    "trial_memory": None,
    "constraint": None,
    "first": None,
    "from": None,
    "race": False,
}


def read(**changes: Any) -> SweepSettings:
    settings, problems = read_sweep(WRITTEN | changes)
    assert problems == []
    assert settings is not None
    return settings


def problems_of(**changes: Any) -> list[ConfigProblem]:
    settings, problems = read_sweep(WRITTEN | changes)
    assert settings is None
    return problems


def test_a_sampler_and_a_pruner_by_name_have_their_default_options() -> None:
    settings = read(sampler="qmc", pruner="median")
    assert settings.sampler == QMC(sequence="sobol", scramble=True)
    assert settings.pruner == Median(startup_trials=5, warmup_epochs=None, interval=1)


def test_options_stand_beside_the_name_or_with_it() -> None:
    beside = read(sampler="tpe", sampler_options={"startup_trials": 5})
    assert beside == read(sampler={"name": "tpe", "startup_trials": 5})
    assert beside.sampler == TPE(startup_trials=5)


def test_one_objective_may_stand_without_a_list() -> None:
    assert read(objective="val/accuracy").objectives == ("val/accuracy",)
    assert read(objective=["val/accuracy", "seconds"]).objectives == ("val/accuracy", "seconds")


def test_only_accuracy_is_to_be_large() -> None:
    assert [direction(name) for name in ("val/loss", "val/accuracy", "parameters", "seconds")] == [
        "minimize",
        "maximize",
        "minimize",
        "minimize",
    ]


@pytest.mark.parametrize(
    ("on_failure", "allowed"), [("continue", None), ("stop", 1), ("stop_after_1", 1), ("stop_after_12", 12)]
)
def test_failures_that_end_a_study_are_counted(on_failure: str, allowed: int | None) -> None:
    assert read(on_failure=on_failure).failures_allowed == allowed


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("pruner", PRUNERS)
def test_settings_read_back_from_their_plain_values_with_every_option_spelt_out(sampler: str, pruner: str) -> None:
    settings = read(sampler=sampler, pruner=pruner, objective=["val/loss", "parameters"], name="a-study.1")
    plain = as_plain(settings)
    assert set(plain) == set(WRITTEN)
    assert (plain["sampler"], plain["pruner"]) == (sampler, pruner)
    assert read_sweep(plain) == (settings, [])


def test_the_plain_values_name_every_option() -> None:
    plain = as_plain(read(pruner="hyperband"))
    assert plain["pruner_options"] == {"min_epochs": 1, "max_epochs": None, "reduction_factor": 3}
    assert plain["objective"] == "val/loss"
    assert read().pruner == NoPruner()
    assert read(pruner="hyperband", pruner_options={"max_epochs": 9}).pruner == Hyperband(max_epochs=9)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"trails": 3}, says("sweep.trails=3", "sweep.trials")),
        ({"trials": 0}, says("sweep.trials=0", "1", "1")),
        ({"workers": "two"}, says("sweep.workers=two", "", "whole number or null")),
        (
            {"sampler": "tpee"},
            says("sweep.sampler=tpee", "sweep.sampler=tpe", "tpe, mixed, random, grid, cmaes, gp, qmc"),
        ),
        (
            {"sampler": ["tpe"]},
            says("sweep.sampler=[tpe]", "sweep.sampler=tpe", "tpe, mixed, random, grid, cmaes, gp, qmc"),
        ),
        (
            {"pruner": None},
            says("sweep.pruner=null", "sweep.pruner=none", "none, median, hyperband, asha, wilcoxon"),
        ),
        (
            {"sampler_options": {"scramble": True}},
            says(
                "sweep.sampler_options.scramble=true",
                "sweep.sampler=qmc",
                "sweep.sampler=tpe",
                "startup_trials, candidates",
            ),
        ),
        (
            {"sampler_options": {"startup_trial": 3}},
            says("sweep.sampler_options.startup_trial=3", "sweep.sampler_options.startup_trials", "sweep.sampler=tpe"),
        ),
        (
            {"pruner": "asha", "pruner_options": {"p_threshold": 0.1}},
            says("sweep.pruner_options.p_threshold=0.1", "sweep.pruner=wilcoxon", "sweep.pruner=asha"),
        ),
        (
            {"sampler": {"name": "qmc", "sequence": "sobo"}},
            says("sweep.sampler_options.sequence=sobo", "sobol", "sobol, halton"),
        ),
        ({"sampler_options": 5}, says("sweep.sampler_options=5", "", "group")),
        (
            {"objective": "val/los"},
            says("sweep.objective=[val/los]", "[val/loss]", "0"),
        ),
        (
            {"objective": ["val/accuracy", "test/accuracy"]},
            says("sweep.objective=[val/accuracy,test/accuracy]", "[val/accuracy,val/accuracy]", "1"),
        ),
        (
            {"name": "../elsewhere"},
            says("sweep.name=../elsewhere", "", "80"),
        ),
        (
            {"on_failure": "stop_after_0"},
            says("sweep.on_failure=stop_after_0", "", "stop_after_3"),
        ),
    ],
)
def test_a_wrong_setting_is_reported_with_the_key_as_it_is_typed(
    changes: dict[str, Any], problem: ExpectedProblem
) -> None:
    assert problems_of(**changes) == [problem]


@pytest.mark.parametrize("name", ["a", "2026-11-22_mnist.1", "x" * 80])
def test_a_plain_name_is_a_study_s_name(name: str) -> None:
    assert read(name=name).name == name


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "-rf", "a/b", "a b", "a\n", "ü", "x" * 81])
def test_what_is_no_folder_s_name_is_no_study_s_name(name: str) -> None:
    (problem,) = problems_of(name=name)
    assert (problem.key, problem.value) == ("sweep.name", name)
    assert "a folder name" in problem.rule


def test_every_key_has_to_be_given_and_all_problems_are_reported_at_once() -> None:
    settings, problems = read_sweep({"trials": 0, "pruner": "none"})
    assert settings is None
    keys = {problem.key.removeprefix("sweep.") for problem in problems}
    assert keys == set(WRITTEN) - {"pruner", "sampler_options", "pruner_options"}


@pytest.mark.parametrize(
    ("text", "seconds"), [("10min", "600"), ("1.5 h", "5400"), ("2 Hours", "7200"), ("90s", "90"), ("1d", "86400")]
)
@pytest.mark.parametrize("key", ["seconds", "trial_seconds"])
def test_a_time_with_a_unit_is_refused_with_its_seconds(key: str, text: str, seconds: str) -> None:
    (problem,) = read_sweep(WRITTEN | {key: text})[1]
    assert (problem.key, problem.nearest) == (f"sweep.{key}", seconds)


@pytest.mark.parametrize("text", ["min", "1.2.3min", "10 parsecs", "-5min", "0min"])
def test_a_time_that_is_none_has_no_seconds(text: str) -> None:
    (problem,) = read_sweep(WRITTEN | {"seconds": text})[1]
    assert (problem.key, problem.nearest) == ("sweep.seconds", "")
