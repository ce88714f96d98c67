"""The line that says what has not reached MLflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnlab.commands import reminder as module
from nnlab.commands.reminder import reminder
from nnlab.mlflow_sync.state import SyncState
from nnlab.runs.directory import JOURNAL, RunDirectory
from nnlab.runs.journal import Journal

URI = "http://127.0.0.1:1"


def run(path: Path, *, has_arrived: bool = False) -> Path:
    path.mkdir(parents=True)
    journal = Journal(path / JOURNAL)
    journal.append("start", goes_on=False)
    journal.append("end", status="finished", reason=None)
    journal.close()
    length = (path / JOURNAL).stat().st_size if has_arrived else 0
    SyncState(URI, offset=length, is_closed=has_arrived).save(path)
    return path


def test_it_counts_what_is_left_and_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reminder(tmp_path / "no such folder") is None
    run(tmp_path / "a", has_arrived=True)
    assert reminder(tmp_path) is None
    mine = run(tmp_path / "b")
    assert str(reminder(tmp_path)).startswith("1 run has not reached MLflow: ")
    assert reminder(tmp_path, [mine]) is None
    run(mine / "trials" / "t-1")
    run(tmp_path / "c")
    assert str(reminder(tmp_path)).startswith("3 runs have not ")
    assert str(reminder(tmp_path, [mine])).startswith("1 run ")
    assert str(reminder(tmp_path)).endswith(f" -m nnlab.sync --runs-dir {tmp_path}")
    monkeypatch.setenv("NNLAB_RUNS_DIR", str(tmp_path))
    assert str(reminder(tmp_path)).endswith(f" --runs-dir {tmp_path}"), "pasted where the variable is not set"
    monkeypatch.delenv("NNLAB_RUNS_DIR")
    run(tmp_path / "runs" / "d")
    monkeypatch.chdir(tmp_path)
    assert str(reminder(tmp_path / "runs")).endswith(" -m nnlab.sync")


def test_runs_that_are_still_recorded_are_no_backlog(tmp_path: Path) -> None:
    directory = RunDirectory.claim(run(tmp_path / "a"))
    assert reminder(tmp_path) is None
    directory.release()
    assert reminder(tmp_path) is not None


def test_it_looks_for_a_moment_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        run(tmp_path / str(number))
    monkeypatch.setattr(module, "SECONDS", -1.0)
    assert str(reminder(tmp_path)).startswith("at least 1 run has ")
