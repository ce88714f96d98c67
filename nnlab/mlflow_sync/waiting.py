"""Waiting for MLflow: which runs have arrived, and the line that says so."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from nnlab.errors import UserError
from nnlab.mlflow_sync.state import SyncState
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, MLFLOW
from nnlab.runs.resolve import runs_dir_option
from nnlab.streams import width_of, write_line

SECONDS_BETWEEN_LINES = 10.0
"""In a log, at first; each pause is longer than the last."""


class Arrivals:
    """Counts the runs that have arrived, by what their directories say.

    Args:
        runs: that are on their way.

    Attributes:
        missing: those that have not arrived, as of the last `update`.
    """

    def __init__(self, runs: Iterable[Path]) -> None:
        self._seen: dict[Path, tuple[int, int]] = dict.fromkeys(runs, (-1, -1))
        self.count = len(self._seen)
        self.update()

    def update(self) -> bool:
        """Look again; returns whether anything has arrived since, were it a part of a run."""
        has_changed = False
        for run, seen in list(self._seen.items()):
            stamp = (_stamp(run / MLFLOW), _stamp(run / JOURNAL))
            if stamp != seen:
                has_changed = True
                self._seen[run] = stamp
                if has_arrived(run):
                    del self._seen[run]
        return has_changed

    @property
    def missing(self) -> list[Path]:
        """The runs that have not arrived, as of the last `update`."""
        return list(self._seen)


def has_arrived(run: Path) -> bool:
    """Whether there is nothing more of the run directory `run` to send."""
    with suppress(UserError, OSError):
        state = SyncState.of(run)
        return not journal.has_started(run / JOURNAL) or (state is not None and state.has_all(run))
    return False


def how_to_sync(runs_dir: Path) -> str:
    """The command that brings what is missing."""
    return f"`{shlex.join(['python', '-m', 'nnlab.sync', *runs_dir_option(runs_dir)])}`"


class WaitingLine:
    """A line that is written again and again on a terminal; in a log a few lines, each later than the last.

    Args:
        stream: where to.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._is_terminal = stream is not None and _is_terminal(stream)
        self._text = ""
        self._next_at = 0.0
        self._pause = SECONDS_BETWEEN_LINES

    def show(self, text: str) -> None:
        """Show the line as it is now."""
        if text == self._text:
            return
        if self._is_terminal and self._stream is not None:
            self._text = text
            width = width_of(self._stream) or len(text)
            with suppress(OSError, ValueError):  # closed
                self._stream.write(f"\r\x1b[K{_cropped(text, width - 1)}")
                self._stream.flush()
        elif time.monotonic() >= self._next_at:
            self._text = text
            write_line(self._stream, text)
            self._next_at = time.monotonic() + self._pause
            self._pause *= 2

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_terminal and self._text and self._stream is not None:
            with suppress(OSError, ValueError):
                self._stream.write("\r\x1b[K")
                self._stream.flush()


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")
    except (OSError, ValueError, AttributeError):
        return False


def _cropped(text: str, width: int) -> str:
    """The end, where the numbers and the way out are, is kept."""
    return text if len(text) <= width else f"...{text[len(text) - max(width - 3, 0) :]}"


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
