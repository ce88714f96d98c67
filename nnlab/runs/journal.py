"""The journal of a run, `metrics.jsonl`: the truth about it, one JSON object per line, append-only.

An event is `{"event": kind, "time": milliseconds since 1970 (UTC), ...}` of one of these kinds:

- `start`: `goes_on`. False: the run starts, or restarts from scratch; what comes before no longer counts. True: the
  run goes on, and what comes before still counts, except for its `end`. With `epochs` it is extended: from the epoch
  after the last recorded one on, it is planned for so many in total
- `epoch`: `epoch` (from 1) and `metrics` (name -> number)
- `kept`: the same, once training is over: `best/epoch`, `best/val/loss`, `best/val/accuracy` of the epoch whose
  weights are kept, and the value that a study gives them
- `test`: the same, once, with the epoch whose weights were chosen
- `trial`: in a study's journal, `number` (of finished trials, from 1) and `metrics`
- `note`: `tags` (name -> text), facts that are known only during the run
- `end`: `status` and `reason` (a text or null); only a `start` follows it
"""

from __future__ import annotations

import errno
import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from nnlab.errors import UserError
from nnlab.runs.files import not_writable

Event = dict[str, Any]
Kind = Literal["start", "epoch", "kept", "test", "trial", "note", "end"]
Status = Literal["finished", "pruned", "diverged", "failed", "interrupted", "killed"]

LONGEST_END = 8192
"""Bytes in which an `end` fits, its reason included; for a longer one the whole journal is read."""

STEP = {"epoch": "epoch", "kept": "epoch", "test": "epoch", "trial": "number"}
"""The kinds of event that hold metrics, and the field that says what the metrics are over."""


class Journal:
    """The writing end. Opening it trims a partial line that a kill or a full disk may have left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        size = path.read_bytes().rfind(b"\n") + 1
        os.ftruncate(self._descriptor, size)

    def append(self, event: Kind, **fields: Any) -> None:
        """Append one event in a single write, so that it survives the process from then on.

        NaN and infinities are allowed in `metrics` alone; they are kept as the texts "nan", "inf", "-inf".

        Raises:
            RunFailedError: if it cannot be written (a full disk, say); the journal keeps its whole lines.
        """
        if "metrics" in fields:
            fields["metrics"] = {name: _number(value) for name, value in fields["metrics"].items()}
        record = {"event": event, "time": time.time_ns() // 1_000_000, **fields}
        line = (json.dumps(record, allow_nan=False) + "\n").encode()
        size = os.fstat(self._descriptor).st_size
        try:
            written = os.write(self._descriptor, line)
            if written < len(line):
                os.ftruncate(self._descriptor, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if event == "end":
                os.fsync(self._descriptor)
        except OSError as error:
            raise not_writable(self._path, error) from error

    def close(self) -> None:
        """Close the file; doing so twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read(path: Path, offset: int = 0, until: int | None = None) -> tuple[list[Event], int]:
    """The whole events from byte `offset` on, and the offset to continue from; an unfinished last line is left.

    With `until`, an offset that an earlier call returned, only those before it.

    Raises:
        UserError: if a finished line is no event.
        OSError: if the file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(-1 if until is None else until - offset)
    end = data.rfind(b"\n") + 1
    return [_event(path, line) for line in data[:end].splitlines()], offset + end


def has_started(path: Path) -> bool:
    """Whether there is a journal at `path` with anything in it."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def has_ended(path: Path) -> bool:
    """Whether the last whole event is an `end`; only the journal's tail is read.

    Raises:
        OSError: if the file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - LONGEST_END))
        *_, last, rest = [b"", b"", *file.read().split(b"\n")]
    return not rest and last.startswith(b'{"event": "end"')


def end_of(events: list[Event]) -> Event | None:
    """The `end` event, if the run has ended and was not started since."""
    last = next((event for event in reversed(events) if event["event"] in ("start", "end")), None)
    return last if last is not None and last["event"] == "end" else None


def _number(value: float) -> float | str:
    number = float(value)
    return number if math.isfinite(number) else str(number)


def _event(path: Path, line: bytes) -> Event:
    try:
        event: Event = json.loads(line)
        event["event"], event["time"]
        if "metrics" in event:
            metrics: Mapping[str, float | str] = event["metrics"]
            event["metrics"] = {name: float(value) for name, value in metrics.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"Each line of a journal must be an event in JSON, but {path} holds {line[:80]!r}. "
            "Something other than nnlab changed the file: restore it, or move the run directory away."
        ) from error
    return event
