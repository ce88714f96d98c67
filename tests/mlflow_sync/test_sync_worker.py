"""The worker's loop, in the process of the tests."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient
from recording import metrics, record, start, start_in
from watching import at_work, shown, steps, synced, wait_for

from nnlab.mlflow_sync.state import SyncState
from nnlab.runs import journal
from nnlab.runs.directory import RunDirectory
from nnlab.runs.recorder import Recorder


def on_the_way(runs_dir: Path, uri: str) -> Recorder:
    """A run that was meant for MLflow at `uri` and has not got there."""
    recorder = start(runs_dir)
    recorder.epoch(1, metrics(1))
    SyncState(tracking_uri=uri).save(recorder.directory.path)
    return recorder


def test_several_runs_are_followed_by_one_worker(runs_dir: Path, uri: str) -> None:
    paths = [record(runs_dir, epochs=epochs) for epochs in (1, 2)]
    assert synced(uri, runs_dir, *paths)
    assert [steps(uri, path) for path in paths] == [[1], [1, 2]]


def test_a_run_that_died_while_it_was_followed_is_closed_as_killed(runs_dir: Path, uri: str) -> None:
    recorder = start(runs_dir)
    recorder.epoch(1, metrics(1))
    recorder.directory.release()  # what the system does for a killed process
    assert synced(uri, runs_dir, recorder.directory.path)
    assert shown(uri, recorder.directory.path) == ("KILLED", "killed")
    assert (recorder.directory.path / "history.csv").read_text().count("\n") == 2


def test_a_worker_closes_what_dead_runs_left_and_sends_its_own_alone(
    runs_dir: Path, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dead, damaged, elsewhere, alive = (on_the_way(runs_dir, place) for place in (uri, uri, "http://127.0.0.1:1", uri))
    untracked = start(runs_dir)
    for recorder in (dead, damaged, elsewhere, untracked):
        recorder.directory.release()
    (damaged.directory.path / "mlflow.json").write_text("{")
    (runs_dir / "a file.txt").write_text("of the user")

    assert synced(uri, runs_dir)
    assert shown(uri, dead.directory.path) == ("KILLED", "killed")
    assert steps(uri, dead.directory.path) == [1]
    assert "mlflow.json in " in capsys.readouterr().err
    assert journal.end_of(journal.read(alive.directory.journal_path)[0]) is None
    for recorder in (elsewhere, untracked):
        end = journal.end_of(journal.read(recorder.directory.journal_path)[0])
        assert end is not None
        assert end["status"] == "killed", "closed in its directory, and sent nowhere"
    assert len(MlflowClient(uri).search_runs(["1"])) == 1
    alive.close("finished")


def test_a_run_that_cannot_be_read_does_not_hold_up_the_others(
    runs_dir: Path, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, sound, left = record(runs_dir), record(runs_dir), on_the_way(runs_dir, uri)
    left.directory.release()
    broken = broken.rename(runs_dir / "0-comes-first")
    SyncState(tracking_uri=uri).save(broken)
    (broken / "metrics.jsonl").write_text("what?\n")
    assert not synced(uri, runs_dir, broken, sound)
    assert shown(uri, sound) == ("FINISHED", "finished")
    assert shown(uri, left.directory.path) == ("KILLED", "killed")
    state = SyncState.of(broken)
    assert state is not None
    assert "metrics.jsonl in " in str(state.problem)
    assert broken.name in capsys.readouterr().err


def test_a_store_that_may_not_be_written_is_reported_as_such(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs_dir)  # MLflow takes such an address for a relative path, and makes its folder
    path = record(runs_dir)
    uri = f"sqlite:///file:{runs_dir}/mlflow.db?mode=ro&uri=true"
    SyncState(tracking_uri=uri).save(path)
    assert not synced(uri, runs_dir, path)
    state = SyncState.of(path)
    assert state is not None
    assert "attempt to write a readonly database" in str(state.problem)


def test_a_store_of_a_newer_mlflow_is_reported_as_such(runs_dir: Path, uri: str) -> None:
    with closing(sqlite3.connect(runs_dir / "mlflow.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    path = record(runs_dir)
    SyncState(tracking_uri=uri).save(path)
    assert not synced(uri, runs_dir, path)
    state = SyncState.of(path)
    assert state is not None
    assert "is newer (ffffffffffff). Use the newer MLflow" in str(state.problem)


@pytest.mark.slow
def test_what_dead_runs_left_is_closed_once_mlflow_is_back(runs_dir: Path, uri: str, template_store: Path) -> None:
    (runs_dir / "mlflow.db").write_bytes(b"not yet a store")
    left = on_the_way(runs_dir, uri)
    left.directory.release()
    with start(runs_dir) as recorder:
        path = recorder.directory.path
        SyncState(tracking_uri=uri).save(path)
        with at_work(uri, runs_dir, path) as (arrivals, arrived):
            wait_for(lambda: "file is not a database" in str(getattr(SyncState.of(path), "problem", "")))
            shutil.copy(template_store, runs_dir / "mlflow.db")
            wait_for(lambda: getattr(SyncState.of(path), "is_described", False))
            wait_for(lambda: getattr(SyncState.of(left.directory.path), "is_closed", False))
            recorder.close("finished")
            arrivals.put(None)
            assert arrived.result()
    assert shown(uri, path) == ("FINISHED", "finished")
    assert shown(uri, left.directory.path) == ("KILLED", "killed")


def test_a_store_that_is_replaced_while_a_run_is_followed_gets_all_of_it(
    runs_dir: Path, uri: str, template_store: Path
) -> None:
    recorder = start(runs_dir)
    path = recorder.directory.path
    recorder.epoch(1, metrics(1))
    with at_work(uri, runs_dir, path) as (arrivals, arrived):
        wait_for(lambda: getattr(SyncState.of(path), "is_described", False))
        (runs_dir / "mlflow.db").unlink()
        shutil.copy(template_store, runs_dir / "mlflow.db")
        recorder.epoch(2, metrics(2))
        recorder.close("finished")
        arrivals.put(None)
        assert arrived.result()
    with closing(sqlite3.connect(runs_dir / "mlflow.db")) as store:
        assert store.execute("SELECT step FROM metrics WHERE key = 'lr' ORDER BY step").fetchall() == [(1,), (2,)]
        assert store.execute("SELECT status FROM runs").fetchall() == [("FINISHED",)]


@pytest.mark.slow
def test_a_run_that_restarts_after_it_arrived_is_noticed_while_the_worker_works(runs_dir: Path, uri: str) -> None:
    recorder = start(runs_dir)
    path = recorder.directory.path
    recorder.directory.release()
    with at_work(uri, runs_dir, path) as (arrivals, arrived):
        wait_for(lambda: getattr(SyncState.of(path), "is_closed", False))
        assert shown(uri, path) == ("KILLED", "killed")
        again = start_in(RunDirectory.claim(path))
        again.epoch(1, metrics(1))
        wait_for(lambda: steps(uri, path) == [1])
        wait_for(lambda: shown(uri, path) == ("RUNNING", "running"))  # the tags come a moment after the metrics
        again.close("finished")
        wait_for(lambda: shown(uri, path) == ("FINISHED", "finished"))
        on = Recorder.reopen(path, None)
        on.epoch(2, metrics(2))
        on.close("finished")
        arrivals.put(None)
        assert arrived.result(), "the last look back is at the end"
    assert steps(uri, path) == [1, 2]


def test_a_run_that_continues_and_cannot_be_read_any_more_is_given_up(runs_dir: Path, uri: str) -> None:
    path = record(runs_dir)
    with at_work(uri, runs_dir, path) as (arrivals, arrived):
        wait_for(lambda: getattr(SyncState.of(path), "is_closed", False))
        with (path / "metrics.jsonl").open("a") as file:
            file.write("what?\n")
        arrivals.put(None)
        assert not arrived.result(timeout=60)
