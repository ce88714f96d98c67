"""`docs/search_spaces.md`: its commands compose, the space is the one that is shown, and such a study runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from nnlab.config.problems import ConfigError
from nnlab.tuning.planning import make_plan
from nnlab.tuning.run_study import run_study
from nnlab.tuning.search.words import space_lines
from nnlab.tuning.stored_study import StoredStudy
from nnlab.tuning.trials import Asked

TEXT = (Path(__file__).parents[2] / "docs" / "search_spaces.md").read_text(encoding="utf-8")
BLOCKS = [block.replace("\\\n", " ") for block in re.findall(r"((?:^ {4}.*\n)+)", TEXT, re.MULTILINE)]
COMMANDS = [shlex.split(block)[3:] for block in BLOCKS if "nnlab.sweep" in block]
ADAM = {"optimizer.beta1"}
MOMENTUM = {"optimizer.momentum"}


def overrides(command: list[str], folder: Path) -> list[str]:
    places = [f"runs_dir={folder}", "tracking.enabled=false", "tracking.plots=false"]
    return [*(text for text in command if text != "--dry-run"), *places]


def test_its_commands_compose(tmp_path: Path) -> None:
    assert len(COMMANDS) == 2
    assert all(make_plan(overrides(command, tmp_path)) for command in COMMANDS)


def test_the_space_of_its_example_is_the_one_that_it_shows(tmp_path: Path) -> None:
    (shown,) = [block for block in BLOCKS if "only with" in block]
    lines = [tuple(re.split(r" {2,}", line.strip(), maxsplit=1)) for line in shown.splitlines()]
    assert space_lines(make_plan(overrides(COMMANDS[1], tmp_path)).space) == lines


def test_what_it_says_of_single_values_and_of_keys_that_no_choice_has(tmp_path: Path) -> None:
    example = overrides(COMMANDS[1], tmp_path)
    plan = make_plan([*example, "optimizer.beta2=0.9"])
    assert plan.configs.at({"optimizer": "adam"})["optimizer"]["beta2"] == 0.9
    assert "beta2" not in plan.configs.at({"optimizer": "momentum"})["optimizer"]
    with pytest.raises(ConfigError, match=r"schedule\.floor"):
        make_plan([*example, "schedule=constant,step", "schedule.floor=interval(0, 0.1)"])


@pytest.mark.parametrize("sampler", ["grid", "cmaes"])
def test_samplers_that_it_names_refuse_such_a_space(sampler: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs every key in every trial"):
        make_plan([*overrides(COMMANDS[1], tmp_path), f"sweep.sampler={sampler}"])


@pytest.mark.slow
def test_its_example_runs(tmp_path: Path) -> None:
    small = ["trainer.epochs=1", "data.limit=100", "sweep.trials=8", "sweep.workers=1", "sweep.name=study"]
    plan = make_plan([*overrides(COMMANDS[1], tmp_path), "trainer.batch_size=50", *small])
    assert run_study(plan, command=["python"]).status == "finished"
    trials = StoredStudy.open("study", [f"runs_dir={tmp_path}"]).trials
    choices = set()
    for trial in trials:
        values = Asked.of(trial).values
        assert (ADAM | MOMENTUM) & values.keys() == (ADAM if values["optimizer"] == "adam" else MOMENTUM)
        assert ("regularizer.strength" in values) == (values["regularizer"] == "l2")
        choices.add(values["optimizer"])
    assert len(trials) == 8
    assert choices == {"adam", "momentum"}
