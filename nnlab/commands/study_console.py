"""What a person sees of a study: one line per ended trial, and on a terminal a live table below them.

Results go to standard output, warnings to standard error.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from optuna.trial import FrozenTrial, TrialState

from nnlab.commands.display import Display, harmless, is_live
from nnlab.commands.study_summary import confirmation_title, how_to_resume, over_line, summary, title
from nnlab.execution.events import Notice, Warned
from nnlab.streams import folded, null_stream, open_closed, width_of, work_is_kept, write_line
from nnlab.tuning.events import (
    BudgetUsedUp,
    ConfirmationStarted,
    ConfirmingRunEnded,
    FurtherRunEnded,
    StandingNow,
    StudyEnded,
    StudyEvent,
    StudyLeft,
    StudyStarted,
    StudyStopping,
    TrialEnded,
    TrialEpoch,
    TrialLost,
    TrialStarted,
)
from nnlab.tuning.listener import StudyListener
from nnlab.tuning.report.standing import Standing
from nnlab.tuning.report.trial_facts import values_text
from nnlab.tuning.report.trial_line import confirming_line, further_line, trial_line, trial_name
from nnlab.wording import number_of

if TYPE_CHECKING:
    from nnlab.commands.study_table import StudyTable

STYLES = {TrialState.FAIL: "red", TrialState.PRUNED: "dim"}


def study_console_for(out: TextIO | None = None, errors: TextIO | None = None) -> StudyConsole:
    """Choose how to show a study on the stream `out`; the defaults are the process's own streams, if it has any."""
    open_closed()
    work_is_kept()
    out = out or sys.stdout or null_stream()
    errors = errors or sys.stderr or null_stream()
    return StudyConsole(out, errors, live=is_live(out))


class StudyConsole(Display, StudyListener):
    """Shows a study; used in a `with` block, which leaves the terminal as it was.

    It never raises: what cannot be shown is no reason to end a study.

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
    def on(self, event: StudyEvent) -> None:
        """Show what there is to see of an event."""
        match event:
            case StudyStarted():
                self._started(event)
            case TrialStarted(number, values, again, place, further):
                if self._table is not None:
                    self._table.start(trial_name(number, place, further), values_text(values))
                if again:
                    self._line(f"{trial_name(number, place, further)} was interrupted and restarts")
            case TrialEpoch(number, epoch, scores, place, further):
                if self._table is not None:
                    self._table.epoch(trial_name(number, place, further), epoch, scores)
            case TrialLost(number, reason, attempt, retries, place, further):
                self._warning(f"{trial_name(number, place, further)} is retried ({attempt} of {retries}): {reason}")
            case ConfirmationStarted():
                self._line(confirmation_title(event))
            case TrialEnded(trial, standing):
                self._ended(trial, standing)
            case ConfirmingRunEnded(run, number, place, standing):
                self._line(confirming_line(run, number, place, standing), STYLES.get(run.state, ""))
                if self._table is not None:
                    self._table.end(trial_name(number, place))
                    self._table.draw(standing)
            case FurtherRunEnded(run, number, place, trial, standing):
                self._line(further_line(run, number, place, trial, standing), STYLES.get(run.state, ""))
                if self._table is not None:
                    self._table.end(trial_name(number, further=place))
                    self._table.draw(standing)
            case StandingNow(standing):
                if self._table is not None:
                    self._table.draw(standing)
            case StudyStopping(running):
                self._line(
                    f"Ctrl-C: {number_of(running, 'running trial')} will finish, and no new ones start. "
                    "Press Ctrl-C again to stop now."
                )
            case BudgetUsedUp():
                self._line(over_line(event))
            case StudyLeft(directory):
                self._line(how_to_resume(directory))
            case Notice(text):
                self._line(text)
            case Warned(text):
                self._warning(text)
            case StudyEnded():
                self._close()
                write_line(self.out, f"\n{summary(event, encoding=self.out.encoding, width=width_of(self.out))}")

    def _started(self, event: StudyStarted) -> None:
        self._close()
        write_line(self.out, folded(title(event), width_of(self.out)))
        if self._is_live:
            from nnlab.commands.study_table import StudyTable

            self._picture = self._table = StudyTable(self.out, self.errors)
            self._table.open()

    def _ended(self, trial: FrozenTrial, standing: Standing) -> None:
        style = "bold" if trial.number == standing.best_trial else STYLES.get(trial.state, "")
        self._line(self._fitting(trial, standing), style)
        if self._table is not None:
            self._table.end(trial_name(trial.number))
            self._table.draw(standing)

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
