"""`nnlab.reproduce` as a real process, which another does the work for: kernels, signals, and what is left."""

from __future__ import annotations

import json
import os
import platform
import signal
from pathlib import Path

import pytest
from commands import environment, event, events, nnlab, processes_in, run_directories, started, wait_for

from nnlab.analysis.reproduction.setting import probed

UNTRACKED = ["data=digits", "model.hidden=[16]", "tracking.enabled=false", "tracking.plots=false"]
needs_kernels = pytest.mark.skipif(
    platform.machine() != "x86_64" or not probed({}, 1).blas.library.startswith("openblas"),
    reason="a kernel can be chosen of OpenBLAS alone",
)


def recorded(folder: Path, *overrides: str, **variables: str) -> Path:
    assert nnlab(*UNTRACKED, *overrides, folder=folder, **variables).returncode == 0
    (path,) = run_directories(folder / "runs")
    return path


def contents(run: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}


@pytest.mark.slow
@needs_kernels
def test_a_run_of_another_kernel_is_told_set_and_identical(tmp_path: Path) -> None:
    path = recorded(tmp_path, "trainer.epochs=2", OPENBLAS_CORETYPE="Nehalem")
    before = contents(path)
    done = nnlab(path.name, folder=tmp_path, program="nnlab.reproduce")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.split()[2:] for line in lines if line.split()[:2] == ["BLAS", "kernel"]] != []
    assert any("OPENBLAS_CORETYPE=Nehalem" in line for line in lines)
    assert any(line.split() == ["verdict", "identical"] for line in lines)
    _, again = run_directories(tmp_path / "runs")
    assert "Nehalem" in json.loads((again / "provenance.json").read_text())["blas"]
    assert json.loads((again / "provenance.json").read_text())["tags"] == {"nnlab.reproduces": path.name}
    now = contents(path)
    journal = path / "metrics.jsonl"
    assert {file: now[file] for file in now if file != journal} == {
        file: before[file] for file in before if file != journal
    }
    assert now[journal].startswith(before[journal])
    added = [json.loads(line) for line in now[journal][len(before[journal]) :].splitlines()]
    assert [each["event"] for each in added] == ["start", "note", "end"]
    assert added[1]["tags"]["nnlab.reproduced"].startswith(f"identical, by {again.name}, ")
    assert added[2] == json.loads(before[journal].splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "status", "end"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 130, "killed"),
        (signal.SIGHUP, 130, "killed"),
        (signal.SIGKILL, -9, "killed"),
    ],
)
def test_a_signal_ends_the_new_run_and_leaves_the_original_alone(
    sent: signal.Signals, status: int, end: str, tmp_path: Path
) -> None:
    path = recorded(tmp_path, "trainer.epochs=3000", "data.limit=200")
    before = contents(path)
    with started(path.name, folder=tmp_path, program="nnlab.reproduce") as process:
        (again,) = wait_for(lambda: [run for run in run_directories(tmp_path / "runs") if run != path])
        wait_for(lambda: any(each["event"] == "epoch" for each in events(again)))
        os.kill(process.pid, sent)
        assert process.wait(30) == status
        wait_for(lambda: not [pid for pid in processes_in(tmp_path) if pid != os.getpid()])
        assert event(again, "end")["status"] == end
    assert contents(path) == before


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_reaches_the_new_run_once(tmp_path: Path) -> None:
    """A second one would end it at once, without its model."""
    path = recorded(tmp_path, "trainer.epochs=3000", "data.limit=200")
    with started(path.name, folder=tmp_path, program="nnlab.reproduce") as process:
        (again,) = wait_for(lambda: [run for run in run_directories(tmp_path / "runs") if run != path])
        wait_for(lambda: any(each["event"] == "epoch" for each in events(again)))
        os.killpg(process.pid, signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines() == ["interrupted"]
    assert event(again, "end")["status"] == "interrupted"
    assert (again / "model" / "weights.safetensors").is_file()
    assert "nnlab.resume" in out


@pytest.mark.slow
def test_from_python_it_is_one_call(tmp_path: Path) -> None:
    import subprocess
    import sys

    path = recorded(tmp_path, "trainer.epochs=2")
    code = (
        "import sys; from pathlib import Path\n"
        "from nnlab.analysis.reproduction.reproduce import reproduce\n"
        "from nnlab.runs.stored_run import StoredRun\n"
        "done = reproduce(StoredRun.open(Path(sys.argv[1])))\n"
        "print(done.verdict.in_words, done.again.name, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == f"identical {run_directories(tmp_path / 'runs')[-1].name}"
