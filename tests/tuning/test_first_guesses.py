"""`sweep.first`: where the guesses come from, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from planning import DIGITS, plan, problems
from searching import FINITE, NUMBERS, space_of
from sweeping import finished, in_memory, journal_storage, run_one, study_in, sweep_settings

from nnlab.batch import compose
from nnlab.config.overrides import parser
from nnlab.config.problems import ConfigError
from nnlab.errors import UserError
from nnlab.execution.run import run
from nnlab.tuning.search.first import default_point, first_guesses
from nnlab.tuning.search.guess import Guess, check_guesses, given_guess, mapping_problems
from nnlab.tuning.study import Study
from nnlab.tuning.trials import Asked

RATE = "optimizer.lr=tag(log, interval(0.01, 1))"
SGD = ["optimizer=sgd", "model.hidden=[8]", "trainer.batch_size=32"]


OF_PRESET = space_of(
    {
        "optimizer.lr": "tag(log, interval(0.003, 0.3))",
        "trainer.batch_size": "choice(16, 32, 64, 128)",
        "model.depth": "range(1, 4)",
        "model.width": "choice(32, 64, 128, 256)",
    }
)


def read_items(override: str) -> Any:
    return parser().parse_override(override).value()


def guesses(*arguments: str) -> list[tuple[str, dict[str, Any]]]:
    return [(guess.source, guess.params) for guess in first_guesses(plan(*arguments)).guesses]


@pytest.mark.parametrize("preset", ["mlp", "sigmoid_mlp", "toy", "records"])
def test_the_default_of_a_preset_is_a_point_of_its_space(preset: str) -> None:
    made = plan(f"sweep={preset}", *(["data=toy"] if preset == "toy" else []))
    point = default_point(made)
    assert point.is_exact
    without_search = made.configs.at({})
    for key, value in made.space.values(point.params).items():
        group, name = key.split(".")
        assert without_search[group][name] == value


def test_presets_begin_with_their_default_and_a_study_without_one_need_not() -> None:
    ((source, params),) = guesses()
    assert source == "default"
    # conf/model/mlp.yaml, conf/optimizer/momentum.yaml, conf/config.yaml
    shape = {"model.depth": 2, "model.width.0": 128, "model.width.1": 64}
    assert params == {**shape, "optimizer.lr": 0.01, "trainer.batch_size": 32}
    assert guesses("sweep.first=null") == []


def test_a_default_outside_of_the_space_gives_the_nearest_point_and_says_so() -> None:
    first = first_guesses(plan(*SGD, "optimizer.lr=interval(0.5,1)", "trainer.epochs=range(1,5)"))  # of 0.1 and 15
    assert first.guesses == [Guess(0, "default", {"optimizer.lr": 0.5, "trainer.epochs": 4})]
    (note,) = first.notes
    assert all(fact in note for fact in ("trial 0", "optimizer.lr=0.5", "0.1", "trainer.epochs=4", "15"))


def test_what_no_value_is_near_is_drawn_and_said() -> None:
    first = first_guesses(plan(*SGD, RATE, "trainer.clip_norm=interval(0.1,10)"))  # null in conf/config.yaml
    assert first.guesses == [Guess(0, "default", {"optimizer.lr": 0.1})]
    assert "trainer.clip_norm" in first.notes[0]


def test_the_default_of_a_searched_group_has_the_values_of_that_choice() -> None:
    ((_, params),) = guesses(
        "optimizer=choice(sgd,momentum,adam)", "optimizer.momentum=interval(0.5,0.95)", "optimizer.lr=interval(0.001,1)"
    )
    assert params.items() >= {"optimizer": "momentum", "optimizer.momentum": 0.9, "optimizer.lr": 0.01}.items()
    ((_, other),) = guesses("optimizer=choice(adam,sgd)", "optimizer.lr=interval(0.001,1)")  # not the preset's
    assert other.items() >= {"optimizer": "adam", "optimizer.lr": 0.001}.items()


def test_guesses_come_in_the_order_in_which_they_are_given() -> None:
    found = guesses(*SGD, RATE, "sweep.first=[{optimizer.lr: 0.5}, default, {optimizer: {lr: 0.02}}]")
    assert found == [
        ("given", {"optimizer.lr": 0.5}),
        ("default", {"optimizer.lr": 0.1}),
        ("given", {"optimizer.lr": 0.02}),
    ]
    assert guesses(*SGD, RATE, "sweep.first={optimizer.lr: 0.5}") == found[:1]


def test_the_same_guess_twice_is_one() -> None:
    first = first_guesses(plan(*SGD, RATE, "sweep.first=[default,{optimizer.lr: 0.1},{optimizer.lr: 0.2}]"))
    assert [guess.params["optimizer.lr"] for guess in first.guesses] == [0.1, 0.2]
    assert [guess.trial for guess in first.guesses] == [0, 1]
    assert len(first.notes) == 1


@pytest.mark.parametrize(
    ("given", "params"),
    [
        ("{model.hidden: [64, 32]}", {"model.depth": 2, "model.width.0": 64, "model.width.1": 32}),
        ("{model.depth: 2, model.width: 64}", {"model.depth": 2, "model.width.0": 64, "model.width.1": 64}),
        ("{model.depth: 1}", {"model.depth": 1}),
        ("{model.width.0: 64}", {"model.width.0": 64}),
    ],
)
def test_depth_and_widths_may_be_given_in_any_form(given: str, params: dict[str, int]) -> None:
    (item,) = read_items(f"sweep.first=[{given}]")
    assert list(mapping_problems([item], OF_PRESET)) == []
    assert given_guess(item, OF_PRESET) == params


WRONG = {
    "{optimizer.lr: 5}": {"optimizer.lr=5", "interval(0.003, 0.3)"},
    "{optimizer.lr: fast}": {"optimizer.lr=fast"},
    "{trainer.batch_size: 33}": {"trainer.batch_size=33", "choice(16, 32, 64, 128)"},
    "{trainer.batch_size: true}": {"trainer.batch_size=true"},
    "{lr: 0.1}": {"lr", "not searched"},
    "{trainer.epochs: 5}": {"trainer.epochs", "not searched"},
    "{model.depth: 1, model.width.2: 64}": {"model.width.2", "model.depth"},
    "{model.width.2: 64}": {"model.width.2", "model.depth"},
    "{model.hidden: [64], model.depth: 1}": {"model.hidden", "model.depth"},
    "{model.hidden: [64, 500]}": {"model.width.1=500"},
    "{model.hidden: [64, 64, 64, 64]}": {"model.depth=4"},
    "{model.hidden: []}": {"model.depth=0"},
    "{model.hidden: 64}": {"model.hidden=64"},
    "{}": {"without any value"},
}


@pytest.mark.parametrize("given", WRONG)
def test_a_given_guess_outside_of_the_space_is_refused_with_one_inside(given: str) -> None:
    items = read_items(f"sweep.first=[default, {given}]")
    (problem,) = mapping_problems(items, OF_PRESET)
    assert problem.key == "sweep.first"
    assert all(fact in str(problem) for fact in WRONG[given]), str(problem)
    nearest = read_items(problem.nearest.strip("'"))
    assert nearest[0] == "default"
    assert list(mapping_problems(nearest, OF_PRESET)) == []


def test_a_given_guess_that_the_constraint_rules_out_is_refused_and_a_default_is_left_out() -> None:
    rule = ["sweep.sampler=random", RATE, *SGD, "sweep.constraint=optimizer.lr < 0.05"]
    for given in ("[{optimizer.lr: 0.06}]", "[default,{optimizer.lr: 0.06}]"):
        with pytest.raises(ConfigError, match=r"ruled out by sweep\.constraint"):
            first_guesses(plan(*rule, f"sweep.first={given}"))
    found = first_guesses(plan(*rule, "sweep.first=[default,{optimizer.lr: 0.04}]"))
    assert [(guess.trial, guess.source, guess.params) for guess in found.guesses] == [
        (0, "given", {"optimizer.lr": 0.04})
    ]
    assert any("default is left out" in note for note in found.notes)


def test_problems_of_guesses_are_reported_with_the_others() -> None:
    found = problems(
        "sweep.first=[{optimizer.lr: 5}, {trainer.batch_size: 1}]", "sweep.pruner=none", "sweep.confirm=99"
    )
    assert [problem.key for problem in found] == ["sweep.confirm", "sweep.first", "sweep.first"]


def test_a_run_gives_what_it_had(tmp_path: Path) -> None:
    here = [f"runs_dir={tmp_path}", "tracking.plots=false"]
    done = run(compose(*DIGITS, *here, "trainer.epochs=1", "model.hidden=[300,50]", "optimizer=adam", "optimizer.lr=3"))
    name = done.directory.name
    found = first_guesses(plan(*here, RATE, "optimizer=choice(adam,sgd)", f"sweep.first={name}"))
    shape = {"model.depth": 2, "model.width.0": 256, "model.width.1": 64}
    expected = {"optimizer": "adam", **shape, "optimizer.lr": 1.0, "trainer.batch_size": 32}
    assert found.guesses == [Guess(0, f"run {name}", expected)]
    assert all(fact in found.notes[0] for fact in ("model.width.0=256", "300", "model.width.1=64", "50"))


def test_a_run_that_is_not_there_is_a_problem_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sweep\.first=nobody.*runs_dir"):
        first_guesses(plan(f"runs_dir={tmp_path}", "sweep.first=nobody"))


GIVEN = [Guess(0, "given", {"optimizer.lr": 0.5, "model.dropout": 0.25}), Guess(2, "default", {"model.dropout": 0.0})]


def study_of(folder: Path, sampler: str = "tpe") -> Study:
    made = study_in(journal_storage(folder), sweep_settings(sampler=sampler))
    return Study("a-study", made.storage, made._settings, made._space, 7, 5, guesses=GIVEN)


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc", "cmaes"])
def test_a_trial_has_its_guess_and_the_sampler_draws_what_that_lacks(sampler: str, tmp_path: Path) -> None:
    study = study_of(tmp_path, sampler)
    for _ in range(4):
        run_one(study, study.storage, finished)
    asked = [Asked.of(trial) for trial in study.trials]
    assert [each.source for each in asked] == ["given", None, "default", None]
    assert (asked[0].values["optimizer.lr"], asked[0].values["model.dropout"]) == (0.5, 0.25)
    assert asked[2].values["model.dropout"] == 0.0
    assert all(each.values.keys() == asked[1].values.keys() for each in asked)
    assert len({each.values["trainer.batch_size"] for each in asked}) > 1


def test_a_study_that_is_opened_anew_for_each_trial_guesses_the_same(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    whole = study_of(tmp_path / "whole")
    for _ in range(4):
        run_one(whole, whole.storage, finished)
        cut = study_of(tmp_path / "cut")
        run_one(cut, cut.storage, finished)
    assert [trial.params for trial in cut.trials] == [trial.params for trial in whole.trials]
    assert [Asked.of(trial) for trial in cut.trials] == [Asked.of(trial) for trial in whole.trials]


@pytest.mark.parametrize("params", [{"optimizer.lr": 5.0}, {"optimizer.rate": 0.1}, {"optimizer.lr": "fast"}])
def test_a_guess_that_was_changed_in_the_file_is_found(params: dict[str, Any], tmp_path: Path) -> None:
    space = study_of(tmp_path)._space
    check_guesses(GIVEN, space)
    with pytest.raises(UserError, match="trial 3"):
        check_guesses([*GIVEN, Guess(3, "given", params)], space)


def test_a_grid_with_guesses_has_each_point_once() -> None:
    grid = sweep_settings(sampler="grid")
    points = [Guess(0, "default", {"trainer.batch_size": 32, "model.activation": "tanh", "model.dropout": 0.1})]
    points.append(Guess(1, "given", {"model.activation": "relu"}))
    study = Study("a-study", in_memory(), grid, FINITE, 7, 5, guesses=points)
    assert FINITE.size is not None
    values = [Asked.of(study.propose()).values for _ in range(FINITE.size)]
    assert values[0] == points[0].params
    assert values[1]["model.activation"] == "relu"
    assert len({str(sorted(each.items())) for each in values}) == FINITE.size


def test_a_guess_that_the_study_does_not_allow_is_left_to_the_sampler() -> None:
    def accepts(values: Any) -> bool:
        return bool(values["optimizer.lr"] < 0.4)

    study = Study("a-study", in_memory(), sweep_settings(), NUMBERS, 7, 5, guesses=GIVEN, accepts=accepts)
    asked = [Asked.of(study.propose()) for _ in range(3)]
    assert [each.source for each in asked] == [None, None, "default"]
    assert all(accepts(each.values) for each in asked)
