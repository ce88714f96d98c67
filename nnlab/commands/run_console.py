"""What a person sees of a run: one line per epoch, and on a terminal a live bar below it.

Results go to standard output, warnings to standard error.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from nnlab.commands.display import Display, harmless, is_live
from nnlab.commands.epoch_line import epoch_line
from nnlab.commands.run_summary import going_on, summary, title
from nnlab.execution.events import Notice, RunEnded, RunEvent, RunStarted, Warned
from nnlab.execution.listener import RunListener
from nnlab.streams import folded, null_stream, open_closed, width_of, work_is_kept, write_line
from nnlab.training import EpochEnd, Progress, TrainingEnd

if TYPE_CHECKING:
    from nnlab.commands.run_bar import RunBar

# A run of more epochs shows evenly spaced ones, so that 500 tiny epochs do not flood a log.
LINES_OF_A_RUN = 50


def run_console_for(out: TextIO | None = None, errors: TextIO | None = None) -> RunConsole:
    """Choose how to show a run on the stream `out`; the defaults are the process's own streams, if it has any."""
    open_closed()
    work_is_kept()
    out = out or sys.stdout or null_stream()
    errors = errors or sys.stderr or null_stream()
    return RunConsole(out, errors, live=is_live(out))


class RunConsole(Display, RunListener):
    """Shows one run after another; used in a `with` block, which leaves the terminal as it was.

    One line per epoch, or about fifty evenly spaced ones of a longer run, always the first and last. It never raises:
    what cannot be shown is no reason to end a run.

    Args:
        out: where results go.
        errors: where warnings go.
        live: a bar with the latest metrics below the lines, which is gone at the end.
    """

    def __init__(self, out: TextIO, errors: TextIO, *, live: bool) -> None:
        super().__init__(out, errors, live=live)
        self._bar: RunBar | None = None
        self._epochs = 0
        self._patience: int | None = None
        self._next_shown = 0
        # The latest epoch, as long as its line has not been printed.
        self._waiting: EpochEnd | None = None

    @harmless
    def on(self, event: RunEvent) -> None:
        """Show what there is to see of an event."""
        match event:
            case Progress(epoch, step):
                if self._bar is not None:
                    self._bar.move(epoch, step)
            case EpochEnd():
                self._epoch(event)
            case RunStarted():
                self._started(event)
            case TrainingEnd(epoch, stopped_early=True):
                self._say(f"stopped early: no epoch better than {epoch} in {self._patience} epochs")
            case Notice(text):
                self._say(text)
            case Warned(text):
                self._warning(text)
            case RunEnded():
                self._close()
                write_line(self.out, f"\n{summary(event)}")

    def _started(self, event: RunStarted) -> None:
        self._close()
        settings = event.config.trainer
        self._epochs, self._patience = settings.epochs, settings.patience
        self._next_shown = 0
        write_line(self.out, folded(title(event), width_of(self.out)))
        if event.goes_on is not None:
            write_line(self.out, folded(going_on(event.goes_on), width_of(self.out)))
        if self._is_live:
            from nnlab.commands.run_bar import RunBar

            self._picture = self._bar = RunBar(self.out, self.errors, settings.epochs, event.trainer.steps_per_epoch)
            self._bar.open(event.goes_on.epoch, event.goes_on.step) if event.goes_on else self._bar.open()

    def _epoch(self, event: EpochEnd) -> None:
        self._waiting = event
        if event.epoch >= self._next_shown:
            stride = -(-self._epochs // LINES_OF_A_RUN)
            self._next_shown = (event.epoch // stride + 1) * stride
            self._show_waiting()
        if self._bar is not None:
            self._bar.end_of_epoch(event.epoch, event.metrics, event.is_best)

    def _say(self, text: str) -> None:
        self._show_waiting()
        self._line(text)

    def _close(self) -> None:
        self._bar = None
        super()._close()
        self._show_waiting()

    def _failed(self, error: BaseException) -> None:
        self._bar = None
        super()._failed(error)

    def _show_waiting(self) -> None:
        if self._waiting is not None:
            event, self._waiting = self._waiting, None
            self._line(epoch_line(event.epoch, self._epochs, event.metrics, width_of(self.out)))
