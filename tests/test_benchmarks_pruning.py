"""The benchmark of pruners: curves are those of real trials, and a replay does what a study would have done."""

from __future__ import annotations

import pytest

from benchmarks.search.pruning.curves import Curve, study_curves
from benchmarks.search.pruning.replay import replayed
from nnlab.tuning.search.pruners import Median, NoPruner

CURVES = [
    Curve((4.0, 3.0, 2.0, 1.0)),
    Curve((5.0, 4.0, 3.0, 2.0)),
    Curve((3.9, 3.5, 1.0, 0.5)),
    Curve((9.0, 9.0), has_diverged=True),
    Curve((3.0, 2.5, 1.5, 0.75)),
]


def test_a_replay_by_hand() -> None:
    # The first is complete and is the median of one. 5 > 4; 3.9 < 4, but 3.5 > 3; 9 > 4; 3 < 4, 2.5 < 3, 1.5 < 2.
    replay = replayed(CURVES, Median(startup_trials=1, warmup_epochs=0))
    assert replay.epochs == [4, 1, 2, 1, 4]
    assert replay.is_complete == [True, False, False, False, True]
    assert replay.stops_the_best
    assert replay.saved == pytest.approx(1 - 12 / 18)
    # The best of all is 0.5, the one in the middle of 0.5, 0.75, 1, 2 is 0.875.
    assert replay.regret(3) == 1.0  # nothing is complete
    assert replay.regret(11) == pytest.approx((1.0 - 0.5) / 0.375)
    assert replay.regret(12) == pytest.approx((0.75 - 0.5) / 0.375)


def test_without_a_pruner_nothing_is_stopped() -> None:
    replay = replayed(CURVES, NoPruner())
    assert replay.epochs == [4, 4, 4, 2, 4]
    assert not replay.stops_the_best
    assert replay.saved == 0
    assert replay.regret(18) == 0


def test_the_last_epoch_stops_nobody() -> None:
    assert replayed([Curve((1.0, 1.0)), Curve((0.5, 2.0)), Curve((3.0,) * 2)], Median(1, 1)).epochs == [2, 2, 2]


def test_curves_are_those_of_a_study_and_the_same_again() -> None:
    overrides = ["data=digits", "trainer.epochs=3", "optimizer.lr=choice(0.01,1e30)", "sweep.space.model.depth=null"]
    overrides += ["model.hidden=[8]", "trainer.batch_size=64"]
    curves = study_curves(overrides, 3, trials=2)
    assert curves == study_curves(overrides, 3, trials=2)
    assert {curve.has_diverged for curve in curves} == {False, True}
    assert [len(curve.scores) for curve in curves if not curve.has_diverged] == [3]
