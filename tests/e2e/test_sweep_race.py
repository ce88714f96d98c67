"""`sweep.race` with real studies: what runs, what is recorded of it, and that a kill changes nothing."""

from __future__ import annotations

import csv
import os
import random
import signal
import statistics
from pathlib import Path

import pytest
from going import going
from studies import SMALL, Study, study_in, sweep

from nnlab.runs.stored_run import StoredRun

SEEDS = 3
RACE = [
    *SMALL,
    "sweep.trials=8",
    "sweep.race=true",
    f"sweep.seeds={SEEDS}",
    "sweep.workers=2",
    "sweep.deterministic=true",
    "sweep.name=study",
]
OF_THE_CLOCK = ("seconds", "started", "ended")

pytestmark = pytest.mark.slow


def rows(study: Study) -> list[dict[str, str]]:
    with open(study.directory / "trials.csv", encoding="utf-8", newline="") as file:
        return [
            {key: value for key, value in row.items() if key not in OF_THE_CLOCK and "seconds" not in key}
            for row in csv.DictReader(file)
        ]


def runs_of(study: Study, row: dict[str, str]) -> list[StoredRun]:
    return [StoredRun.open(study.directory / "trials" / name) for name in row["runs"].split()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("whole")
    done = sweep(*RACE, folder=folder)
    assert done.returncode == 0, done.stderr
    return study_in(folder)


def test_each_mean_is_of_the_runs_that_were_made_and_the_winner_has_them_all(whole: Study) -> None:
    table = rows(whole)
    made = sorted(path.name for path in (whole.directory / "trials").iterdir())
    assert made == sorted(name for row in table for name in row["runs"].split())
    assert len(made) < SEEDS * len(table)
    for row in table:
        runs = runs_of(whole, row)
        assert [str(run.config["seed"]) for run in runs] == row["seeds"].split()
        if row["state"] != "COMPLETE":
            continue
        losses = [run.kept["best/val/loss"] for run in runs]
        assert float(row["val/loss"]) == pytest.approx(statistics.fmean(losses))
        assert [run.kept["objective"] for run in runs] == pytest.approx([statistics.fmean(losses)] * len(runs))
    own = StoredRun.open(whole.directory)
    best = next(row for row in table if row["number"] == own.tags["nnlab.best_trial"])
    assert len(best["seeds"].split()) == SEEDS
    assert all(run.test for run in runs_of(whole, best))
    assert float(best["objective val/loss"]) == min(float(row["objective val/loss"]) for row in table if row["seeds"])


def test_show_says_the_same_and_changes_nothing(whole: Study) -> None:
    before = {path: path.read_bytes() for path in whole.directory.rglob("*") if path.is_file()}
    done = sweep("--show", "study", folder=whole.directory.parents[1])
    assert done.returncode == 0, done.stderr
    assert "seeds" in done.stdout.splitlines()[2]
    assert before == {path: path.read_bytes() for path in whole.directory.rglob("*") if path.is_file()}


def test_a_race_killed_three_times_is_the_undisturbed_one(whole: Study, tmp_path: Path) -> None:
    chance = random.Random(3)
    for kill in range(3):
        with going(*(["sweep.resume=study"] if kill else RACE), folder=tmp_path) as study:
            for _ in range(chance.randrange(1, 4)):
                study.read_until(lambda line: "val/loss" in line and "trial" in line)
            os.killpg(study.process.pid, signal.SIGKILL)
            assert study.processes_left() == []
    done = sweep("sweep.resume=study", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert rows(study_in(tmp_path)) == rows(whole)
