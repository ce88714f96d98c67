"""What a person sees of a run: a line an epoch, and on a terminal a live bar below it.

Results go to standard output, warnings to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from nnlab.commands.display import Display, harmless, is_live
from nnlab.commands.epoch_line import epoch_line
from nnlab.streams import folded, nowhere, open_closed, width_of, work_is_kept, write_line

if TYPE_CHECKING:
    from nnlab.commands.run_bar import RunBar

# A run of more epochs shows evenly spaced ones, so that 500 tiny epochs do not flood a log.
LINES_OF_A_RUN = 50


def console_for(out: TextIO | None = None, errors: TextIO | None = None) -> Console:
    """Choose how to show a run on the stream `out`; the defaults are the process's own streams, if it has any."""
    open_closed()
    work_is_kept()
    out = out or sys.stdout or nowhere()
    errors = errors or sys.stderr or nowhere()
    return Console(out, errors, live=is_live(out))


class Console(Display):
    """Shows one run after another; used in a `with` block, which leaves the terminal as it was.

    A line an epoch, or about fifty evenly spaced ones of a longer run, always the first and last. None of its methods
    raises: what cannot be shown is no reason to end a run.

    Args:
        out: where results go.
        errors: where warnings go.
        live: a bar with the latest metrics below the lines, which is gone at the end.
    """

    def __init__(self, out: TextIO, errors: TextIO, *, live: bool) -> None:
        super().__init__(out, errors, live=live)
        self._bar: RunBar | None = None
        self._epochs = 0
        self._next_shown = 0
        # The latest epoch, as long as its line has not been printed.
        self._waiting: tuple[int, dict[str, float]] | None = None

    @harmless
    def started(self, title: str, epochs: int, steps_per_epoch: int) -> None:
        """Announce a run of at most `epochs` epochs, each of `steps_per_epoch` mini-batches."""
        self._close()
        self._epochs = epochs
        self._next_shown = 0
        write_line(self.out, folded(title, width_of(self.out)))
        if self._is_live:
            from nnlab.commands.run_bar import RunBar

            self._picture = self._bar = RunBar(self.out, self.errors, epochs, steps_per_epoch)
            self._bar.open()

    def progress(self, epoch: int, step: int) -> None:
        """Say that `step` mini-batches of `epoch` (from 1) are done; cheap enough to say of every one."""
        if self._bar is not None:
            try:
                self._bar.move(epoch, step)
            except (Exception, SystemExit) as error:
                self._failed(error)

    @harmless
    def epoch(self, epoch: int, metrics: Mapping[str, float], best: bool) -> None:
        """Show a finished epoch with its metrics, named as in the journal; `best` so far or not."""
        self._waiting = (epoch, dict(metrics))
        if epoch >= self._next_shown:
            stride = -(-self._epochs // LINES_OF_A_RUN)
            self._next_shown = (epoch // stride + 1) * stride
            self._show_waiting()
        if self._bar is not None:
            self._bar.end_of_epoch(epoch, metrics, best)

    @harmless
    def message(self, text: str) -> None:
        """Say something on the way."""
        self._show_waiting()
        self._line(text)

    @harmless
    def warning(self, text: str) -> None:
        """Warn, on standard error."""
        super().warning(text)

    @harmless
    def finished(self, summary: Mapping[str, str], where: Sequence[str]) -> None:
        """Show the last epoch, the `summary` as a small table, and the lines on `where` the run is."""
        self._close()
        width = max(map(len, summary), default=0)
        table = [f"  {name:<{width}}  {value}" for name, value in summary.items()]
        write_line(self.out, "\n".join(["", *table, "", *where]))

    def _close(self) -> None:
        self._bar = None
        super()._close()
        self._show_waiting()

    def _failed(self, error: BaseException) -> None:
        self._bar = None
        super()._failed(error)

    def _show_waiting(self) -> None:
        if self._waiting is not None:
            epoch, metrics = self._waiting
            self._waiting = None
            self._line(epoch_line(epoch, self._epochs, metrics, width_of(self.out)))
