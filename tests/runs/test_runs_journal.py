from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlab.errors import RunFailedError, UserError
from nnlab.runs import journal
from nnlab.runs.journal import Journal
from nnlab.runs.journal_reader import JournalReader


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def written(path: Path, epochs: int) -> None:
    writer = Journal(path)
    for epoch in range(1, epochs + 1):
        writer.append("epoch", epoch=epoch, metrics={"train/loss": 1 / epoch})
    writer.close()


def test_events_come_back_as_they_were_appended(path: Path) -> None:
    writer = Journal(path)
    writer.append("start")
    writer.append("epoch", epoch=1, metrics={"train/loss": 0.1, "lr": 1})
    writer.append("note", tags={"nnlab.weights_sha256": "ab"})
    writer.append("end", status="failed", reason="no reason")
    writer.close()
    events, offset = journal.read(path)
    assert [event["event"] for event in events] == ["start", "epoch", "note", "end"]
    assert events[1]["metrics"] == {"train/loss": 0.1, "lr": 1.0}
    assert journal.end_of(events) == {**events[3], "status": "failed", "reason": "no reason"}
    assert journal.end_of(events[:3]) is None
    assert offset == path.stat().st_size


def start(goes_on: bool) -> dict[str, object]:
    return {"event": "start", "goes_on": goes_on}


EPOCH = {"event": "epoch", "epoch": 1, "metrics": {}}
END = {"event": "end", "status": "killed", "reason": None}
TEST = {"event": "test", "epoch": 1, "metrics": {"test/loss": 1.0}}


@pytest.mark.parametrize(
    ("events", "counting", "is_ended"),
    [
        ([], set(), False),
        ([start(False), EPOCH], {"epoch"}, False),
        ([start(False), EPOCH, END], {"epoch"}, True),
        ([start(False), EPOCH, END, start(False)], set(), False),
        ([start(False), TEST, start(False), EPOCH, END], {"epoch"}, True),
        ([start(False), EPOCH, END, start(True)], {"epoch"}, False),
        ([start(False), EPOCH, END, start(True), TEST, END], {"epoch", "test"}, True),
        ([start(False), EPOCH, start(False), END, start(True), TEST], {"test"}, False),
        ([{"event": "start"}, EPOCH, END], {"epoch"}, True),
    ],
    ids=["empty", "runs", "ended", "again", "again, ended", "reopened", "reopened, ended", "both", "of an older nnlab"],
)
def test_what_a_run_recorded_counts_until_it_starts_again(
    events: list[Any], counting: set[str], is_ended: bool, path: Path
) -> None:
    path.write_text("".join(json.dumps({"time": 1} | event) + "\n" for event in events))
    run = JournalReader(path)
    run.update()
    assert {kind for kind, found in (("epoch", run.epochs), ("test", run.test)) if found} == counting
    assert run.has_ended == is_ended == (journal.end_of(events) is not None)


def test_a_reader_can_be_asked_for_what_it_has_read_before(path: Path) -> None:
    written(path, 2)
    before, offset = journal.read(path)
    written(path, 1)
    assert journal.read(path, until=offset) == (before, offset)
    assert journal.read(path, until=0) == ([], 0)


def test_a_run_has_started_when_there_is_a_line_in_its_journal(path: Path) -> None:
    assert not journal.has_started(path)
    Journal(path).close()
    assert not journal.has_started(path)
    written(path, 1)
    assert journal.has_started(path)


@given(value=st.floats())
def test_every_float_survives(value: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("journal") / "metrics.jsonl"
    writer = Journal(path)
    writer.append("epoch", epoch=1, metrics={"x": value})
    writer.close()
    (event,), _ = journal.read(path)
    assert event["metrics"]["x"] == value or (math.isnan(value) and math.isnan(event["metrics"]["x"]))


def test_numbers_that_are_not_finite_are_texts_in_valid_json(path: Path) -> None:
    writer = Journal(path)
    writer.append("epoch", epoch=1, metrics={"a": math.nan, "b": math.inf, "c": -math.inf})
    writer.close()

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    line = json.loads(path.read_text(), parse_constant=refuse)
    assert line["metrics"] == {"a": "nan", "b": "inf", "c": "-inf"}


def test_a_reader_continues_where_it_stopped(path: Path) -> None:
    written(path, 2)
    _, offset = journal.read(path)
    assert journal.read(path, offset) == ([], offset)
    written(path, 1)
    events, end = journal.read(path, offset)
    assert [event["epoch"] for event in events] == [1]
    assert end == path.stat().st_size


def test_a_journal_cut_anywhere_keeps_its_whole_lines_and_continues(path: Path) -> None:
    written(path, 3)
    data = path.read_bytes()
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        whole = data[:cut].count(b"\n")
        assert len(journal.read(path)[0]) == whole
        written(path, 1)
        assert [event["epoch"] for event in journal.read(path)[0]] == [*range(1, whole + 1), 1]


def test_a_damaged_line_is_refused_by_name(path: Path) -> None:
    written(path, 1)
    path.write_bytes(b"{broken\n" + path.read_bytes())
    with pytest.raises(UserError, match=r"metrics\.jsonl in .* is damaged: it holds b'\{broken'.*Restore it"):
        journal.read(path)
    path.write_text('{"event": "epoch", "time": 1, "metrics": {"a": "many"}}\n')
    with pytest.raises(UserError, match="it must have the key 'epoch'"):
        journal.read(path)


def test_a_full_disk_stops_the_run_and_keeps_the_whole_lines(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Journal(path)
    writer.append("epoch", epoch=1, metrics={})
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:10]))
    with pytest.raises(RunFailedError, match=r"metrics\.jsonl failed \(No space left on device\)"):
        writer.append("epoch", epoch=2, metrics={})
    monkeypatch.undo()
    writer.append("epoch", epoch=3, metrics={})
    writer.close()
    assert [event["epoch"] for event in journal.read(path)[0]] == [1, 3]


def test_a_journal_larger_than_any_is_not_opened(path: Path) -> None:
    written(path, 1)
    os.truncate(path, 2**40)
    with pytest.raises(UserError, match="more than"):
        Journal(path)
