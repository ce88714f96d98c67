"""Each run of a line with `-m` records the command that repeats it alone, from any folder and in any environment."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from commands import environment, nnlab, run_directories, weights_sha256

SMALL = ["trainer.epochs=2", "trainer.batch_size=8", "model.hidden=[3]", "tracking.plots=false"]
UNTRACKED = "tracking.enabled=false"


def recorded_command(run: Path) -> list[str]:
    """As a person pastes it: the text of MLflow's tag `nnlab.command`, split by the shell's rules."""
    command = json.loads((run / "provenance.json").read_text(encoding="utf-8"))["command"]
    return shlex.split(shlex.join(command))


@pytest.mark.slow
def test_each_run_of_several_is_repeated_alone_to_the_bit_from_another_folder(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    rows = "\n".join(f"{row % 2},{row % 7},{row % 5}" for row in range(60))
    (first / "my, data=(1).csv").write_text(rows + "\n", encoding="utf-8")
    lines = [
        "data=csv",
        'data.root="my, data=(1).csv"',
        "optimizer=adam",
        "optimizer.lr='${oc.decode:${oc.env:RATE}}'",
    ]
    done = nnlab("seed=range(1,3)", "-m", *lines, *SMALL, UNTRACKED, folder=first, RATE="0.05")
    assert done.returncode == 0, done.stderr
    runs = run_directories(first / "runs")
    assert len({weights_sha256(run) for run in runs}) == len(runs) == 2
    for run in runs:
        python, dash_m, program, *overrides = recorded_command(run)
        assert (python, dash_m, program) == ("python", "-m", "nnlab.run")
        again = nnlab(*overrides, folder=second)
        assert again.returncode == 0, again.stderr
        assert weights_sha256(run_directories(second / "runs")[-1]) == weights_sha256(run)


def test_a_folder_that_was_deleted_is_reported_in_one_message(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    for program in ("nnlab.run", "nnlab.sweep", "nnlab.gradcheck"):
        line = f"mkdir -p {gone} && cd {gone} && rmdir {gone} && exec {shlex.quote(sys.executable)} -m {program}"
        done = subprocess.run(
            ["bash", "-c", line], env=environment(), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 2, done.stderr
        assert "The current folder must exist" in done.stderr
        assert len(done.stderr.splitlines()) == 1
