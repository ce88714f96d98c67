"""How long a study has searched, by journals with hand-made times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nnlab.runs.journal import line_of
from nnlab.runs.search_time import SearchTime
from nnlab.runs.tags import ENDED_BY_TAG


def start(second: float, **fields: Any) -> tuple[str, float, dict[str, Any]]:
    return "start", second, {"goes_on": True, **fields}


def note(second: float, **tags: str) -> tuple[str, float, dict[str, Any]]:
    return "note", second, {"tags": {name.replace("_", "."): text for name, text in tags.items()}}


def trial(second: float) -> tuple[str, float, dict[str, Any]]:
    return "trial", second, {"number": 1, "metrics": {}}


def end(second: float, status: str = "finished") -> tuple[str, float, dict[str, Any]]:
    return "end", second, {"status": status, "reason": None}


def over(second: float, setting: str = "sweep.seconds=9") -> tuple[str, float, dict[str, Any]]:
    return "note", second, {"tags": {ENDED_BY_TAG: setting}}


@pytest.mark.parametrize(
    ("events", "before"),
    [
        ([], 0.0),
        ([trial(3), end(5, "interrupted"), start(100)], 5.0),
        ([trial(3), start(100)], 3.0),  # killed
        ([trial(3), note(4), start(100)], 4.0),
        ([trial(3), end(50, "killed"), start(100)], 3.0),  # noted by another, later
        ([trial(3), over(4), end(20), start(100)], 4.0),  # the winner's test is no search
        ([over(4), end(5), start(10), over(11, "none"), trial(13), end(15), start(100)], 9.0),
        ([trial(3), end(5), start(50), note(51), end(5), start(100)], 6.0),  # a note on a study that has ended
        ([trial(3), end(5), start(50, goes_on=False), trial(52), start(100)], 2.0),  # begun anew
        ([trial(-3), start(100)], 0.0),  # the clock was set back
    ],
)
def test_the_seconds_of_earlier_sessions_are_counted(tmp_path: Path, events: list[Any], before: float) -> None:
    path = tmp_path / "metrics.jsonl"
    all_events = [("start", 0.0, {"goes_on": False}), *events]
    path.write_bytes(
        b"".join(line_of(kind, {"time": round(1000 * (1000 + at)), **fields}) for kind, at, fields in all_events)
    )
    found = SearchTime.of(path)
    starts = [at for kind, at, _ in all_events if kind == "start"]
    assert (found.before, found.started) == (before, 1000 + starts[-1])
