"""Stopping a run of this process at a chosen event, by a real signal."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nnlab.batch import compose
from nnlab.config.holdout import decided
from nnlab.config.job import Job
from nnlab.execution.events import RunEvent, Warned
from nnlab.execution.listener import RunListener
from nnlab.execution.run import run
from nnlab.training import EpochEnd

SMALL = (
    *("data=digits", "data.limit=400", "model.hidden=[12]", "model.dropout=0.2", "optimizer=adam", "trainer.epochs=6"),
    *("tracking.enabled=false", "tracking.plots=false"),
)


class Hearing(RunListener):
    """Keeps the events, and sends this process a signal at one of them."""

    def __init__(
        self, number: signal.Signals | None = None, at: Callable[[RunEvent], bool] = lambda event: False, times: int = 1
    ) -> None:
        self.events: list[RunEvent] = []
        self._number, self._at, self._times = number, at, times

    def on(self, event: RunEvent) -> None:
        self.events.append(event)
        if self._number is not None and self._at(event):
            for _ in range(self._times):
                signal.raise_signal(self._number)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def warnings(self) -> list[str]:
        return [event.text for event in self.of(Warned)]


def small(folder: Path, *overrides: str) -> Job:
    (job,) = decided([compose(*SMALL, f"runs_dir='{folder}'", *overrides)])
    return job


def at_epoch(epoch: int) -> Callable[[RunEvent], bool]:
    return lambda event: isinstance(event, EpochEnd) and event.epoch == epoch


AFTER_THREE = at_epoch(3)


def stopped(
    job: Job, at: Callable[[RunEvent], bool] = AFTER_THREE, number: signal.Signals = signal.SIGINT, times: int = 1
) -> Path:
    """The directory of a run that got a signal at an event."""
    before = set(Path(job.config.runs_dir).glob("*"))
    with pytest.raises(KeyboardInterrupt):
        run(job, listeners=[Hearing(number, at, times)])
    (path,) = set(Path(job.config.runs_dir).glob("*")) - before
    return path
