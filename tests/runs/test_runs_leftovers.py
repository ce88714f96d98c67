"""What the dead have left is removed, and nothing of the living."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nnlab.runs.directory import RunDirectory
from nnlab.runs.leftovers import clear_leftovers


@pytest.fixture
def dead() -> int:
    """The number of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def a_run(path: Path, *names: str) -> list[Path]:
    """A run directory whose lock is free, with files of these names."""
    RunDirectory.claim(path).release()
    paths = [path / name for name in names]
    for each in paths:
        each.parent.mkdir(parents=True, exist_ok=True)
        each.write_text("half of it")
    return paths


def test_drafts_and_shared_data_of_the_dead_are_removed(dead: int, tmp_path: Path) -> None:
    gone = [
        *a_run(tmp_path / "run", f".config.yaml.{dead}.tmp", f"model/.weights.safetensors.{dead}.tmp"),
        *a_run(tmp_path / "study", "data/0123/train_x.npy"),
        *a_run(tmp_path / "study" / "trials" / "study-0000", f".history.csv.{dead}.tmp"),
    ]
    kept = a_run(tmp_path / "study", "study.json", "trials.csv")
    clear_leftovers(tmp_path)
    assert [path for path in gone if path.exists()] == []
    assert not (tmp_path / "study" / "data").exists()
    assert all(path.exists() for path in kept)


def test_nothing_of_the_living_is_touched(dead: int, tmp_path: Path) -> None:
    a_run(tmp_path / "study", "study.json")
    own = f".mlflow.json.{os.getpid()}.tmp"
    kept = [
        *a_run(tmp_path / "study", f".trials.csv.{dead}.tmp", "data/0123/train_x.npy"),
        *a_run(tmp_path / "ended", own, "data/of the user's", ".notes.tmp", f"{dead}.tmp", ".config.yaml.tmp"),
    ]
    directory = RunDirectory.claim(tmp_path / "study")
    clear_leftovers(tmp_path)
    assert [path for path in kept if not path.exists()] == []
    directory.release()
    clear_leftovers(tmp_path)
    assert [path.exists() for path in kept[:2]] == [False, False]


def test_what_is_no_run_directory_is_left_alone(dead: int, tmp_path: Path) -> None:
    draft = tmp_path / "mine" / f".letter.txt.{dead}.tmp"
    draft.parent.mkdir()
    draft.write_text("dear")
    elsewhere = tmp_path.parent / "elsewhere"
    a_run(elsewhere, f".config.yaml.{dead}.tmp")
    (tmp_path / "link").symlink_to(elsewhere)
    clear_leftovers(tmp_path)
    clear_leftovers(tmp_path / "nowhere")
    assert draft.exists()
    assert (elsewhere / f".config.yaml.{dead}.tmp").exists()
