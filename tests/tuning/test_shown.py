"""Which of many trials samplers are shown: the best of all and the latest."""

from __future__ import annotations

import random
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState
from searching import NUMBERS
from sweeping import sweep_settings
from test_seen import Looking, made

from nnlab.tuning.search.ordinals import Ordinals
from nnlab.tuning.search.proposer import Proposer
from nnlab.tuning.search.samplers import TPE
from nnlab.tuning.search.seen import SeenTrials
from nnlab.tuning.search.shown import BEST, MOST, Shown

COMPLETE, PRUNED, FAIL = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL


def of(trials: list[FrozenTrial], most: int | None, signs: tuple[float, ...] = (1.0,)) -> list[int] | None:
    shown = Shown(signs, most)
    for trial in trials:
        shown.note(trial)
    found = shown.of(trials)
    return None if found is None else [trial.number for trial in found]


def scored(count: int) -> list[FrozenTrial]:
    values = random.Random(1).sample(range(1000), count)
    return [made(number, COMPLETE, [float(value)]) for number, value in enumerate(values)]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_beyond_the_bound_they_are_the_best_of_all_and_the_latest(sign: float) -> None:
    trials = scored(200)
    best = sorted(trials, key=lambda trial: sign * trial.values[0])[:BEST]
    latest = trials[200 - (60 - BEST) :]
    expected = sorted({trial.number for trial in (*best, *latest)})
    assert of(trials, 60, (sign,)) == expected


def test_up_to_the_bound_and_without_one_all_are_shown() -> None:
    trials = scored(60)
    assert of(trials, 60) is of(trials, None) is None
    assert of(trials, 59) is not None


def test_of_pruned_trials_those_are_best_that_came_further_and_failed_ones_never_are() -> None:
    trials = [made(number, FAIL) for number in range(100)]
    trials[3], trials[5], trials[7] = (made(number, PRUNED) for number in (3, 5, 7))
    for number, reports in ((3, {1: 0.1}), (5, {1: 0.9, 2: 0.8}), (7, {1: 0.3, 2: float("nan")})):
        trials[number].intermediate_values = reports
    latest = list(range(95, 100))
    assert of(trials, BEST + 5) == [3, 5, 7, *latest]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_complete_trials_come_before_pruned_ones_and_of_these_those_that_came_further_with_better_scores(
    sign: float,
) -> None:
    trials = [made(number, FAIL) for number in range(100)]
    trials[0] = made(0, COMPLETE, [sign * 9.0])
    trials[1] = made(1, COMPLETE, [sign * -float("inf")])
    for number in range(2, 60):
        trials[number] = made(number, PRUNED)
        trials[number].intermediate_values = {1: sign * -number, 1 + number % 2: sign * number}
    odd = range(3, 60, 2)  # came to step 2; the first of them have the better scores
    assert of(trials, BEST + 5, (sign,)) == [0, *odd[: BEST - 1], *range(95, 100)]


def test_of_a_large_front_the_latest_are_shown_and_none_that_another_equals() -> None:
    trials = [made(number, COMPLETE, [float(number), float(number)]) for number in range(100)]  # less loss, more score
    assert of(trials, BEST + 5, (1.0, -1.0)) == list(range(75, 100))
    trials = [made(number, COMPLETE, [9.0, 1.0]) for number in range(100)]
    trials[3], trials[4] = made(3, COMPLETE, [1.0, 5.0]), made(4, COMPLETE, [2.0, 5.0])
    assert of(trials, BEST + 5, (1.0, -1.0)) == [3, *range(95, 100)]


@pytest.mark.parametrize("name", ["tpe", "mixed"])
def test_samplers_that_make_a_model_are_shown_no_more_than_the_bound(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def proposed() -> Any:
        proposer = Proposer("a-study", sweep_settings(sampler=name), NUMBERS, 7, 5)
        for trial in scored(60):
            proposer.note(trial)
        return proposer.propose().params

    whole = proposed()
    monkeypatch.setattr("nnlab.tuning.search.proposer.MOST", BEST + 5)
    assert proposed() != whole


def test_of_two_objectives_those_on_the_front_are_best() -> None:
    draw = random.Random(2)
    trials = [made(number, COMPLETE, [draw.random(), draw.random()]) for number in range(100)]

    def is_beaten(trial: FrozenTrial) -> bool:
        loss, accuracy = trial.values
        return any(other is not trial and other.values[0] <= loss and other.values[1] >= accuracy for other in trials)

    front = [trial.number for trial in trials if not is_beaten(trial)]
    assert of(trials, BEST + 5, (1.0, -1.0)) == sorted({*front, *range(95, 100)})


def shown_by(seen: SeenTrials) -> list[FrozenTrial]:
    sampler = Looking(seed=1)
    seen.draw(sampler)
    return sampler.trials


def test_a_sampler_sees_no_others_and_failures_among_them_are_told_as_the_worst_of_all() -> None:
    seen = SeenTrials("a-study", ["val/loss"], optuna.pruners.NopPruner(), Ordinals.none(NUMBERS), BEST + 5)
    for number in range(100):
        seen.note(made(number, FAIL) if number == 98 else made(number, COMPLETE, [float(number)]))
    numbers = [trial.number for trial in shown_by(seen)]
    assert numbers == [*range(BEST), *range(95, 100)]
    assert shown_by(seen)[-2].values == [99.0]
    assert seen.draw(TPE().make(7, 100, NUMBERS)) == seen.draw(TPE().make(7, 100, NUMBERS))


def test_proposals_at_the_bound_are_what_they_are_without_one() -> None:
    def proposed(most: int | None) -> Any:
        seen = SeenTrials("a-study", ["val/loss"], optuna.pruners.NopPruner(), Ordinals.none(NUMBERS), most)
        for trial in scored(40):
            seen.note(trial)
        return seen.draw(TPE().make(7, 40, NUMBERS))

    assert proposed(40) == proposed(None) != proposed(30)
    assert MOST >= 500, "the table of searches was measured with as many"
