"""When checkpoints are written, that training goes on from them, and that their failure ends nothing."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nnlab.batch import compose
from nnlab.config.build import build_trainer
from nnlab.config.job import Job
from nnlab.execution import checkpointing as module
from nnlab.execution.checkpointing import Checkpointing
from nnlab.runs.checkpoints import Checkpoints
from nnlab.runs.directory import JOURNAL
from nnlab.training import EpochEnd, Progress, Trainer, TrainingEnd, pace

DIGITS = ("data=digits", "data.limit=640", "model.hidden=[8]", "trainer.batch_size=4", "trainer.epochs=3")


class Clock:
    """A time that passes by itself only where it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def thread_time(self) -> float:
        return time.thread_time()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / JOURNAL).write_text("{}\n")
    return tmp_path


def started(folder: Path, *overrides: str, told: list[str] | None = None) -> tuple[Trainer, Checkpointing, Job]:
    job = compose(*DIGITS, *overrides)
    trainer = build_trainer(job.config, job.load())
    warn = pytest.fail if told is None else told.append
    return trainer, Checkpointing(job.config, trainer, folder, warn), job


def trained(
    trainer: Trainer, checkpointing: Checkpointing, clock: Clock | None = None, seconds: float = 0.0
) -> list[Any]:
    """The events after which a checkpoint was begun, where each event comes so many seconds after the one before."""
    after: list[Any] = []
    begin = checkpointing._start
    with closing(checkpointing), closing(trainer.run(test=False)) as events:
        for event in events:
            if clock is not None:
                clock.now += seconds

            def noted(event: Any = event) -> None:
                after.append((event.epoch, event.step if isinstance(event, Progress) else "end"))
                begin()
                checkpointing.close()
                checkpointing.cost = 0.02

            checkpointing._start = noted  # type: ignore[method-assign]
            checkpointing.on(event)
    return after


def test_in_long_epochs_they_are_written_by_time_and_at_each_end(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "SECONDS_BETWEEN_REPORTS", float("inf"))
    trainer, checkpointing, _ = started(folder)
    trainer._pace.interval = 10
    assert trained(trainer, checkpointing, clock, 12.0) == [
        *((epoch, step) for epoch in (1, 2, 3) for step in (30, 60, 90, 120, 150, "end")),
    ]


def test_in_short_epochs_as_often_as_their_cost_is_one_percent(folder: Path, clock: Clock) -> None:
    trainer, checkpointing, _ = started(folder, "trainer.batch_size=full", "trainer.epochs=20")
    assert trained(trainer, checkpointing, clock, 0.75) == [(2, "end"), *((epoch, "end") for epoch in range(5, 21, 3))]


def test_a_run_of_less_than_a_second_writes_none(folder: Path, clock: Clock) -> None:
    trainer, checkpointing, _ = started(folder)
    assert trained(trainer, checkpointing, clock, 0.05) == []
    assert not (folder / "checkpoints").exists()


def test_null_writes_none(folder: Path, clock: Clock) -> None:
    trainer, checkpointing, _ = started(folder, "trainer.checkpoint_seconds=null")
    assert trained(trainer, checkpointing, clock, 1000.0) == []
    checkpointing.write()
    assert not (folder / "checkpoints").exists()


def metrics(event: EpochEnd) -> dict[str, float]:
    return {name: number for name, number in event.metrics.items() if not name.startswith("time/")}


def weights(trainer: Trainer) -> bytes:
    return trainer.objective.network.parameters.values_vector.tobytes()


KINDS = {
    "adam": ("optimizer=adam", "model.dropout=0.3", "schedule=cosine"),
    "momentum": ("optimizer=momentum", "regularizer=l2", "trainer.clip_norm=1", "trainer.patience=1"),
    "decay": ("optimizer=momentum", "regularizer=l2", "dtype=float64", "schedule=step", "schedule.warmup=1.5"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_stopped_anywhere_goes_on_from_its_files(kind: str, folder: Path) -> None:
    whole, _, _ = started(folder, *KINDS[kind])
    ends = {event.epoch: metrics(event) for event in whole.run(test=False) if isinstance(event, EpochEnd)}

    found: dict[int, dict[str, float]] = {}
    end: TrainingEnd | None = None
    for attempt in itertools.count():
        trainer, checkpointing, _ = started(folder, *KINDS[kind])
        trainer._pace.interval = 7
        assert checkpointing.restore(len(found)) == (attempt > 0)
        with closing(checkpointing), closing(trainer.run(test=False)) as events:
            for event in itertools.islice(events, 5):  # three stops inside each epoch
                if isinstance(event, EpochEnd):
                    found[event.epoch] = metrics(event)
                if isinstance(event, TrainingEnd):
                    end = event
                else:
                    checkpointing.write()
        if end is not None:
            break
        assert attempt < 100
    assert attempt > 2 * len(ends)
    assert found == ends
    assert weights(trainer) == weights(whole)


def test_a_checkpoint_of_an_epoch_that_the_journal_has_not_is_not_used(folder: Path) -> None:
    trainer, checkpointing, _ = started(folder)
    for event in trainer.run():
        if isinstance(event, EpochEnd) and event.epoch == 2:
            checkpointing.write()
            break
    for recorded, used in ((1, False), (2, True), (3, True)):
        told: list[str] = []
        again, other, _ = started(folder, told=told)
        assert other.restore(recorded) == used
        assert again.epochs == (2 if used else 0)
        assert len(told) == (0 if used else 1)


@pytest.mark.parametrize(
    ("change", "used"),
    [("seed=1", False), ("optimizer.lr=0.2", False), ("data.limit=320", False), ("trainer.checkpoint_seconds=5", True)],
)
def test_a_checkpoint_of_another_run_is_told(change: str, used: bool, folder: Path) -> None:
    trainer, checkpointing, _ = started(folder)
    with closing(trainer.run()) as events:
        next(events)
        checkpointing.write()
    told: list[str] = []
    again, other, _ = started(folder, change, told=told)
    begin = weights(again)
    assert other.restore(3) == used
    assert (weights(again) != begin) == used
    assert len(told) == (0 if used else 1)


def test_a_full_disk_is_told_once_and_training_goes_on(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    told: list[str] = []
    trainer, checkpointing, _ = started(folder, told=told)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        begun = trained(trainer, checkpointing, clock, 100.0)
    assert len(begun) > 3
    assert len(told) == 1
    assert "No space left" in told[0]
    assert trainer.epochs == 3


def test_training_does_not_wait_for_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that hangs while a checkpoint is written: training goes on, without further ones, until it ends."""
    hanging = iter([True])
    released: list[bool] = []

    def hang(self: Checkpoints, *_: Any) -> None:
        if next(hanging, False):
            deadline = time.monotonic() + 60
            while not released and time.monotonic() < deadline:
                time.sleep(0.001)

    monkeypatch.setattr(Checkpoints, "write", hang)
    trainer, checkpointing, _ = started(folder, "trainer.checkpoint_seconds=1e-9")
    with closing(checkpointing):
        for event in trainer.run(test=False):
            if isinstance(event, EpochEnd) and event.epoch == 2:
                assert checkpointing._writing is not None
                assert checkpointing._writing.is_alive()
                released.append(True)
            checkpointing.on(event)
    assert trainer.epochs == 3


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())  # other tests' libraries have theirs
    yield
    assert set(threading.enumerate()) <= before
