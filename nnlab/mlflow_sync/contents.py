"""What a run's directory says, in the form in which MLflow is to have it: read whole before anything of it is sent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from mlflow.entities import DatasetInput, Metric

from nnlab.errors import UserError
from nnlab.mlflow_sync import fields
from nnlab.runs import journal
from nnlab.runs.directory import CONFIG, JOURNAL, PROVENANCE, TRIALS
from nnlab.runs.journal import Event
from nnlab.runs.provenance_form import Provenance
from nnlab.runs.reading import damaged, read_stored
from nnlab.runs.tags import STATUS_TAG
from nnlab.typed import OPEN, Fields

LEAST_BYTES = 500_000
"""Of a journal that are sent before that is noted: some 15,000 points."""

NOTE_TAG = "mlflow.note.content"
REMEDY = "Restore it, or move the run directory away."

_TRACKING = Annotated[dict[str, Any], Fields({}, {"experiment": str}), OPEN]
_CONFIG = Annotated[dict[str, Any], Fields({}, {"tracking": _TRACKING}), OPEN]


@dataclass(frozen=True)
class Description:
    """What is known of a run when it starts.

    Args:
        name: of its directory.
        shown_name: in MLflow.
        parent: the directory of its study, if it has one.
        experiment: of MLflow, by name.
        started_at: in milliseconds since 1970 (UTC); with the name, this says which run it is.
        identity: the tags that go with that.
        tags: the others.
        params: flat.
        dataset: that it trains on.
    """

    name: str
    shown_name: str
    parent: Path | None
    experiment: str
    started_at: int
    identity: Mapping[str, str]
    tags: Mapping[str, str]
    params: Mapping[str, str]
    dataset: DatasetInput


@dataclass(frozen=True)
class News:
    """What the journal says from an offset on.

    Args:
        metrics: each point once, those before the offset counted in.
        tags: to set.
        end: the event, if the run has ended and nothing is left to read.
        is_tested: whether its test split was ever evaluated.
        offset: from which the next news are read.
        is_last: whether there is nothing more to read at present.
    """

    metrics: list[Metric]
    tags: dict[str, str]
    end: Event | None
    is_tested: bool
    offset: int
    is_last: bool


def read_description(run: Path) -> Description:
    """What is known of the run in the directory `run`, which has started, from its start on.

    Raises:
        UserError: if one of its files is missing or damaged.
    """
    if not _is_text(run.name):
        raise UserError(f"The name of a run's directory must be text in UTF-8, but {run} is not. Rename it.")
    provenance = _stored(run, PROVENANCE, Provenance)
    config = _stored(run, CONFIG, _CONFIG)
    events = _events(run)[0]
    if not events:
        raise damaged(run / JOURNAL, "it is empty", REMEDY)
    # A trial that was moved out of its study is a run of its own.
    parent = provenance.get("parent") if run.parent.name == TRIALS else None
    return Description(
        name=run.name,
        shown_name=provenance.get("name", run.name),
        parent=None if parent is None else Path(os.path.normpath(run / parent)),
        experiment=config.get("tracking", {}).get("experiment") or "nnlab",
        started_at=events[0]["time"],
        identity=fields.identity(run.name, provenance),
        tags=fields.tags(provenance),
        params=fields.params(config),
        dataset=fields.dataset_input(provenance),
    )


def read_news(run: Path, offset: int, start_tags: Mapping[str, str]) -> News:
    """What the journal of the run in the directory `run` says from `offset` on, or the first portion of it.

    MLflow would keep a metric of the same step once more if its time or value differed. So of all that the
    journal says of a step the first value is sent, however often: a run that was restarted repeats its epochs. What
    runs are compared by is sent again where it differs, since the last value is the true one.

    Args:
        run: the directory.
        offset: up to which MLflow has the journal.
        start_tags: of the run, whenever it starts.

    Raises:
        UserError: if the journal is damaged.
    """
    sent, _ = _events(run, until=offset)
    events, end_of_events = _portion(run, offset)
    is_last = not events or end_of_events >= journal.length(run / JOURNAL)
    arrived: dict[tuple[str, int], float] = {}
    _missing(sent, arrived)
    return News(
        metrics=_missing(events, arrived),
        tags=_tags(sent, events, start_tags),
        end=journal.end_of(events) if is_last else None,
        is_tested=any(event["event"] == "test" for event in sent + events),
        offset=end_of_events,
        is_last=is_last,
    )


def _portion(run: Path, offset: int) -> tuple[list[Event], int]:
    """Events of a journal from `offset` on: so many that what has arrived can be noted again and again.

    Each portion is as long as all before it, since those are read again for it.
    """
    events, end = _events(run, offset, until=offset + max(offset, LEAST_BYTES))
    return (events, end) if events else _events(run, offset)


def _missing(events: list[Event], arrived: dict[tuple[str, int], float]) -> list[Metric]:
    """The points of events that MLflow lacks, in the journal's order; they are added to those that have `arrived`.

    `arrived` has the latest value of each name and step: what runs are compared by may come back to an earlier one.
    """
    metrics = []
    for event in events:
        if event["event"] not in journal.STEP:
            continue
        step = event[journal.STEP[event["event"]]]
        for name, value in event["metrics"].items():
            before = arrived.get((name, step))
            if before is None or (event["event"] == "kept" and repr(value) != repr(before)):  # NaN is not itself
                arrived[name, step] = value
                metrics.append(Metric(name, value, event["time"], step))
    return metrics


def _tags(sent: list[Event], events: list[Event], start_tags: Mapping[str, str]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for event in events:
        match event["event"]:
            case "start":
                tags |= start_tags
            case "note":
                tags |= event["tags"]
            case "end":
                tags[STATUS_TAG] = event["status"]
    end = journal.end_of(events)
    if end is not None and any(event.get("reason") for event in sent + events):
        tags[NOTE_TAG] = end["reason"] or ""  # an earlier end no longer counts
    return {str(key): str(value)[: fields.TAG_LENGTH] for key, value in tags.items()}


def _is_text(name: str) -> bool:
    """Whether MLflow can keep it: bytes that are no UTF-8 stand as lone surrogates."""
    return not any("\ud800" <= sign <= "\udfff" for sign in name)


def _stored(run: Path, name: str, shape: Any) -> Any:
    try:
        return read_stored(run / name, shape, REMEDY)
    except FileNotFoundError as error:
        raise damaged(run / name, "it is missing", REMEDY) from error


def _events(run: Path, offset: int = 0, until: int | None = None) -> tuple[list[Event], int]:
    try:
        return journal.read(run / JOURNAL, offset, until)
    except OSError as error:
        raise damaged(run / JOURNAL, f"it cannot be read ({error.strerror})", REMEDY) from error
