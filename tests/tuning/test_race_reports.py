"""What is said of a race, what is refused, and what a resume holds it to."""

from __future__ import annotations

import pytest
from planning import plan, problems
from scipy import stats
from test_certainty import with_seeds
from trial_samples import make_trial

from nnlab.tuning.report.certainty import certainty_of
from nnlab.tuning.report.leaderboard import leaderboard
from nnlab.tuning.report.standing import Standing
from nnlab.tuning.report.trial_line import further_line

LOSS = ["val/loss"]
RACE = ("sweep.race=true", "sweep.seeds=4")
BEST, FEWER = [0.10, 0.12, 0.14, 0.11], [0.13, 0.14, 0.18]


def test_trials_of_fewer_seeds_are_compared_by_the_pairs_that_there_are() -> None:
    trials = [with_seeds(0, BEST, [1, 2, 3, 4]), with_seeds(1, FEWER, [1, 2, 3]), make_trial(2, [0.5], seeds=[1])]
    found = certainty_of(trials, LOSS, None)
    assert found is not None
    difference = found.judged[1].difference
    expected = stats.ttest_rel(BEST[:3], FEWER)
    assert (difference.paired, list(found.judged)) == (True, [1])
    assert difference.p_t == pytest.approx(expected.pvalue)
    assert found.word(2) == "–"


def test_the_leaderboard_says_of_how_many_seeds_each_mean_is() -> None:
    trials = [with_seeds(0, BEST, [1, 2, 3, 4]), with_seeds(1, FEWER, [1, 2, 3])]
    lines = leaderboard(trials, LOSS, width=None).splitlines()
    column = lines[0].split().index("seeds")
    assert [line.split()[column] for line in lines[1:3]] == ["4", "3"]
    alike = [with_seeds(0, BEST, [1, 2, 3, 4]), with_seeds(1, BEST, [1, 2, 3, 4])]
    assert "seeds" not in leaderboard(alike, LOSS, width=None).splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("sweep.race=true",), "sweep.race"),
        ((*RACE, "sweep.objective=[val/loss,parameters]", "sweep.pruner=none"), "sweep.race"),
        ((*RACE, "sweep.from=another"), "sweep.race"),
        (("sweep.race=true", "sweep.seeds=8", "sweep.pruner=wilcoxon"), "sweep.pruner"),
    ],
)
def test_what_cannot_race_is_refused(arguments: tuple[str, ...], key: str) -> None:
    assert [problem.key for problem in problems(*arguments)] == [key]


@pytest.mark.parametrize("pruner", ["none", "median", "hyperband", "asha"])
def test_pruners_of_epochs_may_stand_beside_a_race(pruner: str) -> None:
    assert plan(*RACE, f"sweep.pruner={pruner}").settings.race


def test_a_race_is_part_of_what_a_study_is_and_studies_without_one_are_as_they_were() -> None:
    assert plan(*RACE).fingerprint("")["sweep.race"] is True
    assert "sweep.race" not in plan("sweep.seeds=4").fingerprint("")


def test_a_further_run_over_its_limit_and_one_of_a_trial_that_is_out_are_told() -> None:
    over = make_trial(1, status="over_limit", reason="over sweep.trial_seconds=2")
    standing = Standing.of([over], LOSS, total=3, elapsed=9.0)
    told = further_line(over, 1, 3, over, standing)
    assert "over limit" in told
    assert "over sweep.trial_seconds=2" in told
    assert "0.2500" in further_line(make_trial(1, [0.25]), 1, 2, over, standing)
