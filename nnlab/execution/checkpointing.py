"""When a run writes a checkpoint: as often as it costs next to nothing, beside training."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Annotated, Any

from nnlab.check import Range
from nnlab.config.schema import Config, as_dict
from nnlab.errors import RunFailedError
from nnlab.runs.checkpoints import Array, Checkpoint, Checkpoints
from nnlab.runs.directory import JOURNAL
from nnlab.runs.provenance import config_sha256
from nnlab.training import EpochEnd, Event, Progress, Trainer, TrainerState
from nnlab.typed import typed

MOST_OF_TRAINING = 0.01
"""The share of the time of training that checkpoints may take."""

FIRST_COST = 0.01
"""Seconds, as long as none has been written: a run of less than a second writes none."""

PROFILE = list[tuple[str, str, Annotated[int, Range(ge=0)], Annotated[float, Range(ge=0)]]]
"""Phase, operation, calls and seconds, see `Profile.sums`."""


class Checkpointing:
    """Writes the checkpoints of one run, and takes its training back to the newest one.

    A thread writes them, one at a time, from a copy of the state, while training goes on. That one cannot be written is
    told once, and is no reason to end a run.

    Attributes:
        cost: seconds of the processor that the last one took.

    Args:
        config: of the run.
        trainer: of the run.
        directory: of the run, whose journal has been started.
        warn: told what does not work.
    """

    def __init__(self, config: Config, trainer: Trainer, directory: Path, warn: Callable[[str], object]) -> None:
        self._seconds = config.trainer.checkpoint_seconds
        self._trainer = trainer
        self._journal = directory / JOURNAL
        self._checkpoints = Checkpoints(directory)
        self._warn = warn
        self._run = {"config_sha256": config_sha256(as_dict(config)), "data_sha256": trainer.dataset.sha256}
        self._begin = self._last = time.monotonic()
        self.cost = FIRST_COST
        self._is_worth_it = False
        self._writing: Thread | None = None
        self._failure = ""
        self._has_warned = False

    def restore(self, recorded: int) -> bool:
        """Take training back to the newest checkpoint that fits, before it runs; false if it has to begin anew.

        Args:
            recorded: how many epochs the journal has, from the first one on without a gap.
        """
        state = self._trainer.state()
        most_bytes = sum(array.nbytes for array in state.arrays.values())

        def take(checkpoint: Checkpoint) -> None:
            facts = checkpoint.facts
            if facts.get("run") != self._run:
                raise ValueError("it is of a run with another config or other data")
            if not isinstance(state := facts.get("state"), dict):
                raise ValueError("it holds no state of a training")
            if isinstance(epochs := state.get("epochs"), int) and epochs > recorded:
                raise ValueError(f"it is of epoch {epochs}, and the journal has {recorded}")
            spent = typed(PROFILE, facts.get("profile", []))
            self._trainer.restore(TrainerState(checkpoint.arrays, state))
            if self._trainer.profile is not None:
                self._trainer.profile.add(spent)

        journal_bytes = self._journal.stat().st_size
        self._is_worth_it = True
        return self._checkpoints.newest(journal_bytes, most_bytes, take, self._warn) is not None

    def on(self, event: Event) -> None:
        """Write one if it is due. Call it when all else has been done for the event, while the trainer waits."""
        self._tell()
        if self._seconds is not None and self._is_due(event):
            self._start()

    def write(self) -> None:
        """Write one now, and wait until it is on the disk: the run is about to end before its time."""
        if self._seconds is not None:
            self._start()
            self.close()

    def close(self) -> None:
        """Wait for one that is being written."""
        if self._writing is not None:
            self._writing.join()
            self._writing = None
        self._tell()

    def _is_due(self, event: Event) -> bool:
        """Inside an epoch by time. At its end sooner, if the last ones took no more than their share. At the end of
        training, from which more epochs may go on, if that is sooner than training again."""
        now, affordable = time.monotonic(), self.cost / MOST_OF_TRAINING
        since = now - self._last
        if isinstance(event, EpochEnd) and self._trainer.is_complete:
            return since > self.cost and (self._is_worth_it or now - self._begin > affordable)
        if self._writing is not None and self._writing.is_alive():
            return False
        if isinstance(event, EpochEnd):
            return since >= min(self._seconds or 0.0, affordable)
        return isinstance(event, Progress) and since >= (self._seconds or 0.0)

    def _start(self) -> None:
        self.close()
        self._is_worth_it, self._last = True, time.monotonic()
        try:
            state, profile = self._trainer.state(), self._trainer.profile
            if not math.isfinite(state.facts["loss"]):  # it has diverged, and ends at the next mark of the epoch
                return
            facts = {"run": self._run, "state": state.facts, "profile": [] if profile is None else profile.sums()}
            journal_bytes = self._journal.stat().st_size
        except (OSError, MemoryError) as error:
            self._failure = str(error)
            return
        copying = time.monotonic() - self._last
        self._writing = Thread(target=self._write, args=(state.arrays, facts, journal_bytes, copying), daemon=True)
        self._writing.start()

    def _write(self, arrays: dict[str, Array], facts: dict[str, Any], journal_bytes: int, copying: float) -> None:
        """In the thread. What it costs is the time that training cannot use: not that of the disk."""
        start = time.thread_time()
        try:
            self._checkpoints.write(arrays, facts, journal_bytes)
        except (RunFailedError, MemoryError) as error:
            self._failure = str(error)
        self.cost = copying + time.thread_time() - start

    def _tell(self) -> None:
        if self._failure and not self._has_warned:
            self._has_warned = True
            self._warn(
                f"no checkpoint could be written, so that a run that is killed has more to do again: {self._failure}"
            )
