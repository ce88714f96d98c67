"""Temporary folders do not stay where the process is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from test_runs_git import source, write

from nnlab.runs.git import git_state
from nnlab.runs.scratch import scratch

__all__ = ["source"]

IN_ITS_BLOCK = """
from nnlab.runs.scratch import scratch
with scratch("test") as folder:
    (folder / "copy").write_text("x")
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go, here and in child processes."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def another() -> tuple[subprocess.Popen[str], Path]:
    """A process within its block, and its folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", IN_ITS_BLOCK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_nothing_is_left_of_a_block_that_has_ended(place: Path) -> None:
    with scratch("test") as folder:
        (folder / "copy").write_text("x")
        assert folder.is_relative_to(place)
    with pytest.raises(KeyError), scratch("test"):
        raise KeyError
    assert os.listdir(place) == []


def test_that_of_a_killed_process_goes_with_the_next_and_that_of_a_living_one_stays(place: Path) -> None:
    notes = place / "nnlab-mlflow-notes"  # somebody's own
    notes.mkdir()
    (notes / ".in-use").touch()
    (notes / "thesis.tex").touch()
    (killed, lost), (living, kept) = another(), another()
    with killed, living:
        killed.kill()
        killed.wait()
        assert (lost / "copy").exists()
        with scratch("test") as own:
            assert not lost.parent.exists()
            assert (kept / "copy").exists()
            assert own.exists()
        living.communicate("\n", timeout=60)
    assert os.listdir(place) == [notes.name]
    assert (notes / "thesis.tex").exists()


def test_that_of_a_process_killed_while_git_is_asked_for_the_changes_goes_with_the_next(
    source: Path, place: Path
) -> None:
    write(source / "nnlab/core/a.py", "a = 2\n")
    before = sorted(os.listdir(place))
    git = f'#!/bin/sh\ncase "$*" in *ls-files*) kill -9 $PPID ;; esac\nexec {shutil.which("git")} "$@"\n'
    write(source / "bin/git", git)
    (source / "bin/git").chmod(0o755)
    asking = "from pathlib import Path; from nnlab.runs.git import git_state; git_state(Path.cwd())"
    killing = os.environ | {"PATH": f"{source / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run([sys.executable, "-P", "-c", asking], cwd=source, env=killing, check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = set(os.listdir(place)) - set(before)
    assert left.startswith("nnlab-git-")
    assert b"+a = 2" in git_state(source).diff
    assert sorted(os.listdir(place)) == before
