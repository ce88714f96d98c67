"""What a person sees of `nnlab.sync`: a line per run, or on a terminal a bar; then what is left, and why."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from nnlab.commands.display import Display, harmless, is_live
from nnlab.redaction import redacted
from nnlab.streams import null_stream, open_closed, work_is_kept, write_line
from nnlab.wording import number_of

if TYPE_CHECKING:
    from nnlab.commands.sync_bar import SyncBar
    from nnlab.mlflow_sync.catching_up import Handled

NAMED = 5
"""How many runs a line names that are left for the same reason."""


def sync_console_for(out: TextIO | None = None, errors: TextIO | None = None) -> SyncConsole:
    """Choose how to show it on the stream `out`; the defaults are the process's own streams, if it has any."""
    open_closed()
    work_is_kept()
    out = out or sys.stdout or null_stream()
    return SyncConsole(out, errors or sys.stderr or null_stream(), live=is_live(out))


class SyncConsole(Display):
    """Shows what becomes of runs; used in a `with` block. It never raises.

    Attributes:
        left: the runs that could not be sent, with the reasons.
        there: how many runs MLflow has.
        is_unsure: whether a store has not said what it has.
    """

    def __init__(self, out: TextIO, errors: TextIO, *, live: bool) -> None:
        super().__init__(out, errors, live=live)
        self.left: dict[Path, str] = {}
        self.there = 0
        self.is_unsure = False
        self._deleted = 0
        self._under_way = 0
        self._number = 0
        self._total = 0
        self._bar: SyncBar | None = None

    @harmless
    def store(self, uri: str, to_send: int, lost: int, there: int) -> None:
        """The runs of one store come next.

        Args:
            uri: of the store.
            to_send: how many it gets.
            lost: how many of them it has had before.
            there: how many others it has.
        """
        self.there += there
        self._number, self._total = 0, to_send
        again = f", {lost} of which it had and has lost" if lost else ""
        if to_send:
            self._line(f"MLflow at {redacted(uri)} lacks {to_send} of {number_of(to_send + there, 'run')}{again}")
        if to_send and self._is_live:
            from nnlab.commands.sync_bar import SyncBar

            self._close()
            self._picture = self._bar = SyncBar(self.out, self.errors, to_send)

    @harmless
    def handled(self, handled: Handled) -> None:
        """One more run is done with."""
        self._number += 1
        match handled.result:
            case "left":
                self.left[handled.run] = handled.reason
            case "up to now":
                self._under_way += 1
            case "deleted":
                self._deleted += 1
            case "sent":
                self.there += 1
        if self._picture is not None and self._bar is not None:
            self._bar.advance()
        else:
            what = {"sent": "sent", "up to now": "still running, sent up to now", "deleted": "deleted in MLflow"}
            said = what.get(handled.result, "left")
            self._line(f"[{self._number}/{self._total}] {handled.run.name}: {said}")

    @harmless
    def found(self, handled: Handled, is_new: bool) -> None:
        """While it watches: a run has come or ended, or cannot be sent; said once."""
        if handled.result == "left":
            self.left[handled.run] = handled.reason
            if is_new:
                self._warning(f"{handled.run.name} is left: {handled.reason}")
            return
        self.left.pop(handled.run, None)
        if is_new:
            self._line(f"{handled.run.name}: {'sent' if handled.result == 'sent' else handled.result}")

    @property
    def not_tried(self) -> int:
        """How many runs of the store were not come to."""
        return self._total - self._number

    @harmless
    def summary(self) -> None:
        """Say what MLflow has, and name what it has not."""
        self.say_left()
        words = [f"MLflow has {number_of(self.there, 'run')}"]
        if self._under_way:
            words.append(f"{self._under_way} still running, sent up to now (--watch follows them)")
        if self._deleted:
            words.append(f"{self._deleted} deleted there, which stay deleted")
        if self.left:
            words.append(f"{len(self.left)} left")
        self._line("; ".join(words))

    @harmless
    def say_left(self) -> None:
        """Name what is left, once, with the reasons."""
        self._close()
        by_reason = defaultdict(list)
        for run, reason in self.left.items():
            by_reason[reason].append(run.name)
        for reason, names in by_reason.items():
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            self._warning(f"{', '.join(names[:NAMED])}{more} {'is' if len(names) == 1 else 'are'} left: {reason}")

    @harmless
    def say(self, text: str) -> None:
        """Print a line, without a bar."""
        self._close()
        self._line(text)

    @harmless
    def note(self, text: str) -> None:
        """Print a line on standard error, before there is a bar."""
        write_line(self.errors, f"note: {text}")

    @harmless
    def cannot_ask(self, uri: str, runs: list[Path], reason: str) -> None:
        """The store does not answer: these runs, that it lacks, are left, and what it has is not known."""
        self.is_unsure = True
        self._number = self._total
        self.left |= dict.fromkeys(runs, reason)
        if not runs:
            self._warning(f"MLflow at {redacted(uri)} does not say what it has: {reason}")

    @harmless
    def would_send(self, uri: str, runs: list[Path], lost: int, there: int) -> None:
        """What would be sent."""
        self._is_live = False
        self.store(uri, len(runs), lost, there)
        for run in runs:
            self._line(f"would send {run.name}")
