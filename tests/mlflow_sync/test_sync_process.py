"""The worker as a process of its own, which is what runs depend on."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import mlflow
import pytest
import recording
from mlflow import MlflowClient
from recording import metrics, record, start, syncing
from watching import run_id, shown, steps, synced, wait_for

from nnlab.config.tracking_uri import sqlite_uri
from nnlab.errors import UserError
from nnlab.mlflow_sync import process as sync_process
from nnlab.mlflow_sync.process import SyncProcess
from nnlab.mlflow_sync.state import SyncState
from nnlab.runs import journal

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine where nobody answers and nobody else comes to listen."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        yield server.getsockname()[1]


def end(process: SyncProcess) -> None:
    """Kill the worker, and the one that replaces it."""
    for _ in range(2):
        if not process._is_over.is_set():
            killed = process.pid
            os.kill(killed, signal.SIGKILL)
            wait_for(lambda killed=killed: process.pid != killed or process._is_over.is_set())  # type: ignore[misc]
    assert process._is_over.wait(60)


def test_a_run_is_in_mlflow_while_it_trains_and_whole_when_it_has_ended(runs_dir: Path, uri: str) -> None:
    process = syncing(uri, runs_dir)
    with start(runs_dir, process) as recorder:
        path = recorder.directory.path
        recorder.epoch(1, metrics(1))
        wait_for(lambda: run_id(path) is not None and steps(uri, path) == [1])
        assert shown(uri, path) == ("RUNNING", "running")
        recorder.epoch(2, metrics(2))
        recorder.save_model(recording.model())
    assert process.finish(120) == []
    assert shown(uri, path) == ("FINISHED", "finished")
    assert steps(uri, path) == [1, 2]
    assert (runs_dir / "mirror.log").read_text() == ""
    mlflow.set_tracking_uri(uri)  # listing the files of a model asks there, whatever the client's own URI
    artifacts = MlflowClient(uri).list_artifacts(str(run_id(path)), "model")
    assert {"model/MLmodel", "model/weights.safetensors"} <= {artifact.path for artifact in artifacts}


@pytest.mark.slow
def test_a_killed_run_is_closed_as_killed_by_the_worker_that_survives_it(
    runs_dir: Path, uri: str, start: Start
) -> None:
    process = start(recording.__file__, str(runs_dir), uri, "2", "hang")
    assert process.stdout is not None
    path = Path(process.stdout.readline().rsplit(" ", 1)[0])
    process.kill()
    wait_for(lambda: getattr(SyncState.of(path), "is_closed", False))
    assert shown(uri, path) == ("KILLED", "killed")
    assert steps(uri, path) == [1, 2]
    assert journal.read(path / "metrics.jsonl")[0][-1]["status"] == "killed"


@pytest.mark.slow
def test_an_unreachable_server_changes_nothing_but_the_message(
    runs_dir: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # the user's own choice counts
    uri = f"http://me:s3cret@127.0.0.1:{closed_port}"
    process = syncing(uri, runs_dir)
    path = record(runs_dir, process)
    (problem,) = process.finish(120)
    assert "Connection refused" in problem
    assert f"MLflow at http://***@127.0.0.1:{closed_port} " in problem
    assert path.name in problem
    assert f"`python -m nnlab.sync --runs-dir '{runs_dir}'` brings it" in problem
    assert f"{runs_dir}/mirror.log" in problem
    assert run_id(path) is None
    assert journal.read(path / "metrics.jsonl")[0][-1]["status"] == "finished"
    assert (path / "history.csv").exists()
    for written in (problem, (runs_dir / "mirror.log").read_text(), (path / "mlflow.json").read_text()):
        assert "s3cret" not in written


def test_a_server_that_never_answers_is_not_waited_for_longer_than_asked(runs_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = syncing(f"http://127.0.0.1:{server.getsockname()[1]}", runs_dir)
        record(runs_dir, process)
        (problem,) = process.finish(0.5)
        assert f"process {process.pid} keeps trying" in problem
        end(process)


def test_a_store_that_has_not_answered_once_is_waited_for_a_moment_and_said_to_be(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_process, "SECONDS_FOR_A_FIRST_ANSWER", 1.0)
    monkeypatch.setattr(sync_process, "SECONDS_IN_SILENCE", 0.2)
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = syncing(f"http://127.0.0.1:{server.getsockname()[1]}", runs_dir)
        record(runs_dir, process)
        assert len(process.finish(600, said.append)) == 1
        assert set(said) == {
            f"waiting for MLflow at http://127.0.0.1:{server.getsockname()[1]}: 0 of 1 runs have arrived; "
            f"Ctrl-C leaves it to `python -m nnlab.sync --runs-dir '{runs_dir}'`"
        }
        end(process)


@pytest.mark.parametrize("folder", ["my runs", pytest.param("a new one", marks=pytest.mark.slow)])
def test_a_store_that_answers_or_is_being_made_is_waited_for(
    folder: str, tmp_path: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (runs_dir / "mlflow.db") == (tmp_path / "my runs" / "mlflow.db")
    monkeypatch.setattr(sync_process, "SECONDS_FOR_A_FIRST_ANSWER", 0.0)
    process = syncing(sqlite_uri(tmp_path / folder / "mlflow.db"), tmp_path / folder)
    recorder = start(tmp_path / folder, process)
    wait_for(lambda: process._has_answered)
    recorder.close("finished")
    assert process.finish(120) == []


def test_ctrl_c_leaves_the_rest_to_later(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_process, "SECONDS_IN_SILENCE", 0.0)

    def press(text: str) -> None:
        raise KeyboardInterrupt

    with socket.create_server(("127.0.0.1", 0)) as server:
        process = syncing(f"http://127.0.0.1:{server.getsockname()[1]}", runs_dir)
        path = record(runs_dir, process)
        (problem,) = process.finish(600, press)
        assert process.was_left
        assert path.name in problem
        assert "`python -m nnlab.sync --runs-dir " in problem
        end(process)


def test_a_folder_that_cannot_be_written_is_the_users_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"folder of the runs must be writable.*NNLAB_RUNS_DIR"):
        syncing("sqlite:////x.db", tmp_path / "file" / "runs")


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0.0, 0.1, 0.2, 0.4])
def test_a_worker_killed_at_work_is_completed_by_the_next_with_each_step_once(
    runs_dir: Path, uri: str, moment: float
) -> None:
    process = syncing(uri, runs_dir)
    with start(runs_dir, process) as recorder:
        path = recorder.directory.path
        for epoch in range(1, 400):
            recorder.epoch(epoch, metrics(epoch))
        wait_for(lambda: run_id(path) is not None)
        time.sleep(moment)
        end(process)
        recorder.epoch(400, metrics(400))
        recorder.save_model(recording.model())
    again = syncing(uri, runs_dir)
    other = record(runs_dir, again)
    assert again.finish(120) == []
    assert synced(uri, runs_dir)
    for run, epochs in ((path, 400), (other, 3)):
        assert shown(uri, run) == ("FINISHED", "finished")
        assert steps(uri, run) == list(range(1, epochs + 1))
    client = MlflowClient(uri)
    assert len(client.search_runs(["1"])) == 2
    assert len(client.search_logged_models(["1"])) == 2


@pytest.mark.slow
def test_interrupting_the_terminals_processes_leaves_the_worker_to_its_work(runs_dir: Path, uri: str) -> None:
    command = [sys.executable, recording.__file__, str(runs_dir), uri, "2", "hang"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, process_group=0)
    assert process.stdout is not None
    path = Path(process.stdout.readline().rsplit(" ", 1)[0])
    os.killpg(process.pid, signal.SIGINT)
    process.communicate()
    wait_for(lambda: getattr(SyncState.of(path), "is_closed", False))
    assert shown(uri, path) == ("KILLED", "killed")
    assert steps(uri, path) == [1, 2]


@pytest.mark.slow
def test_runs_that_start_together_on_a_fresh_store_all_arrive(tmp_path: Path, start: Start) -> None:
    uri = f"sqlite:///{tmp_path}/runs/mlflow.db"
    processes = [start(recording.__file__, str(tmp_path / "runs"), uri, "5", "finished") for _ in range(4)]
    for process in processes:
        output, errors = process.communicate(timeout=180)
        assert output.splitlines()[-1] == "[]", errors
        assert errors == ""
    found = MlflowClient(uri).search_runs(["1"])
    assert [run.info.status for run in found] == ["FINISHED"] * 4


@pytest.mark.slow
def test_a_server_gets_the_same_as_a_file(runs_dir: Path, uri: str, start: Start) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = start(
        *("-m", "mlflow", "server", "--backend-store-uri", uri, "--host", "127.0.0.1", "--port", str(port)),
        *("--artifacts-destination", (runs_dir / "served").as_uri(), "--workers", "1"),
    )

    def answers() -> bool:
        assert server.poll() is None
        try:  # not only that someone listens: tests beside this one have servers of their own
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    wait_for(answers)
    address = f"http://127.0.0.1:{port}"
    process = syncing(address, runs_dir)
    path = record(runs_dir, process)
    assert process.finish(120) == []
    assert shown(uri, path) == ("FINISHED", "finished")
    assert steps(address, path) == [1, 2, 3]
    artifacts = MlflowClient(address).list_artifacts(str(run_id(path)))
    assert {"config.yaml", "model", "plots"} <= {artifact.path for artifact in artifacts}
    assert json.loads((path / "mlflow.json").read_text())["tracking_uri"] == address
    server.terminate()
    server.communicate(timeout=60)


@pytest.mark.slow
def test_a_store_that_is_deleted_at_work_is_told_and_the_rest_goes_into_another(runs_dir: Path, uri: str) -> None:
    said: list[str] = []
    process = SyncProcess()
    process.assign(uri, runs_dir, warn=said.append)
    before = record(runs_dir, process)
    recorder = start(runs_dir, process)
    recorder.epoch(1, metrics(1))
    path = recorder.directory.path
    wait_for(lambda: run_id(path) is not None and steps(uri, path) == [1])
    wait_for(lambda: getattr(SyncState.of(before), "is_closed", False))
    (runs_dir / "mlflow.db").unlink()
    recorder.epoch(2, metrics(2))
    recorder.close("finished")
    assert process.finish(60) == []
    (line,) = said
    assert "deleted or replaced" in line
    assert "nnlab.sync" in line
    with closing(sqlite3.connect(runs_dir / "mlflow.db")) as store:
        assert store.execute("SELECT step FROM metrics WHERE key = 'lr' ORDER BY step").fetchall() == [(1,), (2,)]
