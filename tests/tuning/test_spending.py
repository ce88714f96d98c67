"""The use of a budget over sessions: by a clock of the test's, and through small real studies that are resumed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sweeping import in_memory, run_one, study_in, sweep_settings
from test_study_listeners import Hearing, studied

from nnlab.execution.events import Notice
from nnlab.runs.directory import RunDirectory
from nnlab.runs.journal import read
from nnlab.runs.recorder import Recorder
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import ENDED_BY_TAG, GOES_ON
from nnlab.tuning.budget import Budget
from nnlab.tuning.events import StudyEnded, StudyStarted, TrialStarted
from nnlab.tuning.manifest import Manifest
from nnlab.tuning.resuming import resumed_arguments, resumed_plan
from nnlab.tuning.run_study import run_study
from nnlab.tuning.spending import Spending
from nnlab.tuning.stored_study import StoredStudy


@dataclass
class Clock:
    """Stands in for the module `time`."""

    now: float = 1000.0

    def time(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return round(self.now * 1e9)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("nnlab.runs.journal.time", clock)
    monkeypatch.setattr("nnlab.tuning.spending.time", clock)
    return clock


def session(folder: Path, **budget: Any) -> tuple[Recorder, Spending]:
    """A session of a study without trials; a recorder that is not closed is one that was killed."""
    directory = RunDirectory.claim(folder / "study")
    recorder = Recorder.go_on(directory, None)
    return recorder, Spending(Budget(None, **budget), study_in(in_memory(), sweep_settings()), recorder)


def killed(recorder: Recorder) -> None:
    recorder.directory.release()


def test_seconds_count_over_sessions_and_kills_up_to_the_last_sign_of_life(tmp_path: Path, clock: Clock) -> None:
    recorder, spending = session(tmp_path, seconds=10.0)
    clock.now = 1004.0
    assert spending.seconds == 4.0
    spending.sign()
    clock.now = 1004.09  # a sign comes each hundredth of the time
    spending.sign()
    clock.now = 1009.9
    assert not spending.is_over()
    killed(recorder)

    clock.now = 2000.0
    recorder, spending = session(tmp_path, seconds=10.0)
    assert spending.seconds == 4.0
    clock.now = 2005.9
    assert not spending.is_over()
    clock.now = 2006.0
    assert spending.is_over()
    events, _ = read(recorder.directory.journal_path)
    assert events[-1]["time"] == 2_006_000  # before anything comes of it
    spending.end()
    clock.now = 2050.0  # what comes after the search is none of it
    recorder.close("finished")

    clock.now = 3000.0
    recorder, spending = session(tmp_path, seconds=10.0)
    assert spending.is_over()
    assert spending.seconds == 10.0
    spending.end()
    recorder.close("finished")

    recorder, spending = session(tmp_path, seconds=20.0)
    assert not spending.is_over()
    spending.start()
    assert StoredRun.open(recorder.directory.path).tags[ENDED_BY_TAG] == GOES_ON
    clock.now = 3010.0
    assert spending.is_over()


def test_a_clock_that_is_set_back_gives_no_time_back(tmp_path: Path, clock: Clock) -> None:
    recorder, spending = session(tmp_path, seconds=10.0)
    clock.now = 500.0
    assert spending.seconds == 0.0
    killed(recorder)
    clock.now = 600.0
    recorder, spending = session(tmp_path, seconds=10.0)
    assert spending.seconds == 0.0


def test_a_budget_without_a_time_leaves_no_signs(tmp_path: Path, clock: Clock) -> None:
    recorder, spending = session(tmp_path, patience=5)
    clock.now = 9000.0
    spending.sign()
    assert len(read(recorder.directory.journal_path)[0]) == 1


def test_what_ended_a_search_is_told_recorded_and_shown_and_a_resume_goes_on(tmp_path: Path) -> None:
    hearing = Hearing()
    studied(tmp_path, hearing, overrides=("sweep.trials=null", "sweep.until=100"))
    (started,) = [event for event in hearing.events if isinstance(event, StudyStarted)]
    assert started.trials is None
    assert isinstance(hearing.events[-1], StudyEnded)
    assert "sweep.until=100" in hearing.events[-1].ended_by
    tags = StoredRun.open(tmp_path / "study").tags
    assert tags[ENDED_BY_TAG] == "sweep.until=100"
    place = [f"runs_dir='{tmp_path}'"]
    assert "sweep.until=100" in StoredStudy.open("study", place).standing()

    again = resumed(tmp_path)
    assert not [event for event in again if isinstance(event, TrialStarted)]
    (notice,) = [event.text for event in again if isinstance(event, Notice) and " sweep.resume=study " in event.text]
    remedy = notice.split(" sweep.resume=study ")[1].split()[-1]
    key, _, score = remedy.partition("=")
    assert key == "sweep.until"
    assert 0 < float(score) < StoredStudy.open("study", place).trials[0].values[0]

    resumed(tmp_path, "sweep.until=null", "sweep.trials=2")
    assert len(StoredStudy.open("study", place).trials) == 2
    assert StoredRun.open(tmp_path / "study").tags[ENDED_BY_TAG] == "sweep.trials=2"
    kept = Manifest.read(tmp_path / "study").overrides
    assert {"sweep.until=null", "sweep.trials=2"} <= set(kept)
    resumed(tmp_path)
    assert len(StoredStudy.open("study", place).trials) == 2


def resumed(folder: Path, *overrides: str) -> list[Any]:
    """The events of a session that resumes the study in this process."""
    hearing = Hearing()
    given = ["sweep.resume=study", f"runs_dir='{folder}'", *overrides]
    arguments, directory = resumed_arguments(given)
    assert directory is not None
    plan = resumed_plan(arguments, given, directory)
    with ThreadPoolExecutor(1) as executor:
        run_study(plan, command=[], listeners=[hearing], resume=directory, executor=executor)
    return hearing.events


def test_a_search_whose_space_has_nothing_left_ends_before_its_time(tmp_path: Path) -> None:
    result = studied(tmp_path, overrides=("sweep.trials=null", "sweep.seconds=1e6"))
    assert result.status == "finished"
    assert len(StoredStudy.open("study", [f"runs_dir='{tmp_path}'"]).trials) == 2
    assert not StoredRun.open(tmp_path / "study").tags[ENDED_BY_TAG].startswith(("sweep.", GOES_ON))


def test_a_search_that_ended_without_a_complete_trial_says_what_ended_it(tmp_path: Path) -> None:
    result = studied(tmp_path, overrides=("sweep.trials=null", "sweep.seconds=1e-9"))
    assert result.status == "failed"
    assert "sweep.seconds=1e-09" in result.reason
    assert "sweep.resume=study" in result.reason


def test_trials_that_run_when_the_time_is_over_come_to_their_end(tmp_path: Path) -> None:
    study = study_in(in_memory(), sweep_settings())
    run_one(study, study.storage)
    directory = RunDirectory.claim(tmp_path / "study")
    with Recorder.go_on(directory, None) as recorder:
        spending = Spending(Budget(None, seconds=1e-9), study, recorder)
        study.propose()
        assert spending.is_over()
        assert spending.unfinished == 1
