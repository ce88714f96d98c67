"""A mirror that is started before anybody knows what for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from recording import record
from watching import shown, wait_for

from nnlab.commands.ahead import mirror_ahead
from nnlab.mlflow_sync.process import Ahead, MirrorProcess

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


def test_one_that_was_started_ahead_brings_a_run_as_any_does(runs_dir: Path, uri: str) -> None:
    ahead = Ahead()
    mirror = MirrorProcess(uri, runs_dir, ahead=ahead)
    ahead.discard()  # it is not its own any more
    path = record(runs_dir, mirror)
    assert mirror.finish(120) == []
    assert shown(uri, path) == ("FINISHED", "finished")
    assert (runs_dir / "mirror.log").read_text() == ""


@pytest.mark.slow
def test_a_second_mirror_gets_a_process_of_its_own(runs_dir: Path, tmp_path: Path, uri: str) -> None:
    ahead = Ahead()
    mirrors = [MirrorProcess(uri, folder, ahead=ahead) for folder in (runs_dir, tmp_path / "others")]
    assert len({mirror.pid for mirror in mirrors}) == 2
    assert [mirror.finish(120) for mirror in mirrors] == [[], []]


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"], ["tracking.enabled=false", "seed=1"]])
def test_none_is_started_where_none_is_needed(arguments: list[str]) -> None:
    with mirror_ahead(arguments) as ahead:
        assert ahead is None


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
