"""What the worker tells the process that started it: one JSON object per line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Answers:
    """MLflow answers, or its store is being created."""


@dataclass(frozen=True)
class Refuses:
    """The store takes no run until a person changes something.

    Args:
        why: in its own words, with the remedy; one line, without passwords.
    """

    why: str


@dataclass(frozen=True)
class LeftOut:
    """One run cannot be sent as it is.

    Args:
        run: its name.
        why: as in `Refuses`.
    """

    run: str
    why: str


@dataclass(frozen=True)
class Replaced:
    """The SQLite store was deleted or replaced while it was in use: the one that is there now lacks what it had."""


Warned = Refuses | LeftOut | Replaced
Message = Answers | Warned
KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in (Answers, Refuses, LeftOut, Replaced)}


def in_words(message: Warned, store: str, how_to_sync: str) -> str:
    """The message as the user gets it, in a line.

    Args:
        message: what the worker said.
        store: its address, without password.
        how_to_sync: the command that brings what is missing.
    """
    match message:
        case Refuses(why):
            return f"MLflow at {store} takes no runs: {why} The work goes on; then {how_to_sync} brings them."
        case LeftOut(run, why):
            return f"MLflow does not get the run {run}: {why}"
        case Replaced():
            return (
                f"MLflow's store at {store} was deleted or replaced while it was in use: what comes goes into the one "
                f"that is there now, and {how_to_sync} brings what the other had."
            )


def to_line(message: Message) -> bytes:
    """The message as `from_line` reads it."""
    return json.dumps({"kind": type(message).__name__, **asdict(message)}).encode() + b"\n"


def from_line(line: bytes) -> Message | None:
    """The message on a line; None if a killed worker left it unfinished."""
    try:
        fields = json.loads(line)
        return KINDS[fields.pop("kind")](**fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
