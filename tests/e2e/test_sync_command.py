"""`python -m nnlab.sync`: real commands, stores and signals."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from recording import metrics, record, start
from tracked import clean_environment, client, runs_dir, uri
from watching import steps, wait_for

from faults.mlflow_server import Server
from faults.mlflow_view import doubled, views
from nnlab.mlflow_sync.state import SyncState, note_destination
from nnlab.runs.files import FileLock

__all__ = ["clean_environment", "client", "runs_dir", "uri"]


def command(runs_dir: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "nnlab.sync", "--runs-dir", str(runs_dir), *arguments]


def sync(runs_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(runs_dir, *arguments), capture_output=True, text=True, timeout=300)


@pytest.fixture
def started(runs_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, watching."""
    process = subprocess.Popen(
        command(runs_dir, "--watch"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    yield process
    process.kill()
    process.communicate()


def left(runs_dir: Path, uri: str) -> Path:
    path = record(runs_dir)
    note_destination(uri, path)
    return path


@pytest.mark.slow
def test_it_says_what_it_would_send_sends_it_and_names_what_is_left(runs_dir: Path, uri: str) -> None:
    paths = [left(runs_dir, uri) for _ in range(2)]
    damaged = left(runs_dir, uri)
    (damaged / "config.yaml").unlink()

    ended = sync(runs_dir, "--dry-run")
    assert ended.returncode == 1
    assert all(f"would send {path.name}" in ended.stdout for path in paths)
    assert views(uri) == {}

    ended = sync(runs_dir)
    assert ended.returncode == 1
    assert ended.stderr.count(damaged.name) == 2, "named once, and in the path of its file"
    assert sorted(views(uri)) == sorted(path.name for path in paths)

    ended = sync(runs_dir, paths[0].name)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.slow
def test_a_server_that_is_replaced_by_an_empty_one_at_the_same_address_is_filled_again(
    runs_dir: Path, tmp_path: Path
) -> None:
    with Server(tmp_path / "first") as server:
        paths = [left(runs_dir, server.uri) for _ in range(2)]
        assert sync(runs_dir).returncode == 0
        whole = views(server.uri)
        assert sorted(whole) == sorted(path.name for path in paths)
    ended = sync(runs_dir)
    assert ended.returncode == 1, "nobody answers: what it has is not known"
    assert server.uri in ended.stderr
    with Server(tmp_path / "second", server.port) as server:
        ended = sync(runs_dir)
        assert ended.returncode == 0, ended.stderr
        assert views(server.uri) == whole
        assert sync(runs_dir, "--to", server.uri).returncode == 0
        assert doubled(views(server.uri)) == []


@pytest.mark.slow
def test_watching_follows_what_runs_and_ctrl_c_leaves_without_loss(
    runs_dir: Path, uri: str, started: subprocess.Popen[str]
) -> None:
    recorder = start(runs_dir)
    path = recorder.directory.path
    note_destination(uri, path)
    recorder.epoch(1, metrics(1))
    wait_for(lambda: getattr(SyncState.of(path), "is_described", False))
    assert steps(uri, path) == [1]
    recorder.epoch(2, metrics(2))
    wait_for(lambda: steps(uri, path) == [1, 2])
    started.send_signal(signal.SIGINT)
    out, errors = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "interrupted" in out
    assert errors == ""
    recorder.close("finished")
    assert sync(runs_dir).returncode == 0
    assert doubled(views(uri)) == []


@pytest.mark.slow
def test_watching_fills_a_store_again_that_is_deleted_meanwhile(
    runs_dir: Path, uri: str, started: subprocess.Popen[str]
) -> None:
    path = left(runs_dir, uri)
    wait_for(lambda: getattr(SyncState.of(path), "is_closed", False))
    (runs_dir / "mlflow.db").unlink()

    def has_both() -> bool:
        with closing(sqlite3.connect(f"file:{runs_dir}/mlflow.db?mode=ro", uri=True)) as store:
            return bool(store.execute("SELECT count(*) FROM runs WHERE status = 'FINISHED'").fetchone() == (2,))

    wait_for((runs_dir / "mlflow.db").exists)
    left(runs_dir, uri)
    wait_for(has_both)
    started.send_signal(signal.SIGINT)
    out, errors = started.communicate(timeout=60)
    assert "replaced" in out
    assert errors == ""
    assert doubled(views(uri)) == []


@pytest.mark.slow
def test_ctrl_c_says_how_many_are_left(runs_dir: Path, uri: str) -> None:
    paths = sorted(left(runs_dir, uri) for _ in range(3))
    with FileLock(paths[2] / "mlflow.lock"):  # another process is sending it, and takes its time
        process = subprocess.Popen(command(runs_dir), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("[2/3]"):
                break
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; 1 left" in out


@pytest.mark.slow
def test_two_at_once_double_nothing(runs_dir: Path, uri: str) -> None:
    paths = [left(runs_dir, uri) for _ in range(4)]
    both = [subprocess.Popen(command(runs_dir), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    assert [(process.communicate(timeout=300)[1], process.returncode) for process in both] == [(b"", 0), (b"", 0)]
    found = views(uri)
    assert sorted(found) == sorted(path.name for path in paths)
    assert doubled(found) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--watch", "--dry-run"], "Leave one of them out"),
        (["--to", "./mlruns"], "must name a SQLite file"),
        (["no-such-run"], "has no run 'no-such-run'"),
    ],
)
def test_wrong_input_is_one_message(runs_dir: Path, arguments: list[str], says: str) -> None:
    ended = sync(runs_dir, *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert says in ended.stderr


@pytest.mark.slow
def test_a_run_that_is_kept_out_of_mlflow_is_copied_only_if_asked(runs_dir: Path, uri: str, tmp_path: Path) -> None:
    path = record(runs_dir)
    ended = sync(runs_dir, path.name)
    assert ended.returncode == 2
    assert "--to URI" in ended.stderr
    other = f"sqlite:///{tmp_path}/other.db"
    assert sync(runs_dir, path.name, "--to", other).returncode == 0
    assert list(views(other)) == [path.name]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
@pytest.mark.slow
def test_directories_of_others_are_left_alone_with_a_word(runs_dir: Path, uri: str) -> None:
    mine, other = left(runs_dir, uri), left(runs_dir, uri)
    os.chown(other, 1234, 1234)
    ended = sync(runs_dir)
    assert ended.returncode == 0
    assert list(views(uri)) == [mine.name]
    assert "not yours: 1 of" in ended.stderr
    ended = sync(runs_dir, other.name)
    assert ended.returncode == 2
    assert "written by its owner alone" in ended.stderr
