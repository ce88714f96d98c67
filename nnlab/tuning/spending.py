"""How much of its budget a study has used, by its journal and its trials; the journal says first what is acted on."""

from __future__ import annotations

import time

from nnlab.runs.recorder import Recorder
from nnlab.runs.search_time import SearchTime
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import ENDED_BY_TAG, GOES_ON
from nnlab.tuning.budget import Budget, Use
from nnlab.tuning.report.budget_text import ended_text, setting
from nnlab.tuning.study import Study

SIGNS_OF_LIFE = 100
"""In the journal of a study that has a budget of time: a killed session has used the time up to its last."""
MOST_SECONDS_BETWEEN_SIGNS = 60.0


class Spending:
    """The use that one session of a study makes of its budget.

    Attributes:
        budget: of the study.

    Args:
        budget: of the study.
        study: opened.
        recorder: of the study's directory; this session has started there.
    """

    def __init__(self, budget: Budget, study: Study, recorder: Recorder) -> None:
        self.budget = budget
        self._study = study
        self._recorder = recorder
        self._time = SearchTime.of(recorder.directory.journal_path)
        self._ended_by = StoredRun.open(recorder.directory.path).tags.get(ENDED_BY_TAG, GOES_ON)
        self._signed = time.time()
        self._was_over = False
        self._in_the_end: Use | None = None

    @property
    def seconds(self) -> float:
        """Of search, over all sessions, up to now."""
        return self._time.before + max(0.0, time.time() - self._time.started)

    @property
    def use(self) -> Use:
        """How much of the budget is used now, or was when the search ended."""
        return self._in_the_end or self.budget.use(self._study.known, self.seconds)

    @property
    def unfinished(self) -> int:
        """How many trials were started and have not ended."""
        return sum(not trial.state.is_finished() for trial in self._study.known)

    @property
    def ended_by(self) -> str:
        """What has ended the search, and how much of it is used, in words; empty while nothing has."""
        use = self.use
        return next((ended_text(self.budget, use, key) for key in self.budget.used_up(use)), "")

    def is_over(self) -> bool:
        """Whether something else than the number of trials ends the search; then the journal says when that was seen.

        Raises:
            RunFailedError: if it cannot be written.
        """
        if not self.budget.is_more_than_a_number:
            return False
        is_over = bool(self.budget.used_up(self.use))
        if is_over and not self._was_over:
            self._sign()
        self._was_over = is_over  # not for good: where nothing better had come for long, a trial that ran may be better
        return is_over

    def sign(self) -> None:
        """Record a sign of life, if the last one is a while ago and the budget has a time.

        Raises:
            RunFailedError: if it cannot be written.
        """
        if self.budget.seconds is not None:
            pause = min(MOST_SECONDS_BETWEEN_SIGNS, self.budget.seconds / SIGNS_OF_LIFE)
            if abs(time.time() - self._signed) >= pause:
                self._sign()

    def _sign(self) -> None:
        self._recorder.tag({})
        self._signed = time.time()

    def start(self) -> None:
        """Take back what an earlier session said of the end of the search, if that goes on. May be repeated."""
        if self._ended_by != GOES_ON and not self.budget.used_up(self.use):
            self._note(GOES_ON)

    def end(self) -> None:
        """The search has ended: record by what, as `sweep.seconds=60`, or that nothing is left. May be repeated."""
        self._in_the_end = self.use
        used_up = [setting(self.budget, key) for key in self.budget.used_up(self.use)]
        self._note([*used_up, self._study.nothing_left][0])

    def _note(self, ended_by: str) -> None:
        self._recorder.tag({ENDED_BY_TAG: ended_by})
        self._ended_by = ended_by
