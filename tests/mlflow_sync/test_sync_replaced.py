"""A worker that is killed, stopped or hangs: it is replaced once, and nobody waits for it for ever."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from recording import metrics, record, start
from watching import shown, steps, synced, wait_for

from nnlab.mlflow_sync import process as sync_process
from nnlab.mlflow_sync.process import SyncProcess


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def syncing(runs_dir: Path, uri: str, said: list[str]) -> Callable[[], SyncProcess]:
    """A process that brings the runs into the store, and what it warns of is in `said`."""

    def start() -> SyncProcess:
        process = SyncProcess()
        process.assign(uri, runs_dir, warn=said.append)
        return process

    return start


def kill(process: SyncProcess) -> None:
    """Kill the worker that is there, and wait until that is known."""
    killed = process.pid
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: process.pid != killed or process._is_over.is_set())


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before it is assigned", "before the run", "at the run", "after the last epoch"])
def test_a_worker_that_is_killed_is_replaced_and_brings_everything(
    moment: str, runs_dir: Path, uri: str, said: list[str], syncing: Callable[[], SyncProcess]
) -> None:
    process = SyncProcess()
    if moment.startswith("before it"):
        os.kill(process.pid, signal.SIGKILL)
    process.assign(uri, runs_dir, warn=said.append)
    if moment == "before the run":
        kill(process)
    with start(runs_dir, process) as recorder:
        recorder.epoch(1, metrics(1))
        if moment == "at the run":
            kill(process)
        recorder.epoch(2, metrics(2))
        if moment == "after the last epoch":
            kill(process)
    assert process.finish(120) == []
    (line,) = said
    assert "was killed (SIGKILL), and is started again" in line
    path = recorder.directory.path
    assert shown(uri, path) == ("FINISHED", "finished")
    assert steps(uri, path) == [1, 2]


def test_a_second_kill_is_told_and_the_work_goes_on(
    runs_dir: Path, uri: str, said: list[str], syncing: Callable[[], SyncProcess]
) -> None:
    process = syncing()
    kill(process)
    kill(process)
    path = record(runs_dir, process)
    (problem,) = process.finish(60)
    assert path.name in problem
    assert "was killed (SIGKILL)" in problem
    assert len(said) == 2
    assert "was killed (SIGKILL) again" in said[1]
    assert "python -m nnlab.sync" in said[1]
    assert synced(uri, runs_dir), "a later one finds it"
    assert shown(uri, path) == ("FINISHED", "finished")
    assert process.finish(0) == []


@pytest.mark.slow
def test_a_stopped_worker_holds_up_no_run_that_is_announced_and_is_replaced_at_the_end(
    runs_dir: Path, uri: str, said: list[str], syncing: Callable[[], SyncProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_process, "SECONDS_STOPPED", 0.5)
    process = syncing()
    os.kill(process.pid, signal.SIGSTOP)
    never = runs_dir / "never"
    for number in range(2000):  # far more than a pipe holds
        process.add(never / f"{number:0100}")
    path = record(runs_dir, process)
    stopped = process.pid
    assert process.finish(120) == []
    assert said == ["the process that brings runs into MLflow was stopped (SIGSTOP), and is started again."]
    with pytest.raises(ProcessLookupError):
        os.kill(stopped, 0)
    assert shown(uri, path) == ("FINISHED", "finished")


@pytest.mark.slow
def test_a_worker_that_is_stopped_for_a_moment_goes_on(
    runs_dir: Path, uri: str, said: list[str], syncing: Callable[[], SyncProcess]
) -> None:
    process = syncing()
    os.kill(process.pid, signal.SIGSTOP)
    path = record(runs_dir, process)
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGCONT)
    assert process.finish(120) == []
    assert said == []
    assert shown(uri, path) == ("FINISHED", "finished")
