"""What samplers are told of trials: a failure is as bad as the worst that anything else has shown."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState
from searching import NUMBERS
from sweeping import EPOCHS, finished, in_memory, run_one, study_in, sweep_settings

from nnlab.tuning.search.ordinals import Ordinals
from nnlab.tuning.search.samplers import TPE, Random
from nnlab.tuning.search.seen import SeenTrials, Worst
from nnlab.tuning.study import Study
from nnlab.tuning.trials import Outcome

LR = "optimizer.lr"


def seen(objectives: Sequence[str] = ("val/loss",)) -> SeenTrials:
    return SeenTrials("a-study", objectives, optuna.pruners.NopPruner(), Ordinals.none(NUMBERS))


def made(number: int, state: TrialState, values: list[float] | None = None, status: str = "") -> FrozenTrial:
    axes: dict[str, BaseDistribution] = {axis.name: axis.distribution for axis in NUMBERS.dimensions}
    params: dict[str, Any] = {
        LR: 0.01,
        "trainer.batch_size": 16,
        "model.width.0": 8,
        "model.dropout": 0.1 + number % 39 / 99,
    }
    trial = optuna.trial.create_trial(
        state=state,
        values=values,
        params=params,
        distributions=axes,
        user_attrs={"outcome": {"status": status}} if status else {},
        system_attrs={"tpe:relative_params:0": "{}", "nnlab:generation": 1},
    )
    trial.number = number
    return trial


class Looking(optuna.samplers.RandomSampler):
    """Keeps what it is shown."""

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self.trials = study.get_trials(deepcopy=False)[:-1]


def shown(trials: SeenTrials) -> list[FrozenTrial]:
    sampler = Looking(seed=1)
    trials.draw(sampler)
    return sampler.trials


FAIL, COMPLETE, PRUNED, RUNNING = TrialState.FAIL, TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING


def told(trials: SeenTrials) -> list[list[float] | None]:
    return [trial.values for trial in shown(trials)]


def test_a_failure_has_the_worst_value_of_now_and_of_no_other_time() -> None:
    trials = seen()
    trials.note(made(0, FAIL))
    assert (told(trials), shown(trials)[0].state) == ([None], FAIL), "nobody knows how bad is bad"
    trials.note(made(1, COMPLETE, [2.0]))
    assert told(trials) == [[2.0], [2.0]]
    trials.note(made(2, COMPLETE, [5.0]))
    trials.note(made(3, FAIL))
    trials.note(made(4, COMPLETE, [math.inf]))
    trials.note(made(5, PRUNED, [7.0]))
    assert told(trials) == [[5.0], [2.0], [5.0], [5.0], [math.inf], [7.0]]
    assert [trial.state for trial in shown(trials)] == [COMPLETE] * 5 + [PRUNED]


def test_a_value_that_changes_is_seen_as_it_is_now() -> None:
    trials = seen()
    trials.note(made(0, COMPLETE, [9.0]))
    trials.note(made(1, FAIL))
    assert told(trials) == [[9.0], [9.0]]
    trials.note(made(0, COMPLETE, [3.0]))
    trials.note(made(2, RUNNING))
    assert told(trials) == [[3.0], [3.0], None]


def test_what_is_made_large_is_worst_where_it_is_smallest_and_each_objective_has_its_own_worst() -> None:
    trials = seen(("val/accuracy", "parameters"))
    for number, values in enumerate(([0.9, 100.0], [0.5, 10.0])):
        trials.note(made(number, COMPLETE, values))
    trials.note(made(2, FAIL))
    assert told(trials)[2] == [0.5, 100.0]


def test_a_trial_that_went_over_its_limits_is_a_failure_to_samplers() -> None:
    trials = seen()
    trials.note(made(0, COMPLETE, [4.0]))
    trials.note(made(1, PRUNED, [0.1], status="over_limit"))
    trials.note(made(2, PRUNED, [0.2], status="pruned"))
    assert told(trials) == [[4.0], [4.0], [0.2]]


def test_a_draw_leaves_nothing_and_optunas_own_notes_are_not_shown() -> None:
    trials = seen()
    trials.note(made(0, COMPLETE, [4.0]))
    before = copy.deepcopy(shown(trials))
    first = trials.draw(Random().make(7, 1, NUMBERS))
    trials.draw(TPE(startup_trials=0).make(7, 1, NUMBERS))
    assert trials.draw(Random().make(7, 1, NUMBERS)) == first
    assert shown(trials) == before
    assert before[0].system_attrs == {"nnlab:generation": 1}


def diverges_above(limit: float) -> Any:
    return lambda trial: Outcome("diverged", "nan") if trial.params[LR] > limit else finished(trial)


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_a_region_that_diverges_is_left(sampler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of the rates diverge, and right below them is the best: of the later trials, how many are lost."""
    learned = _lost(sampler)
    monkeypatch.setattr(Worst, "values", None)
    assert learned < 0.7 * _lost(sampler)


def _lost(sampler: str) -> int:
    lost = 0
    for seed in range(2):
        storage = in_memory()
        study = study_in(storage, sweep_settings(sampler=sampler), seed=seed)
        ended = [run_one(study, storage, diverges_above(0.1)) for _ in range(40)]
        lost += sum(trial.state == FAIL for trial in ended[15:])
    return lost


@pytest.mark.parametrize("objective", ["val/loss", "val/accuracy", ["val/accuracy", "parameters"]])
def test_a_study_that_is_cut_between_failures_proposes_the_same(objective: Any) -> None:
    settings = sweep_settings(objective=objective, sampler_options={"startup_trials": 4})
    whole, cut = in_memory(), in_memory()
    undisturbed = study_in(whole, settings)
    for _ in range(16):
        ended = run_one(undisturbed, whole, diverges_above(0.05))
        again = run_one(Study("a-study", cut, settings, NUMBERS, 7, EPOCHS), cut, diverges_above(0.05))
        assert (ended.params, ended.state, ended.values) == (again.params, again.state, again.values)
    assert {trial.state for trial in undisturbed.trials} == {FAIL, COMPLETE}
