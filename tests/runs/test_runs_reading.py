"""Damaged files of a run: a few of the kinds of damage that `faults/readers.py` does in their thousands."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from recording import record

from nnlab.errors import UserError
from nnlab.runs.reading import LARGEST, read_stored
from nnlab.runs.stored_run import StoredRun

START = '{"event": "start", "time": 1, "goes_on": false}\n'


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "epoch", "time": 1, "epoch": 1.0, "metrics": {}}',
        '{"event": "epoch", "time": 1, "epoch": true, "metrics": {}}',
        '{"event": "epoch", "time": 1, "epoch": 0, "metrics": {}}',
        '{"event": "epoch", "time": 1, "epoch": "1", "metrics": {}}',
        '{"event": "epoch", "time": 1, "epoch": 1, "metrics": []}',
        '{"event": "epoch", "time": 1, "epoch": 1, "metrics": {"a": true}}',
        '{"event": "epoch", "time": 1, "epoch": 1, "metrics": {"a": "1_0"}}',
        '{"event": "epoch", "time": 1, "epoch": 1, "metrics": {"a": NaN}}',
        '{"event": "epoch", "time": 1e30, "epoch": 1, "metrics": {}}',
        '{"event": "epoch", "time": 1000000000000000000000000000000, "epoch": 1, "metrics": {}}',
        '{"event": "epoch", "time": -1, "epoch": 1, "metrics": {}}',
        '{"event": "epoch", "time": 1, "epoch": 1, "epoch": 2, "metrics": {}}',
        '{"event": "epoch", "time": 1, "epoch": 1, "metrics": {}, "of": "a later version"}',
        '{"event": "of a later version", "time": 1}',
        '{"event": ["epoch"], "time": 1}',
        '{"event": "note", "time": 1, "tags": {"a": 1}}',
        '{"event": "note", "time": 1, "tags": {"nnlab.epoch": "-1"}}',
        '{"event": "end", "time": 1, "status": "done", "reason": null}',
        '{"event": "end", "time": 1, "status": "failed", "reason": "\\ud800"}',
        '{"event": "end", "time": 1, "status": "failed"}',
        "[" * 100_000,
        "",
    ],
)
def test_a_line_of_a_journal_that_is_no_event_is_refused(line: str, tmp_path: Path) -> None:
    path = record(tmp_path)
    (path / "metrics.jsonl").write_text(f"{START}{line}\n")
    with pytest.raises(UserError, match=rf"metrics\.jsonl in .*{path.name} is damaged: .* Restore it"):
        StoredRun.open(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", "\ud800"),
        ("command", []),
        ("command", "python"),
        ("dataset", {"name": "a"}),
        ("git", {"commit": "c0", "dirty": True}),
        ("packages", {"numpy": 2}),
        ("parent", "a\0b"),
        ("tags", []),
        ("of", "a later version"),
    ],
)
def test_a_provenance_of_other_types_is_refused(key: str, value: Any, tmp_path: Path) -> None:
    path = record(tmp_path)
    facts = json.loads((path / "provenance.json").read_text())
    (path / "provenance.json").write_text(json.dumps(facts | {key: value}))
    with pytest.raises(UserError, match=r"provenance\.json in .* is damaged: "):
        _ = StoredRun.open(path).provenance


def test_a_file_beyond_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = record(tmp_path)
    for name, size in (("config.yaml", LARGEST + 1), ("overrides.yaml", 10 * 2**30)):
        os.truncate(path / name, size)  # of zeros that take no room
        with pytest.raises(UserError, match=rf"{name} in .* is damaged: it has more than 16,777,216 bytes"):
            _ = (StoredRun.open(path).config, StoredRun.open(path).overrides)
        (path / name).unlink()
        (path / name).write_text("{}")
    os.truncate(path / "metrics.jsonl", 10 * 2**30)
    with pytest.raises(UserError, match=r"metrics\.jsonl in .* is damaged: it has more than"):
        StoredRun.open(path)


def test_a_missing_file_is_left_to_who_asks(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_stored(tmp_path / "none.json", int, "")


def test_a_folder_in_a_files_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").mkdir()
    with pytest.raises(UserError, match=r"config\.yaml in .* is not"):
        read_stored(tmp_path / "config.yaml", dict[str, Any], "")
