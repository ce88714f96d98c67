"""Listeners hear of a run in order, once it is recorded, and cannot harm it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nnlab import training
from nnlab.batch import compose
from nnlab.config.job import Job
from nnlab.execution.events import Notice, RunEnded, RunEvent, RunStarted, Warned
from nnlab.execution.listener import Listeners, RunListener
from nnlab.execution.result import Membership
from nnlab.execution.run import run
from nnlab.runs.stored_run import StoredRun
from nnlab.training import EpochEnd, Progress, TrainingEnd

SMALL = ("data=digits", "data.limit=200", "model.hidden=[8]", "trainer.epochs=3", "tracking.enabled=false")


class Hearing(RunListener):
    """Keeps the events."""

    def __init__(self) -> None:
        self.events: list[RunEvent] = []

    def on(self, event: RunEvent) -> None:
        self.events.append(event)


class Failing(RunListener):
    """Raises at an event that `fails_at`."""

    def __init__(self, error: BaseException, fails_at: Callable[[RunEvent], bool] = lambda event: True) -> None:
        self.error, self.fails_at = error, fails_at
        self.told = 0

    def on(self, event: RunEvent) -> None:
        self.told += 1
        if self.fails_at(event):
            raise self.error


def small(folder: Path, *overrides: str) -> Job:
    return compose(*SMALL, f"runs_dir='{folder}'", "tracking.plots=false", *overrides)


def test_a_run_is_reported_from_its_start_to_its_end(tmp_path: Path) -> None:
    hearing = Hearing()
    result = run(small(tmp_path), listeners=[hearing])
    told = [event for event in hearing.events if not isinstance(event, Progress)]
    assert [type(event) for event in told] == [RunStarted, *[EpochEnd] * 3, TrainingEnd, training.Tested, RunEnded]
    started, *_, ended = told
    assert isinstance(started, RunStarted)
    assert isinstance(ended, RunEnded)
    assert started.directory == result.directory
    assert ended.result == result
    assert not ended.test_left_alone


def test_what_is_reported_is_recorded_by_then(tmp_path: Path) -> None:
    recorded: list[bool] = []

    class Comparing(RunListener):
        def on(self, event: RunEvent) -> None:
            match event:
                case RunStarted(directory):
                    self.directory = directory
                case EpochEnd(epoch, metrics):
                    recorded.append(StoredRun.open(self.directory).epochs[epoch] == metrics)
                case training.Tested(metrics):
                    recorded.append(StoredRun.open(self.directory).test == metrics)
                case RunEnded(result):
                    recorded.append(StoredRun.open(self.directory).status == result.status)

    run(small(tmp_path), listeners=[Comparing()])
    assert recorded == [True] * 5


def test_a_listener_that_fails_is_named_once_and_costs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = run(small(tmp_path))
    hearing, failing = Hearing(), Failing(ZeroDivisionError("as arranged"), lambda event: isinstance(event, EpochEnd))
    result = run(small(tmp_path), listeners=[failing, hearing])
    assert result.weights_sha256 == alone.weights_sha256
    assert StoredRun.open(result.directory).status == "finished"
    assert isinstance(hearing.events[-1], RunEnded)
    assert isinstance(hearing.events[failing.told - 1], EpochEnd), "nothing was told to it behind that"
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "Failing" in errors
    assert "ZeroDivisionError: as arranged" in errors


def test_a_listener_may_not_end_the_process_either() -> None:
    failing = Failing(SystemExit(3))
    listeners = Listeners[RunEvent]([failing])
    listeners.on(Notice("one"))
    listeners.on(Notice("two"))
    assert failing.told == 1


def test_ctrl_c_in_a_listener_ends_the_run_as_ctrl_c_does(tmp_path: Path) -> None:
    interrupting = Failing(KeyboardInterrupt(), lambda event: isinstance(event, EpochEnd) and event.epoch == 2)
    with pytest.raises(KeyboardInterrupt):
        run(small(tmp_path), listeners=[interrupting])
    (directory,) = tmp_path.iterdir()
    stored = StoredRun.open(directory)
    assert (stored.status, sorted(stored.epochs)) == ("interrupted", [1, 2])


def test_a_member_of_a_study_is_pruned_by_its_watch_once_the_epoch_is_reported(tmp_path: Path) -> None:
    hearing = Hearing()
    heard: list[int] = []

    def watch(epoch: int, metrics: object) -> str | None:
        heard.append(sum(isinstance(event, EpochEnd) for event in hearing.events))
        return "enough" if epoch == 2 else None

    member = Membership(tmp_path, tmp_path / "trial", "trial 0", {}, watch, lambda result: {})
    result = run(small(tmp_path), listeners=[hearing], member=member)
    assert heard == [1, 2]
    assert (result.status, result.reason, sorted(result.by_epoch)) == ("pruned", "enough", [1, 2])
    assert not any(isinstance(event, TrainingEnd | training.Tested) for event in hearing.events)


def test_a_run_that_diverges_warns_and_ends(tmp_path: Path) -> None:
    hearing = Hearing()
    run(small(tmp_path, "optimizer.lr=1e20", "model.activation=identity"), listeners=[hearing])
    warned = [event.text for event in hearing.events if isinstance(event, Warned)]
    ended = hearing.events[-1]
    assert isinstance(ended, RunEnded)
    assert warned == [ended.result.reason]
    assert ended.result.status == "diverged"
    assert not ended.test_left_alone


def test_pictures_that_fail_are_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **named: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr("nnlab.plots.draw_run", fail)
    hearing = Hearing()
    job = small(tmp_path)
    tracking = replace(job.config.tracking, plots=True)
    result = run(replace(job, config=replace(job.config, tracking=tracking)), listeners=[hearing])
    assert result.status == "finished"
    (warned,) = [event.text for event in hearing.events if isinstance(event, Warned)]
    assert "no room" in warned
