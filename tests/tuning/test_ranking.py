from __future__ import annotations

import logging
import math

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FrozenTrial
from trial_samples import make_trial

from nnlab.tuning.report.ranking import best_so_far, best_trial, in_memory_study, pareto_front, ranking

LOSS = ("val/loss",)
ACCURACY = ("val/accuracy",)
BOTH = ("val/accuracy", "parameters")


def numbers(trials: list[FrozenTrial]) -> list[int]:
    return [trial.number for trial in trials]


@pytest.mark.parametrize(
    ("objective", "winner"), [("val/loss", 1), ("val/accuracy", 2), ("parameters", 1), ("seconds", 1)]
)
def test_less_is_better_except_for_accuracy(objective: str, winner: int) -> None:
    best = best_trial([make_trial(0, [0.5]), make_trial(1, [0.2]), make_trial(2, [0.7])], (objective,))
    assert best is not None
    assert best.number == winner


def test_of_equal_trials_the_earlier_one_wins_in_whatever_order_they_come() -> None:
    trials = [make_trial(4, [0.2]), make_trial(2, [0.2]), make_trial(3, [0.2])]
    assert numbers(ranking(trials, LOSS)) == [2, 3, 4]


def test_of_trials_equal_in_the_first_objective_the_second_decides() -> None:
    trials = [make_trial(0, [0.9, 300.0]), make_trial(1, [0.9, 200.0]), make_trial(2, [0.8, 100.0])]
    assert numbers(ranking(trials, BOTH)) == [1, 0, 2]


@pytest.mark.parametrize(
    "other",
    [
        make_trial(1, [0.0], status="pruned"),
        make_trial(1, status="diverged"),
        make_trial(1, status="failed"),
        make_trial(1, status="killed"),
        make_trial(1, status=None),
        make_trial(1, [math.nan]),
        make_trial(1, [-math.inf]),
        make_trial(1, [0.0], duplicate_of=0),
    ],
    ids=["pruned", "diverged", "failed", "killed", "running", "nan", "infinite", "duplicate"],
)
def test_only_a_complete_finite_original_can_win(other: FrozenTrial) -> None:
    assert numbers(ranking([other, make_trial(0, [0.5])], LOSS)) == [0]
    assert best_trial([other], LOSS) is None


def test_the_front_of_a_drawing_by_hand() -> None:
    #  accuracy
    #  0.9 |      2     4
    #  0.8 |   1     3
    #  0.7 | 0    5
    #      +--------------- parameters
    #        1  2  3  4  5
    places = {0: (0.7, 1.0), 1: (0.8, 2.0), 2: (0.9, 3.0), 3: (0.8, 4.0), 4: (0.9, 5.0), 5: (0.7, 2.5)}
    trials = [make_trial(number, values) for number, values in places.items()]
    assert numbers(pareto_front(trials, BOTH)) == [2, 1, 0]


def test_trials_on_one_spot_of_the_front_are_all_on_it_but_their_duplicates_are_not() -> None:
    trials = [make_trial(0, [0.9, 1.0]), make_trial(1, [0.9, 1.0]), make_trial(2, [0.9, 1.0], duplicate_of=0)]
    assert numbers(pareto_front(trials, BOTH)) == [0, 1]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12),
)
def test_the_front_is_those_trials_that_no_other_one_dominates(places: list[tuple[int, int]]) -> None:
    trials = [make_trial(number, [float(a), float(b)]) for number, (a, b) in enumerate(places)]
    on_front = [
        number
        for number, (accuracy, parameters) in enumerate(places)
        if not any(a >= accuracy and b <= parameters and (a, b) != (accuracy, parameters) for a, b in places)
    ]
    assert sorted(numbers(pareto_front(trials, BOTH))) == on_front
    best = best_trial(trials, BOTH)
    assert best is None if not places else best is not None and best.number in on_front


def test_the_best_so_far_has_a_step_at_each_improvement() -> None:
    values = [0.5, 0.7, 0.4, 0.4, 0.1, 0.2]
    trials = [make_trial(number, [value]) for number, value in enumerate(values)]
    trials.append(make_trial(6, [0.0], status="pruned"))
    assert best_so_far(trials[::-1], LOSS, 0) == ([0, 2, 4], [0.5, 0.4, 0.1])
    assert best_so_far(trials, ACCURACY, 0) == ([0, 1], [0.5, 0.7])


def test_a_study_in_memory_is_made_in_silence_and_leaves_optunas_loudness_alone(
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = optuna.logging.get_verbosity()
    study = in_memory_study([make_trial(3, [0.5, 2.0])], BOTH)
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.trials[0].values == [0.5, 2.0]
    assert optuna.logging.get_verbosity() == before != logging.CRITICAL
    assert capfd.readouterr() == ("", "")
