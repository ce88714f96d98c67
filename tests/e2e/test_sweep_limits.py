"""A study with a limit of time through the real command: its coordinator is killed midway, and it goes on."""

from __future__ import annotations

import csv
import json
import signal
from pathlib import Path

import pytest
from commands import wait_for
from going import going
from studies import Study, outcome, sweep

pytestmark = pytest.mark.slow

LIMIT = 4.0
FOREVER = [
    "data=digits",
    "trainer.batch_size=64",
    "trainer.epochs=1000000",
    "optimizer.lr=choice(0.05, 0.1)",
    "model.hidden=[8]",
    "sweep.sampler=grid",
    "sweep.pruner=none",
    "sweep.trials=2",
    "sweep.workers=1",
    "sweep.name=study",
    f"sweep.trial_seconds={LIMIT}",
    "tracking.enabled=false",
    "tracking.plots=false",
]


def taken(study: Path) -> list[float]:
    """What was noted of the trials, in the order of the notes."""
    lines = [json.loads(line) for line in (study / "study.log").read_text(encoding="utf-8").splitlines()]
    return [line["user_attr"]["taken"]["seconds"] for line in lines if "taken" in line.get("user_attr", {})]


def test_a_study_that_is_killed_counts_the_time_that_its_trial_has_had(tmp_path: Path) -> None:
    directory = tmp_path / "runs" / "study"
    with going(*FOREVER, folder=tmp_path) as study:
        wait_for(lambda: (directory / "study.log").exists() and bool(taken(directory)), seconds=60)
        study.process.send_signal(signal.SIGKILL)
        assert study.processes_left() == []
    had = taken(directory)[-1]
    assert 0 < had <= LIMIT
    done = sweep("sweep.resume=study", folder=tmp_path)
    assert done.returncode == 1
    assert "2 over their limit" in done.stdout
    stored = Study(directory)
    assert stored.states == ["PRUNED", "PRUNED"]
    for trial in stored.trials:
        assert outcome(trial)["status"] == "over_limit"
        assert "sweep.trial_seconds=4" in outcome(trial)["reason"]
        assert trial.user_attrs["taken"]["seconds"] > LIMIT
    with (directory / "trials.csv").open(encoding="utf-8") as file:
        assert [(row["status"], row["parameters"]) for row in csv.DictReader(file)] == [("over_limit", "610")] * 2
    for path in sorted((directory / "trials").iterdir()):
        events = [json.loads(line) for line in (path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
        assert events[-1]["event"] == "end"
        assert events[-1]["status"] == "over_limit"
        assert sum(event["event"] == "epoch" for event in events) > 0
        assert not any((path / "checkpoints").glob("*"))
    assert sweep("sweep.resume=study", folder=tmp_path).returncode == 1  # nothing is tried again
    assert len(Study(directory).trials) == 2
