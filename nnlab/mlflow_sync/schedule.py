"""When the mirror looks at a run that it follows: often enough to be fresh, seldom enough to leave training alone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from nnlab.runs.directory import RunDirectory

LONGEST_PAUSE_SECONDS = 30.0
"""Between two attempts while MLflow is away."""
REST = 40.0
"""Runs still going are left alone for so many times as long as the processor was last busy with one of them."""
LONGEST_REST_SECONDS = 10.0


@dataclass
class Following:
    """How it stands with a run that is followed; times are those of the monotonic clock.

    Attributes:
        failures: how often in a row sending has failed.
        retry_at: when it is worth trying again.
        rest_until: until when it is left alone unless it ends.
        awaits: the study that MLflow must have got before the run.
        offset: how many bytes of its journal have arrived.
    """

    failures: int = 0
    retry_at: float = 0.0
    rest_until: float = 0.0
    awaits: Path | None = None
    offset: int = 0

    def is_due(self, run: Path) -> bool:
        """Whether to send what is new of the run now."""
        now = time.monotonic()
        return now >= self.retry_at and (now >= self.rest_until or not RunDirectory.is_alive(run))

    def failed(self) -> None:
        """Sending has failed: try again after a pause, each longer than the last."""
        self.failures += 1
        self.retry_at = time.monotonic() + min(2.0**self.failures, LONGEST_PAUSE_SECONDS)

    def came_to(self, offset: int, busy: float, runs: int = 1) -> None:
        """So much has arrived, and the processor was busy with it for so many seconds; `runs` are followed in all."""
        self.failures = 0
        self.offset = offset
        self.rest_until = time.monotonic() + min(REST * busy * runs, LONGEST_REST_SECONDS)
