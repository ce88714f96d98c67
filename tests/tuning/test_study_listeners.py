"""What a study's listeners get: a real study of two trials, run in a thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from test_run_trial import SMALL

from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.events import (
    StandingNow,
    StudyEnded,
    StudyEvent,
    StudyStarted,
    TrialEnded,
    TrialEpoch,
    TrialStarted,
)
from nnlab.tuning.listener import StudyListener
from nnlab.tuning.planning import make_plan
from nnlab.tuning.run_study import run_study
from nnlab.tuning.study_result import StudyResult


class Hearing(StudyListener):
    """Keeps the events."""

    def __init__(self) -> None:
        self.events: list[StudyEvent] = []

    def on(self, event: StudyEvent) -> None:
        self.events.append(event)


class Failing(StudyListener):
    """Fails at once."""

    def on(self, event: StudyEvent) -> None:
        raise ZeroDivisionError("as arranged")


def studied(folder: Path, *listeners: StudyListener, overrides: tuple[str, ...] = ()) -> StudyResult:
    arguments = [
        *SMALL,
        "sweep.workers=1",
        "sweep.first=null",
        "tracking.plots=false",
        f"runs_dir='{folder}'",
        "sweep.name=study",
    ]
    with ThreadPoolExecutor(1) as executor:
        return run_study(make_plan([*arguments, *overrides]), command=[], listeners=listeners, executor=executor)


def test_a_study_is_reported_from_its_start_to_its_winner(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hearing = Hearing()
    result = studied(tmp_path, Failing(), hearing)
    assert result.status == StoredRun.open(tmp_path / "study").status == "finished"
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "ZeroDivisionError: as arranged" in errors

    started, *between, ended = hearing.events
    assert isinstance(started, StudyStarted)
    assert (started.name, started.trials, started.finished) == ("study", 2, 0)
    assert list(started.searched) == ["optimizer.lr"]
    trials = [event for event in between if not isinstance(event, StandingNow | TrialEpoch)]
    assert [type(event) for event in trials] == [TrialStarted, TrialEnded] * 2
    standings = [event.standing for event in between if isinstance(event, TrialEnded)]
    assert [standing.complete for standing in standings] == [1, 2]

    assert isinstance(ended, StudyEnded)
    assert ended.directory == tmp_path / "study"
    assert ended.winner is not None
    assert ended.winner.scores == StoredRun.open(tmp_path / "study").test
    best = min(ended.trials, key=lambda trial: trial.values[0])
    assert (ended.winner.number, ended.finished) == (best.number, 2)
    assert not ended.test_left_alone


def test_a_study_that_leaves_the_test_split_alone_has_no_winner_to_report(tmp_path: Path) -> None:
    hearing = Hearing()
    studied(tmp_path, hearing, overrides=("trainer.test=false",))
    ended = hearing.events[-1]
    assert isinstance(ended, StudyEnded)
    assert ended.winner is None
    assert ended.test_left_alone
    assert StoredRun.open(tmp_path / "study").test == {}


def test_a_study_without_listeners_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert studied(tmp_path).status == "finished"
    assert capsys.readouterr() == ("", "")
