"""What a person sees of a study: a table that moves on a terminal, a line an ended trial everywhere else.

Results go to standard output, warnings to standard error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TextIO

from optuna.trial import FrozenTrial, TrialState

from nnlab.console import encodable, is_live, write_line
from nnlab.tuning.report.standing import Standing
from nnlab.tuning.report.trial_facts import objective_text, status_of, values_text
from nnlab.tuning.trials import Asked, Outcome

if TYPE_CHECKING:
    from rich.console import Group

SECONDS_BETWEEN_REFRESHES = 0.25
# Of more workers than that, the table shows the trials that started last.
RUNNING_TRIALS_SHOWN = 8
STYLES = {TrialState.FAIL: "red", TrialState.PRUNED: "dim"}


def study_console_for(out: TextIO | None = None, errors: TextIO | None = None) -> StudyConsole:
    """Choose how to show a study on the stream `out`; the defaults are the process's own streams."""
    out = sys.stdout if out is None else out
    errors = sys.stderr if errors is None else errors
    return StudyConsole(out, errors, live=is_live(out))


class StudyConsole:
    """Shows a study; used in a `with` block, which leaves the terminal as it was.

    Args:
        out: where results go.
        errors: where warnings go.
        live: the standing of the study and its running trials in the last lines of the terminal, below the lines of
            the trials that ended. Else these lines alone.
    """

    def __init__(self, out: TextIO, errors: TextIO, *, live: bool) -> None:
        self.out = out
        self.errors = errors
        self._is_live = live
        self._table: _Table | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()

    def started(self, title: str) -> None:
        """Announce the study, in one line or a few."""
        self._close()
        write_line(self.out, title)
        if self._is_live:
            self._table = _Table(self.out, self.errors)
            self._table.open()

    def trial_started(self, number: int, values: Mapping[str, Any]) -> None:
        """Say that a trial with these searched values is under way."""
        if self._table is not None:
            self._table.running[number] = values_text(values)

    def epoch(self, number: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Say that a running trial has finished an epoch with these metrics, named as in the journal."""
        if self._table is not None:
            scores = "  ".join(f"{name} {objective_text(name, value)}" for name, value in metrics.items())
            self._table.epochs[number] = f"epoch {epoch}  {scores}"

    def trial_ended(self, trial: FrozenTrial, standing: Standing) -> None:
        """Show a trial that has ended, and the standing with it."""
        line = trial_line(trial, standing)
        if self._table is None:
            write_line(self.out, line)
        else:
            is_best = trial.number == standing.best_trial
            style = "bold" if is_best else STYLES.get(trial.state, "")
            # Values that do not fit are in the tables at the end; a reason is wanted whole.
            self._table.print_above(line, style, is_cut=trial.state != TrialState.FAIL)
            self._table.running.pop(trial.number, None)
            self._table.epochs.pop(trial.number, None)
            self._table.draw(standing)

    def tick(self, standing: Standing) -> None:
        """Show the standing as it is now; cheap enough to call many times a second."""
        if self._table is not None:
            self._table.draw(standing)

    def message(self, text: str) -> None:
        """Say something on the way."""
        if self._table is not None:
            self._table.print_above(text)
        else:
            write_line(self.out, text)

    def warning(self, text: str) -> None:
        """Warn, on standard error."""
        # Where errors go to a terminal it is the table's own, and only the table knows where it stands there.
        if self._table is not None and self.errors.isatty():
            self._table.print_above(f"warning: {text}")
        else:
            write_line(self.errors, f"warning: {text}")

    def finished(self, *blocks: str) -> None:
        """Show the end: blocks of text with an empty line before each."""
        self._close()
        for block in blocks:
            write_line(self.out, f"\n{block}")

    def _close(self) -> None:
        if self._table is not None:
            self._table.close()
            self._table = None


class _Table:
    """The bar of the study, its counts, its best trial, and a line a running trial.

    The calls themselves draw it, four times a second at most: no thread competes with the coordinator.
    """

    def __init__(self, out: TextIO, errors: TextIO) -> None:
        # Only terminals pay for this import.
        from rich.console import Console as RichConsole
        from rich.live import Live
        from rich.text import Text

        self.running: dict[int, str] = {}
        self.epochs: dict[int, str] = {}
        self._out = out
        self._next_drawing = 0.0
        self._text = Text
        self._live = Live(
            console=RichConsole(file=out, force_terminal=True, highlight=False),
            auto_refresh=False,
            transient=True,
            # What libraries print appears above the table, but what the user sent to a file stays there.
            redirect_stdout=out is sys.stdout,
            redirect_stderr=errors is sys.stderr and errors.isatty(),
        )

    def open(self) -> None:
        """Take the last lines of the terminal and hide its cursor, until `close`."""
        self._live.start()

    def draw(self, standing: Standing) -> None:
        """Show the standing, unless the table was drawn a moment ago."""
        now = time.monotonic()
        if now < self._next_drawing:
            return
        self._next_drawing = now + SECONDS_BETWEEN_REFRESHES
        self._live.update(self._picture(standing), refresh=True)

    def print_above(self, text: str, style: str = "", *, is_cut: bool = False) -> None:
        """Print a line that stays, above the table; one that is cut ends where the terminal does."""
        line = self._text(encodable(text, self._out), style=style)
        if is_cut:
            self._live.console.print(line, no_wrap=True, overflow="ellipsis")
        else:
            self._live.console.print(line, soft_wrap=True)

    def close(self) -> None:
        """Erase the table and give the terminal back."""
        self._live.stop()

    def _picture(self, standing: Standing) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        bar = Table.grid(padding=(0, 1), expand=True)
        bar.add_column(no_wrap=True)
        bar.add_column(ratio=1)
        bar.add_column(no_wrap=True)
        bar.add_row(
            f"{standing.done}/{standing.total}",
            ProgressBar(total=standing.total, completed=standing.done),
            f"{_clock(standing.seconds_left)} left",
        )
        lines = [counts_text(standing), best_text(standing)]
        for number in list(self.running)[-RUNNING_TRIALS_SHOWN:]:
            parts = (f"trial {number}", self.epochs.get(number, "starting"), self.running[number])
            lines.append("  ".join(parts))
        shown = (self._text(encodable(line, self._out), no_wrap=True, overflow="ellipsis") for line in lines)
        return Group(bar, *shown)


def trial_line(trial: FrozenTrial, standing: Standing) -> str:
    """A trial that ended, in columns that stay in place; the reason in place of scores if it failed.

    Example: ` 7/30  trial  8  finished  val/loss 0.0421  best   3 epochs     1.2 s  lr=0.1 batch_size=32`.
    """
    digits = len(str(standing.total))
    asked, outcome, status = Asked.of(trial), Outcome.of(trial), status_of(trial)
    columns = [f"{standing.done:>{digits}}/{standing.total}", f"trial {trial.number:>{digits}}", f"{status:<8}"]
    if trial.state == TrialState.FAIL:
        columns.append(" ".join(outcome.reason.split()) if outcome is not None else "")
    elif outcome is not None:
        columns += [_objective_text(name, value) for name, value in _values(trial, outcome, standing.objectives)]
        columns.append("best" if trial.number == standing.best_trial else "    ")
        if asked.duplicate_of is None:
            epochs = "epoch " if outcome.epochs == 1 else "epochs"
            columns += [f"{outcome.epochs:>2} {epochs}", f"{outcome.seconds:>6.1f} s"]
        else:
            columns.append(f"same as trial {asked.duplicate_of:<5}")
    columns.append(values_text(asked.values))
    return "  ".join(filter(None, columns))


def counts_text(standing: Standing) -> str:
    """How many trials ended how, how many run, and how fast they come."""
    counts = [f"{getattr(standing, state)} {state}" for state in ("complete", "pruned", "failed", "running")]
    rate = standing.per_minute
    return "  ".join([*counts, *([] if rate is None else [f"{rate:.1f} trials/min"])])


def best_text(standing: Standing) -> str:
    """The best trial so far and its objectives."""
    if standing.best_trial is None:
        return "no complete trial yet"
    values = zip(standing.objectives, standing.best_values, strict=True)
    return f"best  {'  '.join(_objective_text(*value) for value in values)}  trial {standing.best_trial}"


def _values(trial: FrozenTrial, outcome: Outcome, objectives: Sequence[str]) -> list[tuple[str, float]]:
    """The objectives as far as they are known: of a pruned trial its last score."""
    if trial.values is not None:
        return list(zip(objectives, trial.values, strict=False))
    return [(name, outcome.scores[name]) for name in objectives if name in outcome.scores]


def _objective_text(name: str, value: float) -> str:
    return f"{name} {objective_text(name, value):>6}"


def _clock(seconds: float | None) -> str:
    """`1:16` or `2:03:45`."""
    if seconds is None:
        return "-:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
