"""When the worker looks at a run again: often enough to be up to date, rarely enough not to slow training."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from nnlab.runs.directory import RunDirectory

LONGEST_PAUSE_SECONDS = 30.0
"""Between two attempts while MLflow is down."""
REST = 40.0
"""A run that still trains is left alone for so many times as long as its last upload kept the processor busy."""
LONGEST_REST_SECONDS = 10.0


@dataclass
class Schedule:
    """When a run is due to be uploaded; times are those of the monotonic clock.

    Attributes:
        failures: how often in a row the upload has failed.
        retry_at: when it is worth trying again.
        rest_until: until when the run is not uploaded unless it ends.
        awaits: the study that MLflow must have before the run.
        offset: how many bytes of the run's journal have arrived.
    """

    failures: int = 0
    retry_at: float = 0.0
    rest_until: float = 0.0
    awaits: Path | None = None
    offset: int = 0

    def is_due(self, run: Path) -> bool:
        """Whether to upload what is new in the run now."""
        now = time.monotonic()
        return now >= self.retry_at and (now >= self.rest_until or not RunDirectory.is_alive(run))

    def failed(self) -> None:
        """The upload has failed: try again after a pause, each longer than the last."""
        self.failures += 1
        self.retry_at = time.monotonic() + min(2.0**self.failures, LONGEST_PAUSE_SECONDS)

    def uploaded(self, offset: int, busy: float, runs: int = 1) -> None:
        """The journal has arrived up to `offset`.

        Args:
            offset: in bytes.
            busy: for how many seconds the upload kept the processor busy.
            runs: how many are followed in total.
        """
        self.failures = 0
        self.offset = offset
        self.rest_until = time.monotonic() + min(REST * busy * runs, LONGEST_REST_SECONDS)
