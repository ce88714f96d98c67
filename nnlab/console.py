"""What a person sees of a run: a live bar on a terminal, a line an epoch everywhere else.

Results go to standard output, warnings to standard error.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Self, TextIO

# A run of more epochs shows evenly spaced ones, so that 500 tiny epochs do not flood a log.
LINES_OF_A_RUN = 50
SECONDS_BETWEEN_REFRESHES = 0.1


def console_for(out: TextIO | None = None, errors: TextIO | None = None) -> Console:
    """Choose how to show a run on the stream `out`; the defaults are the process's own streams."""
    out = sys.stdout if out is None else out
    errors = sys.stderr if errors is None else errors
    return Console(out, errors, live=is_live(out))


def is_live(out: TextIO) -> bool:
    """Whether `out` is a terminal that wants moving pictures: none of `CI`, `NO_COLOR`, `TERM=dumb` is set."""
    return (
        out.isatty()
        and os.environ.get("CI", "").lower() in ("", "0", "false")
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") not in ("dumb", "unknown")
    )


class Console:
    """Shows one run after another; used in a `with` block, which leaves the terminal as it was.

    Args:
        out: where results go.
        errors: where warnings go.
        live: a bar with the latest metrics below it, which the last epoch's line replaces at the end. Else
            a line an epoch, or about fifty evenly spaced ones of a longer run, always the first and last.
    """

    def __init__(self, out: TextIO, errors: TextIO, *, live: bool) -> None:
        self._out = out
        self._errors = errors
        self._live = live
        self._bar: _Bar | None = None
        self._epochs = 0
        self._next_shown = 0
        # The latest epoch, as long as its line has not been printed.
        self._waiting: tuple[int, dict[str, float]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._end_of_epochs()

    def started(self, title: str, epochs: int, steps_per_epoch: int) -> None:
        """Announce a run of at most `epochs` epochs, each of `steps_per_epoch` mini-batches."""
        self._end_of_epochs()
        self._epochs = epochs
        self._next_shown = 0
        write_line(self._out, title)
        if self._live:
            self._bar = _Bar(self._out, self._errors, epochs, steps_per_epoch)
            self._bar.open()

    def progress(self, epoch: int, step: int) -> None:
        """Say that `step` mini-batches of `epoch` (from 1) are done; cheap enough to say of every one."""
        if self._bar is not None:
            self._bar.move(epoch, step)

    def epoch(self, epoch: int, metrics: Mapping[str, float], best: bool) -> None:
        """Show a finished epoch with its metrics, named as in the journal; `best` so far or not."""
        self._waiting = (epoch, dict(metrics))
        if self._bar is not None:
            self._bar.end_of_epoch(epoch, metrics, best)
        elif epoch >= self._next_shown:
            stride = -(-self._epochs // LINES_OF_A_RUN)
            self._next_shown = (epoch // stride + 1) * stride
            self._show_waiting()

    def message(self, text: str) -> None:
        """Say something on the way."""
        if self._bar is not None:
            self._bar.print_above(text)
        else:
            self._show_waiting()
            write_line(self._out, text)

    def warning(self, text: str) -> None:
        """Warn, on standard error."""
        # Where errors go to a terminal it is the bar's own, and only the bar knows where it stands there.
        if self._bar is not None and self._errors.isatty():
            self._bar.print_above(f"warning: {text}")
        else:
            write_line(self._errors, f"warning: {text}")

    def finished(self, summary: Mapping[str, str], where: Sequence[str]) -> None:
        """Show the last epoch, the `summary` as a small table, and the lines on `where` the run is."""
        self._end_of_epochs()
        width = max(map(len, summary), default=0)
        table = [f"  {name:<{width}}  {value}" for name, value in summary.items()]
        write_line(self._out, "\n".join(["", *table, "", *where]))

    def _end_of_epochs(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self._show_waiting()

    def _show_waiting(self) -> None:
        if self._waiting is not None:
            epoch, metrics = self._waiting
            self._waiting = None
            write_line(self._out, epoch_line(epoch, self._epochs, metrics))


class _Bar:
    """A line with epoch, step, bar and time left, and a line with the scores of the latest epoch.

    The calls themselves draw it, ten times a second at most: no thread competes with training.
    """

    def __init__(self, out: TextIO, errors: TextIO, epochs: int, steps_per_epoch: int) -> None:
        # Only terminals pay for this import.
        from rich.console import Console as RichConsole
        from rich.console import Group
        from rich.live import Live
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.text import Text

        self._out = out
        self._epochs = epochs
        self._steps = steps_per_epoch
        self._next_refresh = 0.0
        self._best_epoch: int | None = None
        self._metrics: dict[str, float] = {}
        self._text = Text
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

    def open(self) -> None:
        """Take the last lines of the terminal and hide its cursor, until `close`."""
        self._live.start()
        self.move(1, 0)

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
        self._scores.plain = _scores(self._metrics) + best
        self._live.refresh()

    def end_of_epoch(self, epoch: int, metrics: Mapping[str, float], best: bool) -> None:
        """Show the scores among `metrics` from the next drawing on."""
        if best:
            self._best_epoch = epoch
        self._metrics = dict(metrics)
        self.move(epoch, self._steps)

    def print_above(self, text: str) -> None:
        """Print a line that stays, above the bar."""
        self._live.console.print(self._text(encodable(text, self._out)), soft_wrap=True)

    def close(self) -> None:
        """Erase the bar and give the terminal back."""
        self._live.stop()


def epoch_line(epoch: int, epochs: int, metrics: Mapping[str, float]) -> str:
    """The line of an epoch: columns that stay in place, without those that `metrics` lacks.

    Example: `epoch  3/15  train loss 0.2310 acc 0.9312  val loss 0.2514 acc 0.9267  lr 0.1         0.21 s`.
    """
    columns = [f"epoch {epoch:>{len(str(epochs))}}/{epochs}", _scores(metrics)]
    if "lr" in metrics:
        columns.append(f"lr {metrics['lr']:<9.4g}")
    if "time/epoch_seconds" in metrics:
        columns.append(f"{_fixed(metrics['time/epoch_seconds'], width=5, decimals=2)} s")
    return "  ".join(columns).rstrip()


def _scores(metrics: Mapping[str, float]) -> str:
    columns = []
    for split in ("train", "val"):
        for metric, label in (("loss", f" {split} loss"), ("accuracy", "acc")):
            if f"{split}/{metric}" in metrics:
                columns.append(f"{label} {_fixed(metrics[f'{split}/{metric}'], width=6, decimals=4)}")
    if "val/correct" in metrics:
        columns.append(f" {_count(metrics['val/correct'], metrics['val/accuracy'])}")
    return " ".join(columns).strip()


def _count(correct: float, accuracy: float) -> str:
    """How many were right, and of how many: that follows from the fraction, unless none was."""
    rows = f"{correct / accuracy:.0f}" if correct else ""
    return f"{correct:>{len(rows)}.0f} of {rows} right" if rows else "0 right"


def _fixed(value: float, *, width: int, decimals: int) -> str:
    """`value` in `width` characters, with as many of the `decimals` as fit."""
    forms = (f"{value:.{digits}f}" for digits in range(decimals, -1, -1))
    return next((form for form in forms if len(form) <= width), f"{value:.0e}").rjust(width)


def encodable(text: str, stream: TextIO) -> str:
    """`text` with question marks for what the stream's encoding lacks: no run ends over a path with an é."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def write_line(stream: TextIO, text: str) -> None:
    """Print `text` on `stream` at once; a closed pipe takes it without complaint."""
    try:
        print(encodable(text, stream), file=stream, flush=True)
    except BrokenPipeError:
        # Nobody listens any more (`| head`): the run goes on, and Python's own flush at exit finds a stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
