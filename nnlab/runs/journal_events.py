"""The events of a journal as they are stored: the keys of each kind, their types, and nothing else.

A kind or a key that is not here stops the reading: it may be of a later version of nnlab, in which it may decide what
counts, so a reader that left it out could show wrong numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from nnlab.check import Matches, Range
from nnlab.json_text import read_json
from nnlab.runs.tags import EPOCH_TAG
from nnlab.typed import ByName, typed

Event = dict[str, Any]
Status = Literal["finished", "pruned", "over_limit", "diverged", "failed", "interrupted", "killed"]

Time = Annotated[int, Range(ge=0, le=253_402_300_799_999)]
"""Milliseconds since 1970 (UTC), up to the year 9999: the times that a date can show."""
Step = Annotated[int, Range(ge=1)]
Number = Annotated[str, Matches(r"[0-9]{1,18}", "a whole number as text")]
Metrics = dict[str, float | Literal["nan", "inf", "-inf"]]


class Start(TypedDict):
    """A run starts; see `nnlab.runs.journal` for what each kind means."""

    event: Literal["start"]
    time: Time
    goes_on: NotRequired[bool]
    epochs: NotRequired[Step]


class Epoch(TypedDict):
    """An epoch, or the scores that are kept of one."""

    event: Literal["epoch", "kept"]
    time: Time
    epoch: Step
    metrics: Metrics


class Test(TypedDict):
    """The scores of the test split; the epoch is 0 if no epoch was trained."""

    event: Literal["test"]
    time: Time
    epoch: Annotated[int, Range(ge=0)]
    metrics: Metrics


class Trial(TypedDict):
    """A study's metrics after a number of finished trials."""

    event: Literal["trial"]
    time: Time
    number: Step
    metrics: Metrics


class Note(TypedDict):
    """Facts that became known."""

    event: Literal["note"]
    time: Time
    tags: dict[str, str]


class End(TypedDict):
    """The end of a run."""

    event: Literal["end"]
    time: Time
    status: Status
    reason: str | None


KINDS: Mapping[str, Any] = {
    "start": Start,
    "epoch": Epoch,
    "kept": Epoch,
    "test": Test,
    "trial": Trial,
    "note": Note,
    "end": End,
}
AnyEvent = Annotated[dict[str, Any], ByName("event", KINDS)]


def event_of(line: bytes) -> Event:
    """The event that a line of a journal holds; metrics are floats, also those that JSON has no number for.

    Raises:
        MalformedError: if it holds none.
    """
    event: Event = read_json(line, AnyEvent)
    if event["event"] == "note" and EPOCH_TAG in event["tags"]:
        typed(Number, event["tags"][EPOCH_TAG])
    if "metrics" in event:
        event["metrics"] = {name: float(value) for name, value in event["metrics"].items()}
    return event
