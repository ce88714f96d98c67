"""What a study proposes: the first acceptable of its sampler's draws, the same wherever it is cut."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from searching import CONDITIONAL, FINITE, FITTING, NUMBERS, searched, space_of
from sweeping import EPOCHS, in_memory, mixed, run_one, sweep_settings, work

from nnlab.tuning.search.proposer import NothingLeftError, Proposer
from nnlab.tuning.search.samplers import SAMPLERS, proposal_seed
from nnlab.tuning.search.space import Space
from nnlab.tuning.study import Study
from nnlab.tuning.trials import Asked, Outcome, TrialStatus

TINY = space_of({"trainer.batch_size": "choice(16, 32, 64)", "model.activation": "relu,tanh"})
QUICK = ("tpe", "random", "grid", "qmc", "cmaes")


def of_few_units(values: Mapping[str, Any]) -> bool:
    """A rule that about half of the points keep, in whatever space."""
    units: int = sum(values.get("model.hidden", []))
    return units + int(values.get("trainer.batch_size", 0)) <= 56


def study_of(space: Space, accepts: Callable[[Mapping[str, Any]], bool] | None = None, **changes: Any) -> Study:
    return Study("a-study", in_memory(), sweep_settings(**changes), space, 7, EPOCHS, accepts=accepts)


def values_of(study: Study) -> list[dict[str, Any]]:
    return [Asked.of(trial).values for trial in study.trials]


@pytest.mark.parametrize("name", QUICK)
def test_where_every_first_draw_is_accepted_they_are_what_the_sampler_alone_proposes(name: str) -> None:
    space = NUMBERS if name != "grid" else FINITE
    study = study_of(space, sampler=name)
    for _ in range(14):
        run_one(study, study.storage, lambda trial: mixed(trial) if trial.number % 4 != 3 else _good(trial))
    alone = searched(SAMPLERS[name](), space, 14, objective=lambda values: 0.0)
    first = 1 if name == "cmaes" else 10
    assert [trial.params for trial in study.trials][:first] == [trial.params for trial in alone.trials][:first]
    assert {Asked.of(trial).draws for trial in study.trials} == {0}


def _good(trial: Any) -> Outcome:
    return Outcome("finished", scores={"val/loss": 1.0, "val/accuracy": 0.5})


@pytest.mark.parametrize("name", ["tpe", "random", "qmc", "grid"])
def test_a_finite_space_is_used_up_without_a_repetition(name: str) -> None:
    study = study_of(TINY, sampler=name)
    while study.propose_batch(1):
        pass
    points = {(each["trainer.batch_size"], each["model.activation"]) for each in values_of(study)}
    assert points == set(itertools.product((16, 32, 64), ("relu", "tanh")))
    assert len(study.trials) == 6


@pytest.mark.parametrize("name", QUICK)
def test_what_is_ruled_out_is_not_proposed_and_a_cut_changes_nothing(name: str) -> None:
    options = {"sampler": name, "sampler_options": {"startup_trials": 3} if name == "tpe" else {}}
    settings = sweep_settings(**options)
    whole = study_of(FITTING[name], of_few_units, **options)
    cut = in_memory()
    for _ in range(10):
        resumed = Study("a-study", cut, settings, FITTING[name], 7, EPOCHS, accepts=of_few_units)
        ended = [run_one(study, study.storage) for study in (whole, resumed)]
        assert ended[0].params == ended[1].params
        assert Asked.of(ended[0]) == Asked.of(ended[1])
    assert all(map(of_few_units, values_of(whole)))
    assert any(Asked.of(trial).draws for trial in whole.trials)


@pytest.mark.parametrize("name", ["grid", "qmc"])
def test_planned_points_that_are_not_acceptable_are_passed_over_for_the_next_ones(name: str) -> None:
    study = study_of(FINITE, of_few_units, sampler=name)
    for _ in range(9):
        run_one(study, study.storage)
    plan = searched(SAMPLERS[name](), FINITE, 24)
    allowed = [FINITE.values(trial.params) for trial in plan.trials if of_few_units(FINITE.values(trial.params))]
    new = [each for place, each in enumerate(allowed) if each not in allowed[:place]]
    assert values_of(study)[:9] == new[:9]


def test_a_rule_that_no_point_satisfies_leaves_nothing() -> None:
    for space, why in ((TINY, "tried or ruled out"), (CONDITIONAL, "of 1,020 combinations")):
        study = study_of(space, lambda values: False)
        with pytest.raises(NothingLeftError, match=why):
            study.propose()
        assert study.propose_batch(2) == study.trials == []
        assert study.is_exhausted


def test_a_rule_that_few_points_satisfy_is_satisfied_by_points_at_random() -> None:
    study = study_of(NUMBERS, lambda values: values["optimizer.lr"] < 0.00103 and values["model.dropout"] < 0.49)
    trials = [run_one(study, study.storage, _good) for _ in range(3)]
    assert {Asked.of(trial).draws for trial in trials} == {20}
    assert len({str(trial.params) for trial in trials}) == 3


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_the_draws_of_a_study_that_grew_are_those_of_later_trials(sampler: str) -> None:
    numbers = sweep_settings(sampler=sampler)
    alone = searched(SAMPLERS[sampler](), NUMBERS, 6)
    grown = Proposer("a-study", numbers, NUMBERS, 7, EPOCHS, offset=5)
    assert grown.propose().params == alone.trials[5].params


def test_random_points_under_a_rule_differ_where_repetitions_are_wanted() -> None:
    def accepts(values: Mapping[str, Any]) -> bool:
        return bool(values["optimizer.lr"] < 0.00103 and values["model.dropout"] < 0.49)

    study = study_of(NUMBERS, accepts, repeat_duplicates=True)
    trials = [run_one(study, study.storage, _good) for _ in range(3)]
    assert {Asked.of(trial).draws for trial in trials} == {20}
    assert len({str(trial.params) for trial in trials}) == 3


def test_repetitions_that_are_wanted_do_not_go_past_a_rule() -> None:
    study = study_of(TINY, lambda values: values in TWO_POINTS, repeat_duplicates=True)
    assert len(study.propose_batch(8)) == 8
    assert all(each in TWO_POINTS for each in values_of(study))


TWO_POINTS = [
    {"trainer.batch_size": 16, "model.activation": "relu"},
    {"trainer.batch_size": 64, "model.activation": "tanh"},
]


def test_the_seeds_of_draws_differ() -> None:
    seeds = {proposal_seed(study, number, draw) for study in range(9) for number in range(9) for draw in range(20)}
    assert len(seeds) == 9 * 9 * 20


@pytest.mark.parametrize("status", ["failed", "pruned", "finished"])
def test_a_trial_that_was_there_before_is_not_proposed_whatever_became_of_it(status: TrialStatus) -> None:
    storage = in_memory()
    study = Study("a-study", storage, sweep_settings(), TINY, 7, EPOCHS)
    outcome = Outcome(status, scores={"val/loss": 1.0, "val/accuracy": 0.5})
    trial = study.propose()
    study.tell(trial, work(storage, trial, lambda trial: outcome))
    resumed = Study("a-study", storage, sweep_settings(), TINY, 7, EPOCHS)
    while resumed.propose_batch(2):
        pass
    assert len(resumed.trials) == 6


def test_guesses_of_others_take_no_point_of_a_plan() -> None:
    settings = sweep_settings(sampler="grid")
    proposer = Proposer("a-study", settings, FINITE, 7, EPOCHS)
    plan = [trial.params for trial in searched(SAMPLERS["grid"](), FINITE, 24).trials]
    study = study_of(FINITE, sampler="grid")
    trial = study.propose()
    trial.user_attrs["asked"] = {**trial.user_attrs["asked"], "source": "given"}
    proposer.note(trial)
    assert proposer.propose().params == plan[1], "the first was given"
    assert proposer.propose().draws == 1
