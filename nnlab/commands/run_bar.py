"""The moving picture of a run: a line with epoch, step, bar and time left, and one with the latest scores."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TextIO

# Only terminals pay for this import.
from rich.console import Console as RichConsole
from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from nnlab.commands.epoch_line import scores_text
from nnlab.streams import encodable

SECONDS_BETWEEN_REFRESHES = 0.1


class RunBar:
    """The live picture of one run.

    The calls themselves draw it, ten times a second at most: no thread competes with training.
    """

    def __init__(self, out: TextIO, errors: TextIO, epochs: int, steps_per_epoch: int) -> None:
        self._out = out
        self._epochs = epochs
        self._steps = steps_per_epoch
        self._next_refresh = 0.0
        self._best_epoch: int | None = None
        self._metrics: dict[str, float] = {}
        self._scores = Text(no_wrap=True, overflow="ellipsis")
        console = RichConsole(file=out, force_terminal=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            auto_refresh=False,
            expand=True,
        )
        self._task = self._progress.add_task("", total=epochs * steps_per_epoch)
        self._live = Live(
            Group(self._progress, self._scores),
            console=console,
            auto_refresh=False,
            transient=True,
            # What libraries print appears above the bar, but what the user sent to a file stays there.
            redirect_stdout=out is sys.stdout,
            redirect_stderr=errors is sys.stderr and errors.isatty(),
        )

    def open(self, epoch: int = 1, step: int = 0) -> None:
        """Take the last lines of the terminal and hide its cursor, until `close`; start at `step` of `epoch`."""
        self._live.start()
        self.move(epoch, step)

    def move(self, epoch: int, step: int) -> None:
        """Draw the bar at `step` of `epoch`, unless it was drawn a moment ago."""
        now = time.monotonic()
        if now < self._next_refresh:
            return
        self._next_refresh = now + SECONDS_BETWEEN_REFRESHES
        epoch_text = f"epoch {epoch:>{len(str(self._epochs))}}/{self._epochs}"
        step_text = f"step {step:>{len(str(self._steps))}}/{self._steps}"
        done = (epoch - 1) * self._steps + step
        self._progress.update(self._task, completed=done, description=f"{epoch_text}  {step_text}")
        best = "" if self._best_epoch is None else f"  best epoch {self._best_epoch}"
        self._scores.plain = scores_text(self._metrics) + best
        self._live.refresh()

    def end_of_epoch(self, epoch: int, metrics: Mapping[str, float], best: bool) -> None:
        """Show the scores among `metrics` from the next drawing on."""
        if best:
            self._best_epoch = epoch
        self._metrics = dict(metrics)
        self.move(epoch, self._steps)

    def print_above(self, text: str, style: str = "") -> None:
        """Print a line that stays, above the bar."""
        self._live.console.print(Text(encodable(text, self._out), style=style), soft_wrap=True)

    def close(self) -> None:
        """Erase the bar and give the terminal back."""
        self._live.stop()
