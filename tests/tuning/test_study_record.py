"""What a study records about itself: a best value after each finished trial, once, whatever was killed in between."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState
from sweeping import in_memory, run_one, study_in, sweep_settings, work

from nnlab.config.jobs import compose_jobs
from nnlab.config.schema import as_dict
from nnlab.data.loading import dataset_of
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, RunDirectory
from nnlab.runs.provenance import collect
from nnlab.runs.recorder import Recorder
from nnlab.tuning.record import TABLE, StudyRecord
from nnlab.tuning.study import Study
from nnlab.tuning.trials import Outcome


@pytest.fixture
def recorder(tmp_path: Path) -> Any:
    (job,) = compose_jobs(["data=toy", "model=toy"], multirun=False)
    facts = collect(as_dict(job.config), dataset_of(job.config.data, seed=0), [])
    with Recorder.open(RunDirectory.claim(tmp_path / "a-study"), as_dict(job.config), [], facts, None) as recorder:
        yield recorder


def scripted(*losses: float | None) -> Study:
    """Trials that end with these losses; None fails."""
    storage = in_memory()
    study = study_in(storage, sweep_settings())
    for loss in losses:
        outcome = Outcome("failed") if loss is None else Outcome("finished", scores={"val/loss": loss})
        run_one(study, storage, lambda trial, outcome=outcome: outcome)  # type: ignore[misc]
    return study


def recorded(recorder: Recorder) -> list[tuple[int, dict[str, float]]]:
    events, _ = journal.read(recorder.directory.path / JOURNAL)
    return [(event["number"], event["metrics"]) for event in events if event["event"] == "trial"]


def test_the_best_value_falls_over_the_finished_trials(recorder: Recorder) -> None:
    StudyRecord(recorder, ["val/loss"]).progress(scripted(0.5, None, 0.7, 0.3).trials)
    assert recorded(recorder) == [
        (1, {"best/val/loss": 0.5, "trials/finished": 1}),
        (2, {"best/val/loss": 0.5, "trials/finished": 2}),
        (3, {"best/val/loss": 0.3, "trials/finished": 3}),
    ]


def test_a_session_after_a_kill_records_what_was_not_written_and_repeats_nothing(recorder: Recorder) -> None:
    trials = scripted(0.5, 0.4, 0.7, 0.3).trials
    StudyRecord(recorder, ["val/loss"]).progress(trials[:2])
    StudyRecord(recorder, ["val/loss"]).progress(trials)
    record = StudyRecord(recorder, ["val/loss"])
    record.progress(trials)
    record.progress(trials)
    assert [(number, metrics["best/val/loss"]) for number, metrics in recorded(recorder)] == [
        (1, 0.5),
        (2, 0.4),
        (3, 0.4),
        (4, 0.3),
    ]


def test_trials_count_in_the_order_in_which_they_ended(recorder: Recorder) -> None:
    storage = in_memory()
    study = study_in(storage, sweep_settings())
    trials = [study.propose() for _ in range(3)]
    record = StudyRecord(recorder, ["val/loss"])
    for trial, loss in zip(reversed(trials), (0.9, 0.2, 0.5), strict=True):
        outcome = Outcome("finished", scores={"val/loss": loss})
        study.tell(trial, work(storage, trial, lambda trial, outcome=outcome: outcome))  # type: ignore[misc]
        record.progress(study.trials)
    assert [metrics["best/val/loss"] for _, metrics in recorded(recorder)] == [0.9, 0.2, 0.2]


def test_before_a_trial_is_complete_there_is_no_best_value(recorder: Recorder) -> None:
    storage = in_memory()
    study = study_in(storage, sweep_settings())
    run_one(study, storage, lambda trial: Outcome("pruned", scores={"val/loss": 3.0}))
    assert study.trials[0].state == TrialState.PRUNED
    StudyRecord(recorder, ["val/loss"]).progress(study.trials)
    assert recorded(recorder) == [(1, {"trials/finished": 1})]


def test_the_table_has_one_row_per_trial(recorder: Recorder) -> None:
    StudyRecord(recorder, ["val/loss"]).table(scripted(0.5, None, 0.7).trials)
    with (recorder.directory.path / TABLE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["number"] for row in rows] == ["0", "1", "2"]


def test_pictures_that_fail_are_a_warning(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: object, **named: object) -> None:
        raise ValueError("as arranged")

    monkeypatch.setattr("nnlab.tuning.report.pictures.draw_study", fails)
    problems = StudyRecord(recorder, ["val/loss"]).pictures(scripted(0.5).trials)
    assert problems == ["the plots could not be drawn: ValueError: as arranged"]
