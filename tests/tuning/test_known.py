"""Trials that are counted as they come, against counting all of them each time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FrozenTrial, TrialState
from trial_samples import START, make_trial

from nnlab.tuning.known import KnownTrials
from nnlab.tuning.report.ranking import ranking
from nnlab.tuning.trials import is_failure, is_over_limit

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
Noted = tuple[int, str | None, float, int, bool]
"""Number, status, value, the second of its end, whether it repeats trial 0."""


@st.composite
def histories(draw: Any) -> list[Noted]:
    """Trials as they become known, new ones in the order of their numbers; any may change, and end in any order."""
    statuses = st.sampled_from([None, "finished", "finished", "pruned", "over_limit", "diverged", "failed"])
    values = st.sampled_from([0.1, 0.2, 0.3, float("inf")])
    history: list[Noted] = []
    for _ in range(draw(st.integers(0, 12))):
        number = draw(st.integers(0, len({noted[0] for noted in history})))
        history.append((number, draw(statuses), draw(values), draw(st.integers(0, 9)), draw(st.booleans())))
    return history


def made(noted: Noted) -> FrozenTrial:
    number, status, value, second, repeats = noted
    values = [value] if status == "finished" else []
    trial = make_trial(number, values, status=status, duplicate_of=0 if repeats and number else None)  # type: ignore[arg-type]
    trial.datetime_complete = None if status is None else START + timedelta(seconds=second)
    return trial


def in_vain(trials: list[FrozenTrial], *, in_step: bool) -> int:
    """By its definition."""
    ended = [trial for trial in trials if trial.state in FINISHED]
    ended.sort(key=lambda trial: trial.number if in_step else (trial.datetime_complete, trial.number))
    since, best = 0, float("inf")
    for trial in ended:
        since += 1
        if trial.state == TrialState.COMPLETE and trial.values[0] < best:
            since, best = 0, trial.values[0]
    return since


@given(histories())
def test_counted_as_they_come_they_are_what_they_are_counted_at_once(history: list[Noted]) -> None:
    known = KnownTrials(["val/loss"])
    now: dict[int, FrozenTrial] = {}
    for noted in history:
        now[noted[0]] = made(noted)
        known.note(now[noted[0]])
        trials = list(now.values())
        assert list(known) == trials
        assert known.finished == sum(trial.state in FINISHED for trial in trials)
        assert known.over_limit == sum(map(is_over_limit, trials))
        assert known.failed == sum(map(is_failure, trials))
        assert [known.in_state(state) for state in TrialState] == [
            sum(trial.state == state for trial in trials) for state in TrialState
        ]
        assert known.best == next(iter(ranking(trials, ["val/loss"])), None)
        for in_step in (False, True):
            assert known.in_vain(in_step=in_step) == in_vain(trials, in_step=in_step)


def test_what_is_counted_already_is_not_counted_again() -> None:
    known = KnownTrials(["val/loss"], [make_trial(0, [0.5])])
    assert KnownTrials.of(known, ["val/loss"]) is known
    assert KnownTrials.of([*known], ["val/loss"]).finished == 1


def test_a_trial_that_is_noted_while_others_are_looked_at_is_not_among_them() -> None:
    known = KnownTrials(["val/loss"], [make_trial(0, [0.5])])
    for trial in known:
        known.note(make_trial(trial.number + 1, [0.4]))
    assert [trial.number for trial in known] == [0, 1]
    with pytest.raises(IndexError):
        known[2]
