"""When a study gives up: too many of its trials fail, or all do that there can be."""

from __future__ import annotations

from optuna.trial import FrozenTrial

from nnlab.tuning.search.settings import SweepSettings
from nnlab.tuning.study import Study
from nnlab.tuning.trials import is_failure
from nnlab.wording import number_of

FEWEST_FAILURES = 10
"""With fewer, no study gives up; a study of more trials gives up after as many failures as it is to have trials."""
FEWEST_OF_OPEN_END = 30
"""The same for a study without a number of trials, which gives up when ten times as many fail as finish."""


class GivingUp:
    """Counts the failures of one session.

    Args:
        study: whose trials these are.
        settings: of the sweep.
    """

    def __init__(self, study: Study, settings: SweepSettings) -> None:
        self._study = study
        self._settings = settings
        self._failures = 0  # one that repeats another is not counted again

    def ended(self, trial: FrozenTrial) -> None:
        """Count a trial that has ended."""
        self._failures += is_failure(trial)

    @property
    def reason(self) -> str:
        """Why the study gives up, in words; empty while it does not."""
        if self._failures >= self._allowed:
            return f"{number_of(self._failures, 'trial')} failed (sweep.on_failure={self._settings.on_failure})"
        if self._study.is_exhausted:
            return f"{self._study.nothing_left}, and all that were tried failed; search other values"
        return ""

    @property
    def _allowed(self) -> int:
        if (allowed := self._settings.failures_allowed) is not None:
            return allowed
        if (trials := self._settings.trials) is not None:
            return max(trials, FEWEST_FAILURES)
        return max(10 * self._study.finished, FEWEST_OF_OPEN_END)
