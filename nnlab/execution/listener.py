"""Listening to a run: to show it, to plot it, to notify somebody. No listener can end or change the run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

from nnlab.execution.events import RunEvent
from nnlab.streams import warn

Heard = TypeVar("Heard", contravariant=True)


class RunListener:
    """Gets the events of a run, in the process that executes it; each event after it is recorded."""

    def on(self, event: RunEvent) -> None:
        """Handle an event; by default does nothing. `Progress` comes often, and should cost next to nothing."""


class Listener(Protocol[Heard]):
    """Anything that takes events of one kind: those of a run, or those of a study."""

    def on(self, event: Heard) -> None:
        """Handle an event."""


class Listeners(Generic[Heard]):
    """Several listeners as one that raises nothing but Ctrl-C: a listener that fails is named in a warning and dropped.

    Args:
        listeners: called in this order.
    """

    def __init__(self, listeners: Iterable[Listener[Heard]]) -> None:
        self._listeners = list(listeners)

    def on(self, event: Heard) -> None:
        """Pass the event to all of them."""
        for listener in tuple(self._listeners):
            try:
                listener.on(event)
            except (Exception, SystemExit) as error:
                self._listeners.remove(listener)
                why = f"{type(error).__name__}: {error}"
                warn(f"{type(listener).__name__} failed ({why}) and is no longer called")
