"""When a trial is stopped: worked numbers, by Optuna's own pruners in a study of the direction they are told."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
import pytest
import searching  # noqa: F401  quiets Optuna
from optuna.pruners import BasePruner
from optuna.trial import TrialState

from nnlab.tuning.search.pruners import PRUNERS, Halving, Hyperband, Median, NoPruner, Wilcoxon


def stopped_at(study: optuna.Study, scores: Sequence[float]) -> int | None:
    """Run a trial with a score after each epoch (from 1); the epoch at which it is stopped."""
    trial = study.ask()
    for epoch, score in enumerate(scores, start=1):
        trial.report(score, epoch)
        if trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return epoch
    study.tell(trial, scores[-1])
    return None


def study_of(pruner: BasePruner, direction: str = "minimize") -> optuna.Study:
    return optuna.create_study(study_name="by hand", direction=direction, pruner=pruner)  # type: ignore[arg-type]


def test_without_a_pruner_the_worst_runs_to_its_end() -> None:
    study = study_of(NoPruner().make(3))
    assert [stopped_at(study, [loss] * 3) for loss in (1.0, 2.0, 1e9)] == [None, None, None]


@pytest.mark.parametrize(("direction", "better", "worse"), [("minimize", 1.0, 2.0), ("maximize", 2.0, 1.0)])
def test_median_stops_what_is_worse_than_half_at_its_first_epoch(direction: str, better: float, worse: float) -> None:
    study = study_of(Median(startup_trials=3, warmup_epochs=0).make(4), direction)
    for score in (better, better, worse):  # the median is `better`
        assert stopped_at(study, [score] * 4) is None
    assert stopped_at(study, [worse] * 4) == 1
    assert stopped_at(study, [better] * 4) is None


def test_median_judges_the_best_score_so_far() -> None:
    study = study_of(Median(startup_trials=1, warmup_epochs=0).make(3))
    assert stopped_at(study, [3.0, 2.0, 1.5]) is None
    assert stopped_at(study, [1.0, 9.0, 9.0]) is None


def test_median_leaves_so_many_trials_and_epochs_alone() -> None:
    study = study_of(Median(startup_trials=2, warmup_epochs=2).make(4))
    assert stopped_at(study, [1.0] * 4) is None
    assert stopped_at(study, [2.0] * 4) is None
    assert stopped_at(study, [9.0] * 4) == 3


@pytest.mark.parametrize(("epochs", "first"), [(2, 2), (5, 2), (6, 3), (15, 4), (20, 5), (21, 6)])
def test_median_judges_nobody_in_the_first_fifth_of_the_epochs(epochs: int, first: int) -> None:
    study = study_of(Median(startup_trials=1).make(epochs))
    assert stopped_at(study, [1.0] * epochs) is None
    assert stopped_at(study, [9.0] * epochs) == first


def test_median_stops_none_of_the_first_five_and_the_sixth() -> None:
    study = study_of(Median(warmup_epochs=0).make(3))
    assert [stopped_at(study, [float(loss)] * 3) for loss in (1, 1, 9, 9, 9)] == [None] * 5
    assert stopped_at(study, [10.0] * 3) == 1


def test_median_judges_from_the_first_seed() -> None:
    study = study_of(Median(startup_trials=1).make(20, seeds=5))
    assert stopped_at(study, [1.0] * 5) is None
    assert stopped_at(study, [9.0] * 5) == 1


def test_median_judges_at_intervals() -> None:
    study = study_of(Median(startup_trials=1, warmup_epochs=1, interval=2).make(6))
    assert stopped_at(study, [1.0] * 6) is None
    # Judged after epochs 2, 4, 6; it is worse from epoch 3 on only in its best score so far.
    assert stopped_at(study, [1.0, 9.0, 9.0, 9.0, 9.0, 9.0]) is None
    assert stopped_at(study, [9.0] * 6) == 2


def test_asha_lets_one_in_four_continue() -> None:
    study = study_of(Halving().make(16))
    # At the rungs 1, 4, 16: the first trial has no rivals; after that, the best quarter of those at a rung goes on.
    assert [stopped_at(study, [loss] * 16) for loss in (1.0, 5.0, 6.0, 7.0, 0.5)] == [None, 1, 1, 1, None]


def test_asha_judges_nobody_before_min_epochs() -> None:
    study = study_of(Halving(min_epochs=3).make(12))
    stopped_at(study, [1.0] * 12)
    assert stopped_at(study, [9.0] * 12) == 3


def test_hyperband_is_planned_for_the_epochs_of_a_run() -> None:
    # η = 3 and 9 epochs: brackets that judge first at 1, 3 and 9 epochs.
    study = study_of(Hyperband().make(9))
    stopped_at(study, [1.0] * 9)
    stops = {stopped_at(study, [float(loss)] * 9) for loss in range(2, 60)}
    assert stops - {None} == {1, 3, 9}  # the first of each bracket has no rivals


def test_hyperband_may_be_planned_for_fewer_epochs() -> None:
    study = study_of(Hyperband(max_epochs=2).make(9))
    stopped_at(study, [1.0] * 9)
    assert {stopped_at(study, [float(loss)] * 9) for loss in range(2, 30)} == {1}


def test_wilcoxon_needs_four_seeds_of_worse_scores_at_a_threshold_of_a_tenth() -> None:
    # One-sided p when all n differences have one sign: 1/2ⁿ, 1/16 for n = 4 (Wilcoxon 1945, table I).
    study = study_of(Wilcoxon().make(5))
    assert stopped_at(study, [0.10, 0.11, 0.12, 0.13, 0.14, 0.15]) is None
    assert stopped_at(study, [0.21, 0.23, 0.25, 0.27, 0.29, 0.31]) == 4
    assert stopped_at(study, [0.05, 0.23, 0.05, 0.27, 0.05, 0.31]) is None


def test_every_pruner_has_a_name() -> None:
    assert list(PRUNERS) == ["none", "median", "hyperband", "asha", "wilcoxon"]
    for pruner in PRUNERS.values():
        assert isinstance(pruner().make(10), BasePruner)
