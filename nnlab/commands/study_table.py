"""The moving picture of a study: its bar, its counts, its best trial, and one line per running trial."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO

# Only terminals pay for this import.
from rich.console import Console as RichConsole
from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nnlab.streams import encodable, width_of
from nnlab.tuning.report.budget_text import clock, left_text
from nnlab.tuning.report.standing import Standing
from nnlab.tuning.report.trial_line import named_objective, of_total, running_line

SECONDS_BETWEEN_REFRESHES = 0.25
# With more workers, the table shows the trials that started last.
RUNNING_TRIALS_SHOWN = 8


@dataclass
class _Running:
    """A running trial: its searched values, its latest epoch and that one's scores."""

    values: str
    epoch: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


class StudyTable:
    """The picture of a study.

    The calls themselves draw it, four times a second at most: no thread competes with the coordinator.
    """

    def __init__(self, out: TextIO, errors: TextIO) -> None:
        self._running: dict[str, _Running] = {}
        self._out = out
        self._next_drawing = 0.0
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

    def start(self, name: str, values: str) -> None:
        """Give a trial, by its `trial_name`, a line from the next drawing on."""
        self._running[name] = _Running(values)

    def epoch(self, name: str, epoch: int, scores: Mapping[str, float]) -> None:
        """Show the scores of its latest epoch there."""
        if name in self._running:
            self._running[name].epoch, self._running[name].scores = epoch, scores

    def end(self, name: str) -> None:
        """Take its line away."""
        self._running.pop(name, None)

    def draw(self, standing: Standing) -> None:
        """Show the standing, unless the table was drawn a moment ago."""
        now = time.monotonic()
        if now < self._next_drawing:
            return
        self._next_drawing = now + SECONDS_BETWEEN_REFRESHES
        self._live.update(self._picture(standing), refresh=True)

    def print_above(self, text: str, style: str = "") -> None:
        """Print a line that stays, above the table."""
        self._live.console.print(Text(encodable(text, self._out), style=style), soft_wrap=True)

    def close(self) -> None:
        """Erase the table and give the terminal back."""
        self._live.stop()

    def _picture(self, standing: Standing) -> Group:
        bar = Table.grid(padding=(0, 1), expand=True)
        bar.add_column(no_wrap=True)
        bar.add_column(ratio=1)
        bar.add_column(no_wrap=True)
        bar.add_row(
            of_total(standing.done, standing).strip(),
            ProgressBar(total=None if standing.share is None else 1.0, completed=standing.share or 0.0),
            f"{clock(standing.seconds_left)} left",
        )
        width = width_of(self._out)
        lines = [counts_text(standing), best_text(standing)]
        if standing.budget is not None and standing.budget.is_more_than_a_number:
            lines.append(f"ends  {left_text(standing.budget, standing.use)}")
        for name in list(self._running)[-RUNNING_TRIALS_SHOWN:]:
            trial = self._running[name]
            lines.append(running_line(name, trial.epoch, trial.scores, trial.values, width))
        shown = (Text(encodable(line, self._out), no_wrap=True, overflow="ellipsis") for line in lines)
        return Group(bar, *shown)


def counts_text(standing: Standing) -> str:
    """How many trials have ended in each way, how many run, and how many finish per minute."""
    counts = [f"{getattr(standing, state)} {state}" for state in ("complete", "pruned", "failed", "running")]
    if standing.over_limit:
        counts.insert(2, f"{standing.over_limit} over their limit")
    rate = standing.per_minute
    return "  ".join([*counts, *([] if rate is None else [f"{rate:.1f} trials/min"])])


def best_text(standing: Standing) -> str:
    """The best trial so far and its objectives."""
    if standing.best_trial is None:
        return "no complete trial yet"
    values = zip(standing.objectives, standing.best_values, strict=True)
    return f"best  {'  '.join(named_objective(*value) for value in values)}  trial {standing.best_trial}"
