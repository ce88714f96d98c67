"""When the worker looks at a run again: often enough to be up to date, rarely enough not to slow training."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from nnlab.runs.directory import RunDirectory

LONGEST_PAUSE_SECONDS = 30.0
"""Between two attempts while MLflow is down."""
REST = 40.0
"""A run that still trains is left alone for so many times as long as its last upload kept the processor busy."""
LONGEST_REST_SECONDS = 10.0


@dataclass
class Attempts:
    """When to try again what has failed; times are those of the monotonic clock.

    Attributes:
        failures: how often in a row it has failed.
        only_a_person_helps: whether the last failure said that trying again will not help by itself.
        retry_at: when it is worth trying again.
    """

    failures: int = 0
    only_a_person_helps: bool = False
    retry_at: float = 0.0

    @property
    def is_due(self) -> bool:
        """Whether to try now."""
        return time.monotonic() >= self.retry_at

    def failed(self, *, only_a_person_helps: bool = False) -> None:
        """Try again after a pause, each longer than the last."""
        self.failures += 1
        self.only_a_person_helps = only_a_person_helps
        self.retry_at = time.monotonic() + min(2.0**self.failures, LONGEST_PAUSE_SECONDS)

    def succeeded(self) -> None:
        """What was before no longer counts."""
        self.failures, self.only_a_person_helps, self.retry_at = 0, False, 0.0


@dataclass
class Schedule:
    """When a run is due to be uploaded.

    Attributes:
        attempts: to upload it.
        rest_until: until when, by the monotonic clock, the run is not uploaded unless it ends.
        awaits: the study that MLflow must have before the run.
        offset: how many bytes of the run's journal have arrived.
    """

    attempts: Attempts = field(default_factory=Attempts)
    rest_until: float = 0.0
    awaits: Path | None = None
    offset: int = 0

    def is_due(self, run: Path) -> bool:
        """Whether to upload what is new in the run now."""
        return self.attempts.is_due and (time.monotonic() >= self.rest_until or not RunDirectory.is_alive(run))

    def uploaded(self, offset: int, busy: float, runs: int = 1) -> None:
        """The journal has arrived up to `offset`.

        Args:
            offset: in bytes.
            busy: for how many seconds the upload kept the processor busy.
            runs: how many are followed in total.
        """
        self.attempts.succeeded()
        self.offset = offset
        self.rest_until = time.monotonic() + min(REST * busy * runs, LONGEST_REST_SECONDS)
