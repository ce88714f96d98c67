"""The moving picture of `nnlab.sync`: how many runs are done, and how long the rest takes."""

from __future__ import annotations

import sys
from typing import TextIO

# Only terminals pay for this import.
from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from nnlab.streams import encodable


class SyncBar:
    """A bar over `total` runs, in the last line of the terminal."""

    def __init__(self, out: TextIO, errors: TextIO, total: int) -> None:
        self._out = out
        columns = (MofNCompleteColumn(), BarColumn(bar_width=None), TimeRemainingColumn(), TextColumn("left"))
        self._progress = Progress(
            *columns,
            console=RichConsole(file=out, force_terminal=True),
            transient=True,
            expand=True,
            redirect_stdout=out is sys.stdout,
            redirect_stderr=errors is sys.stderr and errors.isatty(),
        )
        self._task = self._progress.add_task("", total=total)
        self._progress.start()

    def advance(self) -> None:
        """One more run is done."""
        self._progress.advance(self._task)

    def print_above(self, text: str, style: str = "") -> None:
        """Print a line that stays, above the bar."""
        self._progress.console.print(Text(encodable(text, self._out), style=style), soft_wrap=True)

    def close(self) -> None:
        """Erase the bar and give the terminal back."""
        self._progress.stop()
