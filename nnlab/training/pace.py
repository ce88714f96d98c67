"""How many steps to take at once: many where they are fast, few where they are slow. It changes no number."""

from __future__ import annotations

STEPS_BETWEEN_REPORTS = 64
"""At most, in an epoch of up to fifty times as many."""

SECONDS_BETWEEN_REPORTS = 0.25
"""At most, about, unless one step takes longer: between reports nothing can be saved, and nobody can interrupt."""

SECONDS_AT_ONCE = 0.1


class Pace:
    """Paces an epoch after the other.

    Args:
        steps_per_epoch: how many an epoch has.

    Attributes:
        interval: steps between two marks of an epoch, at which its loss is looked at, whatever the pace.
    """

    def __init__(self, steps_per_epoch: int) -> None:
        self.interval = max(STEPS_BETWEEN_REPORTS, steps_per_epoch // 50)
        self._steps = 0
        self._seconds = 0.0
        self._steps_a_second = 0.0

    def steps(self, done: int) -> int:
        """How many to take next, after `done` of an epoch: none past its next mark."""
        most = min(self.interval - self._steps, self.interval - done % self.interval)
        return max(1, min(most, int(SECONDS_AT_ONCE * self._steps_a_second)))

    def took(self, steps: float, seconds: float) -> None:
        """Count what has been taken; the last step may be a fraction, where its batch is smaller."""
        self._steps_a_second = steps / max(seconds, 1e-9)
        self._steps += round(steps)
        self._seconds += seconds

    @property
    def is_report_due(self) -> bool:
        """Whether as many steps have been taken since the last report, or for as long, that another is due."""
        return self._steps >= self.interval or self._seconds > SECONDS_BETWEEN_REPORTS - SECONDS_AT_ONCE

    def reported(self) -> None:
        """Count from here on."""
        self._steps, self._seconds = 0, 0.0
