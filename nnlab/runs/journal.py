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
- `note`: `tags` (name -> text), facts that are known only during the run; without any it is a sign of life
- `end`: `status` and `reason` (a text or null); only a `start` follows it
"""

from __future__ import annotations

import errno
import json
import math
import os
import stat
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from nnlab.errors import UserError
from nnlab.runs.files import not_writable, open_binary
from nnlab.runs.journal_events import Event as Event
from nnlab.runs.journal_events import Status as Status
from nnlab.runs.journal_events import event_of
from nnlab.runs.opening import open_descriptor
from nnlab.runs.reading import damaged
from nnlab.typed import MalformedError

Kind = Literal["start", "epoch", "kept", "test", "trial", "note", "end"]

LONGEST_END = 8192
"""Bytes in which an `end` fits, its reason included; for a longer one the whole journal is read."""

REMEDY = "Something else, or a later version of nnlab, has written there. Restore it, or move the run directory away."
LARGEST = 256 * 2**20
"""Bytes of a journal that are read at once: a million epochs."""

STEP = {"epoch": "epoch", "kept": "epoch", "test": "epoch", "trial": "number"}
"""The kinds of event that hold metrics, and the field that says what the metrics are over."""


class Journal:
    """The writing end. Opening it trims a partial line that a kill or a full disk may have left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if length(path) > LARGEST:
            raise _too_large(path)
        try:
            self._descriptor = open_descriptor(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            with os.fdopen(os.dup(self._descriptor), "rb") as file:
                whole = file.read().rfind(b"\n") + 1
            os.ftruncate(self._descriptor, whole)
        except OSError as error:
            raise not_writable(path, error) from error

    def append(self, event: Kind, **fields: Any) -> None:
        """Append one event in a single write, so that it survives the process from then on.

        NaN and infinities are allowed in `metrics` alone; they are kept as the texts "nan", "inf", "-inf".

        Raises:
            RunFailedError: if it cannot be written (a full disk, say); the journal keeps its whole lines.
        """
        self._write([line_of(event, fields)], is_synced=event == "end")

    def note_after_end(self, tags: Mapping[str, str], status: Status, reason: str | None, ended_at: int) -> None:
        """Append tags to a journal that has ended, and its end again, as and when it was.

        It is a single write: whoever is killed leaves the run ended.

        Raises:
            RunFailedError: as for `append`.
        """
        end = {"time": ended_at, "status": status, "reason": reason}
        lines = [line_of("start", {"goes_on": True}), line_of("note", {"tags": tags}), line_of("end", end)]
        self._write(lines, is_synced=True)

    def _write(self, lines: Sequence[bytes], *, is_synced: bool) -> None:
        data = b"".join(lines)
        size = os.fstat(self._descriptor).st_size
        try:
            written = os.write(self._descriptor, data)
            if written < len(data):
                os.ftruncate(self._descriptor, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if is_synced:
                os.fsync(self._descriptor)
        except OSError as error:
            raise not_writable(self._path, error) from error

    def close(self) -> None:
        """Close the file; doing so twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def line_of(event: Kind, fields: Mapping[str, Any]) -> bytes:
    """The line of a journal that says an event.

    Args:
        event: its kind.
        fields: the others; without a `time` it is now. NaN and infinities are allowed in `metrics` alone.
    """
    if "metrics" in fields:
        fields = {**fields, "metrics": {name: _number(value) for name, value in fields["metrics"].items()}}
    record = {"event": event, "time": time.time_ns() // 1_000_000, **fields}
    # What UTF-8 does not have, as of a file's name in an error, would make the line unreadable.
    return (json.dumps(record, allow_nan=False, ensure_ascii=False) + "\n").encode(errors="replace")


def read(path: Path, offset: int = 0, until: int | None = None) -> tuple[list[Event], int]:
    """The whole events from byte `offset` on, and the offset to continue from; an unfinished last line is left.

    With `until`, an offset that an earlier call returned, only those before it.

    Raises:
        UserError: if a finished line is no event, or there is more than `LARGEST` to read.
        OSError: if the file cannot be read.
    """
    with open_binary(path) as file:
        size = os.fstat(file.fileno()).st_size
        left = (size if until is None else min(size, until)) - offset
        if left > LARGEST:
            raise _too_large(path)
        file.seek(offset)
        data = file.read(max(0, left))
    end = data.rfind(b"\n") + 1
    return [_event(path, line) for line in data[:end].splitlines()], offset + end


def has_started(path: Path) -> bool:
    """Whether there is a journal at `path` with anything in it."""
    return length(path) > 0


def length(path: Path) -> int:
    """How many bytes the journal at `path` has; 0 if there is none."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def has_ended(path: Path) -> bool:
    """Whether the last whole event is an `end`; only the journal's tail is read.

    Raises:
        OSError: if the file cannot be read.
    """
    last, rest = _tail(path)
    return not rest and last.startswith(b'{"event": "end"')


def last_time(path: Path) -> int | None:
    """When the last whole event was, in milliseconds since 1970 (UTC); None if that is damaged or too long.

    Raises:
        OSError: if the file cannot be read.
    """
    try:
        return int(json.loads(_tail(path)[0])["time"])
    except (ValueError, TypeError, KeyError):
        return None


def _tail(path: Path) -> tuple[bytes, bytes]:
    """The last whole line, and what follows it."""
    with open_binary(path) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - LONGEST_END))
        *_, last, rest = [b"", b"", *file.read().split(b"\n")]
    return last, rest


def end_of(events: list[Event]) -> Event | None:
    """The `end` event, if the run has ended and was not started since."""
    last = next((event for event in reversed(events) if event["event"] in ("start", "end")), None)
    return last if last is not None and last["event"] == "end" else None


def _too_large(path: Path) -> UserError:
    return damaged(path, f"it has more than {LARGEST:,} bytes", REMEDY)


def _number(value: float) -> float | str:
    number = float(value)
    return number if math.isfinite(number) else str(number)


def _event(path: Path, line: bytes) -> Event:
    try:
        return event_of(line)
    except MalformedError as error:
        raise damaged(path, f"it holds {line[:80]!r}: {error}", REMEDY) from error
