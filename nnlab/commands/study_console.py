"""What a person sees of a study: a line an ended trial, and on a terminal a table that moves below them.

Results go to standard output, warnings to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from optuna.trial import FrozenTrial, TrialState

from nnlab.commands.display import Display, harmless, is_live
from nnlab.streams import folded, nowhere, open_closed, width_of, work_is_kept, write_line
from nnlab.tuning.report.standing import Standing
from nnlab.tuning.report.trial_facts import values_text
from nnlab.tuning.report.trial_line import trial_line

if TYPE_CHECKING:
    from nnlab.commands.study_table import StudyTable

STYLES = {TrialState.FAIL: "red", TrialState.PRUNED: "dim"}


def study_console_for(out: TextIO | None = None, errors: TextIO | None = None) -> StudyConsole:
    """Choose how to show a study on the stream `out`; the defaults are the process's own streams, if it has any."""
    open_closed()
    work_is_kept()
    out = out or sys.stdout or nowhere()
    errors = errors or sys.stderr or nowhere()
    return StudyConsole(out, errors, live=is_live(out))


class StudyConsole(Display):
    """Shows a study; used in a `with` block, which leaves the terminal as it was.

    None of its methods raises: what cannot be shown is no reason to end a study.

    Args:
        out: where results go.
        errors: where warnings go.
        live: the standing of the study and its running trials in the last lines of the terminal, below the lines of
            the trials that ended. Else these lines alone.
    """

    def __init__(self, out: TextIO, errors: TextIO, *, live: bool) -> None:
        super().__init__(out, errors, live=live)
        self._table: StudyTable | None = None
        # The widest screen that was too narrow for a trial's line in full. Columns are to stay in place, so that all
        # lines are short from then on.
        self._too_narrow = 0

    @harmless
    def started(self, title: str) -> None:
        """Announce the study, in one line or a few."""
        self._close()
        write_line(self.out, folded(title, width_of(self.out)))
        if self._is_live:
            from nnlab.commands.study_table import StudyTable

            self._picture = self._table = StudyTable(self.out, self.errors)
            self._table.open()

    @harmless
    def trial_started(self, number: int, values: Mapping[str, Any]) -> None:
        """Say that a trial with these searched values is under way."""
        if self._table is not None:
            self._table.begin(number, values_text(values))

    @harmless
    def epoch(self, number: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Say that a running trial has finished an epoch with these metrics, named as in the journal."""
        if self._table is not None:
            self._table.epoch(number, epoch, metrics)

    @harmless
    def trial_ended(self, trial: FrozenTrial, standing: Standing) -> None:
        """Show a trial that has ended, and the standing with it."""
        style = "bold" if trial.number == standing.best_trial else STYLES.get(trial.state, "")
        self._line(self._fitting(trial, standing), style)
        if self._table is not None:
            self._table.end(trial.number)
            self._table.draw(standing)

    @harmless
    def tick(self, standing: Standing) -> None:
        """Show the standing as it is now; cheap enough to call many times a second."""
        if self._table is not None:
            self._table.draw(standing)

    @harmless
    def message(self, text: str) -> None:
        """Say something on the way."""
        self._line(text)

    @harmless
    def warning(self, text: str) -> None:
        """Warn, on standard error."""
        super().warning(text)

    @harmless
    def finished(self, *blocks: str) -> None:
        """Show the end: blocks of text with an empty line before each."""
        self._close()
        for block in blocks:
            write_line(self.out, f"\n{block}")

    def _fitting(self, trial: FrozenTrial, standing: Standing) -> str:
        """The trial's line in full, or in short where the screen is too narrow; in either case nothing is cut off."""
        width = width_of(self.out)
        line = trial_line(trial, standing)
        if width is None:
            return line
        if len(line) > width and trial.state != TrialState.FAIL:  # a reason is of any length
            self._too_narrow = max(self._too_narrow, width)
        return folded(trial_line(trial, standing, is_short=width <= self._too_narrow), width)

    def _close(self) -> None:
        self._table = None
        super()._close()

    def _failed(self, error: BaseException) -> None:
        self._table = None
        super()._failed(error)
