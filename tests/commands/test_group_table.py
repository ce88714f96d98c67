"""What `-m` ends with where it had several seeds, and that its command shows the same again."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from nnlab.analysis import compare as run_comparison
from nnlab.commands import compare
from nnlab.commands.arguments import composed_jobs
from nnlab.commands.run import run_jobs
from nnlab.config.quoting import as_override
from nnlab.runs.directory import JOURNAL
from nnlab.runs.stored_run import StoredRun

SMALL = ("data=digits", "model.hidden=[8]", "trainer.epochs=1", "tracking.enabled=false", "tracking.plots=false")


def output_of(folder: Path, capsys: pytest.CaptureFixture[str], *overrides: str) -> str:
    jobs = composed_jobs(["-m", *SMALL, as_override("runs_dir", str(folder)), *overrides])
    assert run_jobs(jobs, None) == 0
    return capsys.readouterr().out


def test_several_seeds_end_with_their_groups_and_the_command_that_shows_them_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NNLAB_RUNS_DIR", raising=False)
    printed = output_of(tmp_path, capsys, "optimizer.lr=0.1,0.2", "seed=0,1")
    table, _, command = printed.rpartition("\n\nagain with  ")
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "nnlab.compare"]
    assert compare.main(words[3:]) == 0
    again = capsys.readouterr().out.strip()
    assert table.endswith(again)
    assert {line.split()[0] for line in again.split("\n\n")[1].splitlines()[1:3]} == {"lr=0.1", "lr=0.2"}


def test_two_single_runs_are_compared_row_by_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output_of(tmp_path, capsys, "optimizer.lr=0.05,0.5")
    runs = [StoredRun.open(path) for path in sorted(tmp_path.iterdir()) if (path / JOURNAL).exists()]
    found = run_comparison([run.path for run in runs]).mcnemar
    assert found is not None
    rows = runs[0].provenance["dataset"]["rows"]["validation"]
    assert found.both + found.neither + found.only_a + found.only_b == rows
    right = [found.both + found.only_a, found.both + found.only_b]
    assert right == [round(run.kept["best/val/accuracy"] * rows) for run in runs]


def test_what_cannot_be_compared_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = output_of(tmp_path, capsys, "data.split.seed=0,1", "seed=0,1")
    assert "no table" in printed
    assert "again with" in printed


def test_without_several_seeds_there_is_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "again with" not in output_of(tmp_path, capsys, "optimizer.lr=0.1,0.2")
