"""The ranking by fresh seeds, by hand."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confirming import FRESH, LOSS, confirmation_of, make_run, make_runs
from recording import start
from trial_samples import make_trial

from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.confirm.plan import ConfirmPlan
from nnlab.tuning.confirm.results import Confirmation
from nnlab.tuning.report.confirmation_lines import shrinkage, winner_lines
from nnlab.tuning.report.leaderboard import leaderboard
from nnlab.tuning.selection import choose, record_choice
from nnlab.tuning.trials import TrialStatus
from nnlab.tuning.winner import Candidate

SEARCH = {0: 0.10, 1: 0.20, 2: 0.30, 3: 0.90}


def test_the_mean_over_fresh_seeds_ranks_and_not_the_search() -> None:
    _, found = confirmation_of(SEARCH, {0: [0.4, 0.5, 0.6], 1: [0.2, 0.3, 0.4], 2: [0.35, 0.35, 0.35]})
    assert [each.trial.number for each in found.confirmed] == [1, 2, 0]
    assert found.winner is not None
    assert found.winner.trial.number == 1
    assert found.winner.mean("val/loss") == pytest.approx(0.3)
    assert shrinkage(found.winner, "val/loss") == pytest.approx(0.1)
    assert found.first_of_search.trial.number == 0
    assert shrinkage(found.first_of_search, "val/loss") == pytest.approx(0.4)
    assert len(list(winner_lines(found, 30))) == 3


def test_more_is_better_for_accuracy_and_of_equal_means_the_lower_number_wins() -> None:
    trials = [make_trial(number, [0.9], scores={"val/accuracy": 0.9, "val/loss": 1.0}) for number in range(3)]
    runs = make_runs({0: [0.7], 1: [0.8], 2: [0.8]}, FRESH[:1])
    for run in runs:  # what the sample has for the loss is the accuracy here
        scores = run.user_attrs["outcome"]["scores"]
        scores["val/accuracy"] = scores["val/loss"]
    found = Confirmation.of(ConfirmPlan([0, 2, 1], FRESH[:1]), trials, runs, "val/accuracy")
    assert [each.trial.number for each in found.confirmed] == [1, 2, 0]
    assert shrinkage(found.confirmed[0], "val/accuracy") == pytest.approx(0.1)


@pytest.mark.parametrize("status", ["diverged", "failed", "killed"])
def test_a_trial_that_failed_with_a_fresh_seed_is_not_ranked_by_the_others(status: TrialStatus) -> None:
    trials = [make_trial(0, [0.1]), make_trial(1, [0.2])]
    runs = [
        make_run(0, 0, FRESH[0], 0.1),
        make_run(1, 1, FRESH[0], 0.5),
        make_run(2, 0, FRESH[1], 9.0, status),
        make_run(3, 1, FRESH[1], 0.5),
    ]
    found = Confirmation.of(ConfirmPlan([0, 1], FRESH[:2]), trials, runs, "val/loss")
    assert found.is_over
    assert [(each.trial.number, each.is_whole, each.failed) for each in found.confirmed] == [
        (1, True, 0),
        (0, False, 1),
    ]
    assert found.winner is found.confirmed[0]
    table = leaderboard(trials, LOSS, confirmation=found)
    assert "1 of 2 seeds" in table.splitlines()[2]


def test_a_run_that_was_made_again_counts_as_it_ended_last() -> None:
    runs = [make_run(0, 0, FRESH[0], 9.0, "killed"), make_run(1, 0, FRESH[0], 0.5)]
    found = Confirmation.of(ConfirmPlan([0], FRESH[:1]), [make_trial(0, [0.1])], runs, "val/loss")
    assert found.winner is not None
    assert found.winner.mean("val/loss") == 0.5


def test_there_is_no_winner_while_runs_are_missing_or_none_is_whole() -> None:
    trials = [make_trial(0, [0.1]), make_trial(1, [0.2])]
    plan = ConfirmPlan([0, 1], FRESH[:2])
    missing = [make_run(0, 0, FRESH[0], 0.1), make_run(1, 0, FRESH[1], 0.1), make_run(2, 1, FRESH[0], None)]
    found = Confirmation.of(plan, trials, missing, "val/loss")
    assert (found.is_over, found.winner, list(winner_lines(found, 3))) == (False, None, [])
    assert math.isnan(found.confirmed[1].mean("val/loss"))
    failed = [make_run(n, trial, seed, 1.0, "diverged") for n, (trial, seed) in enumerate(plan.items)]
    found = Confirmation.of(plan, trials, failed, "val/loss")
    assert (found.is_over, found.winner) == (True, None)
    assert "sweep.confirm" in found.reason


def test_the_leaderboard_begins_with_what_was_confirmed_however_much() -> None:
    fresh = {number: [1.0 - number / 100, 1.1 - number / 100] for number in range(12)}
    trials, found = confirmation_of({number: 0.1 * number for number in range(20)}, fresh)
    lines = leaderboard(trials, LOSS, confirmation=found, count=3).splitlines()
    assert "fresh seeds" in lines[0]
    assert [int(line.split()[1]) for line in lines[1:13]] == list(range(11, -1, -1))
    lines = leaderboard(trials, LOSS, confirmation=found, count=14).splitlines()
    assert [int(line.split()[1]) for line in lines[12:15]] == [0, 12, 13]
    assert leaderboard(trials, LOSS, confirmation=found, encoding="ascii").isascii()


def test_what_fresh_seeds_say_of_the_choice_is_recorded_of_the_study(tmp_path: Path) -> None:
    _, found = confirmation_of(SEARCH, {0: [0.4, 0.5, 0.6], 1: [0.2, 0.3, 0.4]})
    recorder = start(tmp_path)
    best = Candidate(1, [], [tmp_path / "s-0001-confirm-1", tmp_path / "s-0001-confirm-2"], is_confirmed=True)
    for _ in range(2):  # as a study that is resumed does
        record_choice(recorder, best, 4, found)
    recorder.close("finished")
    known = StoredRun.open(recorder.directory.path)
    assert known.kept == {"confirmed/val/loss": pytest.approx(0.3), "confirmed/val/loss_change": pytest.approx(0.1)}
    assert (known.tags["nnlab.best_trial"], known.tags["nnlab.selected_from"]) == ("1", "4")
    assert known.tags["nnlab.winner_runs"] == "s-0001-confirm-1 s-0001-confirm-2"
    assert known.tags["nnlab.confirmed"] == "2 trials, 3 seeds each"


@pytest.mark.parametrize(
    ("fresh", "number", "runs"),
    [
        ({0: [0.4, 0.5], 1: [0.2, 0.3]}, "1", "s-0001-confirm-1 s-0001-confirm-2"),
        ({0: [0.2, 0.3], 1: [0.4, 0.5]}, "0", "s-0000-confirm-1 s-0000-confirm-2"),
        (None, "0", "s-0000"),
    ],
    ids=["another trial", "the same trial", "not confirmed"],
)
def test_the_winner_and_its_runs_are_those_of_the_fresh_seeds(
    fresh: dict[int, list[float]] | None, number: str, runs: str, tmp_path: Path
) -> None:
    trials, found = confirmation_of(SEARCH, fresh or {0: [1.0]})
    tasks: Any = SimpleNamespace(
        directory=Path("s"), runs=lambda trial: [None], paths=lambda number: [Path(f"s/trials/s-{number:04}")]
    )
    fixed: Any = SimpleNamespace(trainer=SimpleNamespace(test=False))
    recorder = start(tmp_path)
    confirmation = None if fresh is None else found
    choose(trials[0], confirmation, trials, tasks, recorder, fixed, warn=pytest.fail, announce=None)
    recorder.close("finished")
    tags = StoredRun.open(recorder.directory.path).tags
    assert (tags["nnlab.best_trial"], tags["nnlab.winner_runs"]) == (number, runs)
