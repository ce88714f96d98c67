from __future__ import annotations

import pytest
from trial_samples import make_trial

from nnlab.tuning.report.standing import Standing

LOSS = ("val/loss",)


def test_trials_are_counted_and_the_best_is_named() -> None:
    trials = [
        make_trial(0, [0.5]),
        make_trial(1, [0.3]),
        make_trial(2, [0.1], status="pruned"),
        make_trial(3, status="diverged"),
        make_trial(4, status="killed"),
        make_trial(5, [0.3], duplicate_of=1),
        make_trial(6, status=None),
    ]
    standing = Standing.of(trials, LOSS, total=30, elapsed=60.0, done_before=1)
    assert standing == Standing(
        total=30,
        complete=3,
        pruned=1,
        over_limit=0,
        failed=2,
        running=1,
        objectives=LOSS,
        best_values=(0.3,),
        best_trial=1,
        elapsed=60.0,
        done_here=3,
    )
    assert standing.done == 4
    assert standing.per_minute == 3.0
    assert standing.seconds_left == 26 / 3 * 60


@pytest.mark.parametrize("done_before", [2, 1])
def test_there_is_no_rate_before_the_second_trial_of_the_session(done_before: int) -> None:
    trials = [make_trial(0, [0.5]), make_trial(1, [0.5])]
    standing = Standing.of(trials, LOSS, total=3, elapsed=9.0, done_before=done_before)
    assert standing.per_minute is None
    assert standing.seconds_left is None


def test_a_study_that_only_failed_has_no_best_and_no_rate() -> None:
    standing = Standing.of([make_trial(0, status="failed")], LOSS, total=3, elapsed=9.0)
    assert (standing.best_trial, standing.best_values, standing.per_minute) == (None, (), None)


def test_more_trials_than_were_asked_for_leave_no_time() -> None:
    standing = Standing.of([make_trial(number, [0.5]) for number in range(4)], LOSS, total=3, elapsed=9.0)
    assert standing.seconds_left == 0.0
