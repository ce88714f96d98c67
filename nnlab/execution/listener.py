"""Listening to a run: to show it, to plot it, to tell somebody. No listener can end or change what it hears of."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

from nnlab.execution.events import RunEvent
from nnlab.streams import write_line

Heard = TypeVar("Heard", contravariant=True)


class RunListener:
    """Is told what happens in a run, in the process that does the run; each event once it is recorded."""

    def on(self, event: RunEvent) -> None:
        """Take an event; by default nothing is made of it. `Progress` comes often, and is to cost next to nothing."""


class Listener(Protocol[Heard]):
    """Whoever takes events of one kind: those of a run, or those of a study."""

    def on(self, event: Heard) -> None:
        """Take an event."""


class Listeners(Generic[Heard]):
    """Several listeners as one that never raises, but for Ctrl-C: one that fails is named in a warning and dropped.

    Args:
        listeners: told in this order.
    """

    def __init__(self, listeners: Iterable[Listener[Heard]]) -> None:
        self._listeners = list(listeners)

    def on(self, event: Heard) -> None:
        """Tell all of them."""
        for listener in tuple(self._listeners):
            try:
                listener.on(event)
            except (Exception, SystemExit) as error:
                self._listeners.remove(listener)
                why = f"{type(error).__name__}: {error}"
                write_line(sys.stderr, f"warning: {type(listener).__name__} failed ({why}) and is no longer called")
