"""A study through Dask as README shows it: a real scheduler, two worker processes, the trials of the local pool."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from commands import environment, events, wait_for
from studies import IN_STEP, NEVER_PRUNED, NO_PLOTS, SPACE, UNTRACKED, Kept, Study, study_in

from nnlab.runs.journal import has_started

pytestmark = pytest.mark.slow

# README's lines, but for the address, the overrides and the exit status.
SCRIPT = """
import sys
from distributed import Client
from nnlab.sweep import sweep

with Client(sys.argv[1]) as client:
    sys.exit(sweep(sys.argv[2:], executor=client.get_executor()))
"""


@contextmanager
def dask(program: str, *arguments: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One of Dask's programs, until the end of the block."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--host", "127.0.0.1", "--no-dashboard"]
    with (folder / f"{program}.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--scheduler-file", "scheduler.json", *arguments],
            cwd=folder,
            env=environment(DASK_DISTRIBUTED__WORKER__DAEMON="True"),
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers of one thread each."""
    folder = tmp_path_factory.mktemp("dask")
    with ExitStack() as stack:
        stack.enter_context(dask("scheduler", "--port", "0", folder=folder))
        wait_for(lambda: (folder / "scheduler.json").exists())
        for _ in range(2):
            stack.enter_context(dask("worker", "--nthreads", "1", folder=folder))
        wait_for(lambda: (folder / "worker.log").read_text(encoding="utf-8").count("Registered to:") >= 2)
        yield str(json.loads((folder / "scheduler.json").read_text(encoding="utf-8"))["address"])


@contextmanager
def through_dask(cluster: str, *overrides: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "script.py", cluster, *overrides],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def weights(study: Study) -> dict[str, bytes]:
    return {run.name: (run / "model" / "weights.safetensors").read_bytes() for run in study.runs}


def test_a_study_in_step_is_the_same_through_dask_as_through_the_local_pool(
    cluster: str, studies_again: Mapping[str, Kept], tmp_path: Path
) -> None:
    with through_dask(cluster, *IN_STEP, folder=tmp_path) as process:
        out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    local, study = studies_again["in step"].study, study_in(tmp_path)
    assert study.facts == local.facts
    assert weights(study) == weights(local)
    assert len(weights(study)) == 6
    winner = "repeat it alone  "
    assert (
        out.partition(winner)[2].splitlines()[0]
        == (studies_again["in step"].process.stdout.partition(winner)[2].splitlines()[0])
    )


# Three trials of a second or two.
LONG = [
    *("data=digits", "trainer.batch_size=32", "trainer.epochs=800", UNTRACKED, NO_PLOTS, *SPACE),
    *("sweep.trials=3", "sweep.workers=2", "sweep.deterministic=true", NEVER_PRUNED, "sweep.name=study"),
]


def lock_holder(path: Path) -> int | None:
    """The process that has the lock of a run."""
    inode = path.stat().st_ino
    for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
        fields = line.split()
        if fields[1] == "FLOCK" and fields[5].endswith(f":{inode}"):
            return int(fields[4])
    return None


def test_a_trial_whose_worker_is_killed_is_done_by_another(cluster: str, tmp_path: Path) -> None:
    first = tmp_path / "runs" / "study" / "trials" / "study-0000"
    with through_dask(cluster, *LONG, folder=tmp_path) as process:
        wait_for(lambda: has_started(first / "metrics.jsonl") and len(events(first)) > 20)
        worker = lock_holder(first / "lock")
        assert worker is not None
        os.kill(worker, signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    study = study_in(tmp_path)
    assert study.states == ["COMPLETE"] * 3
    kinds = [each["event"] for each in events(first)]
    assert kinds.count("start") >= 2, "it begins again"
    killed = study.facts
    (tmp_path / "undisturbed").mkdir()
    with through_dask(cluster, *LONG, folder=tmp_path / "undisturbed") as process:
        process.communicate(timeout=120)
    assert study_in(tmp_path / "undisturbed").facts == killed


def test_a_study_that_is_interrupted_continues_while_the_cluster_still_does_its_trials(
    cluster: str, tmp_path: Path
) -> None:
    with through_dask(cluster, *LONG, folder=tmp_path) as process:
        trial = tmp_path / "runs" / "study" / "trials" / "study-0001" / "metrics.jsonl"
        wait_for(trial.exists)
        process.terminate()
        process.communicate(timeout=60)
    with through_dask(cluster, "sweep.resume=study", folder=tmp_path) as process:
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert study_in(tmp_path).states == ["COMPLETE"] * 3
