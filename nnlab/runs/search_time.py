"""How long the sessions of a study have searched, by its journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

from nnlab.runs import journal
from nnlab.runs.journal import Event
from nnlab.runs.tags import ENDED_BY_TAG, GOES_ON


@dataclass(frozen=True)
class SearchTime:
    """How long a study has searched. A session has, until its journal says what ended the search, or its last event.

    The end of a session counts only if it has written that itself: where it was killed, others note that later.

    Attributes:
        before: seconds, of all sessions but the last.
        started: when the last one started, in seconds since 1970 (UTC).
    """

    before: float
    started: float

    @classmethod
    def of(cls, journal_path: Path) -> Self:
        """That of the study whose journal this is.

        Raises:
            UserError: if a line is no event.
            OSError: if the journal cannot be read.
        """
        sessions = _sessions(journal_path)
        return cls(sum(map(_milliseconds, sessions[:-1])) / 1000, sessions[-1][0]["time"] / 1000)


def seconds_searched(journal_path: Path) -> float:
    """How long the study whose journal this is has searched, in all of its sessions; errors as for `SearchTime.of`."""
    return sum(map(_milliseconds, _sessions(journal_path))) / 1000


def _sessions(journal_path: Path) -> list[Sequence[Event]]:
    """The events of each session since the study was last started anew."""
    events, _ = journal.read(journal_path)
    starts = [place for place, event in enumerate(events) if event["event"] == "start"]
    anew = max((place for place in starts if not events[place].get("goes_on")), default=0)
    starts = [place for place in starts if place >= anew]
    return [events[start:following] for start, following in pairwise([*starts, len(events)])]


def _milliseconds(session: Sequence[Event]) -> int:
    over = next((place for place, event in enumerate(session) if _is_over(event)), len(session) - 1)
    signs = [e["time"] for e in session[: over + 1] if (e["event"], e.get("status")) != ("end", "killed")]
    return int(max(signs) - session[0]["time"])


def _is_over(event: Event) -> bool:
    return event["event"] == "note" and str(event["tags"].get(ENDED_BY_TAG, GOES_ON)) != GOES_ON
