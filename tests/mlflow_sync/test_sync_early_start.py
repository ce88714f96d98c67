"""A worker that is started before its runs are known."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from recording import record, syncing
from watching import shown, wait_for

from nnlab.commands.entry import early_start
from nnlab.mlflow_sync.process import SyncProcess

MARK = "NNLAB_TEST_MARK"


def marked(mark: str) -> list[int]:
    """The processes that were started with this mark in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"{MARK}={mark}\0" in (entry / "environ").read_text(errors="replace"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_one_that_is_assigned_is_not_discarded_any_more(runs_dir: Path, uri: str) -> None:
    process = syncing(uri, runs_dir)
    process.discard()
    path = record(runs_dir, process)
    assert process.finish(120) == []
    assert shown(uri, path) == ("FINISHED", "finished")
    assert (runs_dir / "mirror.log").read_text() == ""


def test_one_that_is_assigned_to_nothing_is_ended() -> None:
    process = SyncProcess()
    process.discard()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"], ["tracking.enabled=false", "seed=1"]])
def test_none_is_started_where_none_is_needed(arguments: list[str]) -> None:
    with early_start(arguments) as process:
        assert process is None


@pytest.mark.slow
@pytest.mark.parametrize("program", ["nnlab.run", pytest.param("nnlab.sweep", marks=pytest.mark.slow)])
def test_a_wrong_command_line_leaves_no_process_behind(program: str, tmp_path: Path) -> None:
    mark = f"{tmp_path}"
    done = subprocess.run(
        [sys.executable, "-m", program, "optimizer.lr=-1"],
        cwd=tmp_path, env={**os.environ, MARK: mark}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert marked(mark) == []
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_is_killed_while_it_reads_leaves_no_process_behind(tmp_path: Path) -> None:
    mark = f"{tmp_path}"
    process = subprocess.Popen([sys.executable, "-m", "nnlab.run"], cwd=tmp_path, env={**os.environ, MARK: mark})
    wait_for(lambda: len(marked(mark)) >= 2)
    process.kill()
    process.wait()
    wait_for(lambda: not marked(mark))
