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


Message = Answers | Refuses | LeftOut
KINDS: dict[str, type[Answers] | type[Refuses] | type[LeftOut]] = {
    kind.__name__: kind for kind in (Answers, Refuses, LeftOut)
}


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
