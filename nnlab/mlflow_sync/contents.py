"""What a run's directory says, in the form in which MLflow is to have it: read whole before anything of it is sent."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from mlflow.entities import DatasetInput, Metric

from nnlab.errors import UserError
from nnlab.mlflow_sync import fields
from nnlab.runs import journal
from nnlab.runs.directory import CONFIG, JOURNAL, PROVENANCE
from nnlab.runs.files import read_bytes, read_text
from nnlab.runs.journal import Event
from nnlab.runs.tags import STATUS_TAG

LEAST_BYTES = 500_000
"""Of a journal that are sent before that is noted: some 15,000 points."""

NOTE_TAG = "mlflow.note.content"

_SAFE_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
    with _damage_named(run, PROVENANCE):
        provenance = json.loads(read_bytes(run / PROVENANCE))
        parent = provenance.get("parent")
        study = None if parent is None else Path(os.path.normpath(run / parent))
        identity, tags, dataset = (
            fields.identity(run.name, provenance),
            fields.tags(provenance),
            fields.dataset_input(provenance),
        )
    with _damage_named(run, CONFIG):
        config = yaml.load(read_text(run / CONFIG), _SAFE_LOADER)
        experiment, params = str((config.get("tracking") or {}).get("experiment") or "nnlab"), fields.params(config)
    with _damage_named(run, JOURNAL):
        (start, *_), _ = journal.read(run / JOURNAL)
        started_at = int(start["time"])
    shown_name = str(provenance.get("name", run.name))
    return Description(run.name, shown_name, study, experiment, started_at, identity, tags, params, dataset)


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
    with _damage_named(run, JOURNAL):
        sent, _ = journal.read(run / JOURNAL, until=offset)
        events, end_of_events = _portion(run / JOURNAL, offset)
        is_last = not events or end_of_events >= journal.length(run / JOURNAL)
        arrived = {point for point, _ in _points(sent)}
        metrics = []
        for point, metric in _points(events):
            if point not in arrived:
                arrived.add(point)
                metrics.append(metric)
        return News(
            metrics=metrics,
            tags=_tags(sent, events, start_tags),
            end=journal.end_of(events) if is_last else None,
            is_tested=any(event["event"] == "test" for event in sent + events),
            offset=end_of_events,
            is_last=is_last,
        )


def _portion(path: Path, offset: int) -> tuple[list[Event], int]:
    """Events of a journal from `offset` on: so many that what has arrived can be noted again and again.

    Each portion is as long as all before it, since those are read again for it.
    """
    events, end = journal.read(path, offset, until=offset + max(offset, LEAST_BYTES))
    return (events, end) if events else journal.read(path, offset)


def _points(events: list[Event]) -> Iterator[tuple[tuple[Any, ...], Metric]]:
    """Every number of the journal with what distinguishes it from others, in the journal's order."""
    for event in events:
        if event["event"] in journal.STEP:
            step = event[journal.STEP[event["event"]]]
            for name, value in event["metrics"].items():
                point = (name, step, value) if event["event"] == "kept" else (name, step)
                yield point, Metric(name, value, event["time"], step)


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


@contextmanager
def _damage_named(run: Path, name: str) -> Iterator[None]:
    """Whatever is wrong with a file of a run is that run's trouble, and not MLflow's."""
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, yaml.YAMLError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        reason = " ".join(said.split()) or type(error).__name__
        raise UserError(
            f"The files of a run must be as nnlab wrote them, but {name} in {run} is damaged "
            f"({reason}). Restore it, or move the run directory away."
        ) from error
