from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from nnlab.config.tracking_uri import resolve_uri, sqlite_path
from nnlab.errors import RunFailedError, UserError
from nnlab.mlflow_sync.store import ensure_store

ENSURE = (
    "import sys; from pathlib import Path; from nnlab.mlflow_sync.store import ensure_store;"
    "runs = Path(sys.argv[1]); ensure_store(f'sqlite:///{runs}/mlflow.db', runs / 'artifacts');"
    "from mlflow import MlflowClient;"
    "print(MlflowClient(f'sqlite:///{runs}/mlflow.db').get_experiment('0').artifact_location)"
)


def execute(path: Path, statement: str) -> list[tuple[str]]:
    with closing(sqlite3.connect(path)) as database, database:
        return database.execute(statement).fetchall()


def test_without_a_choice_the_store_is_beside_the_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for nothing in (None, ""):
        assert resolve_uri(nothing, Path("my runs")) == f"sqlite:///{tmp_path}/my runs/mlflow.db"


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:5000",
        "https://me:secret@mlflow.example.org/path",
        "postgresql+psycopg://me@host/db",
        "mysql://host/db",
        "sqlite:////elsewhere/mlflow.db",
    ],
)
def test_servers_and_absolute_files_are_taken_as_they_are(uri: str, tmp_path: Path) -> None:
    assert resolve_uri(uri, tmp_path) == uri


def test_a_relative_sqlite_file_is_meant_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    uri = resolve_uri("sqlite:///a b/m.db", Path("runs"))
    assert uri == f"sqlite:///{tmp_path}/a b/m.db"
    assert sqlite_path(uri) == tmp_path / "a b" / "m.db"
    assert sqlite_path("http://host") is None


@pytest.mark.parametrize(
    "uri",
    [
        "mlruns",
        "./mlruns",
        "/data/mlruns",
        "file:///data/mlruns",
        "sqlite://",
        "sqlite:///:memory:",
        "http://",
    ],
)
def test_places_where_mlflow_keeps_no_runs_are_refused_with_the_remedy(uri: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tracking\.uri.*got '.*'.*no longer .*folders: use sqlite:///.*mlflow\.db"):
        resolve_uri(uri, tmp_path)


def test_a_refused_uri_is_shown_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"got 'ftp://\*\*\*@host'"):
        resolve_uri("ftp://me:secret@host", tmp_path)


@pytest.mark.slow
def test_a_store_is_made_whole_whatever_a_killed_attempt_left_behind(tmp_path: Path) -> None:
    runs = tmp_path / "my runs"
    runs.mkdir()
    (runs / "mlflow.db").touch()
    (runs / ".mlflow.db.new").write_bytes(b"half a database")
    (runs / ".mlflow.db.new-journal").write_bytes(b"half a journal")
    ensure_store(f"sqlite:///{runs}/mlflow.db", runs / "artifacts")
    assert sorted(os.listdir(runs)) == ["mlflow.db", "mlflow.db.lock"]
    location = execute(runs / "mlflow.db", "SELECT artifact_location FROM experiments WHERE name = 'Default'")
    assert location == [(f"{(runs / 'artifacts' / '0').as_uri()}",)]


def test_a_store_that_is_there_is_left_as_it_is(runs_dir: Path, uri: str) -> None:
    before = (runs_dir / "mlflow.db").read_bytes()
    ensure_store(uri, runs_dir / "artifacts")
    assert (runs_dir / "mlflow.db").read_bytes() == before
    assert os.listdir(runs_dir) == ["mlflow.db"]


def test_other_stores_look_after_themselves(tmp_path: Path) -> None:
    ensure_store("http://127.0.0.1:9", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        (
            "451aebb31d03",
            r"is older \(451aebb31d03\). Copy the file as a backup, then run: mlflow db upgrade",
        ),
        ("ffffffffffff", r"is newer \(ffffffffffff\). Use the newer MLflow that wrote it, or another store"),
    ],
)
def test_a_store_of_another_mlflow_is_refused_and_never_upgraded(
    runs_dir: Path, uri: str, revision: str, message: str
) -> None:
    execute(runs_dir / "mlflow.db", f"UPDATE alembic_version SET version_num = '{revision}'")
    before = (runs_dir / "mlflow.db").read_bytes()
    with pytest.raises(RunFailedError, match=message):
        ensure_store(uri, runs_dir / "artifacts")
    assert (runs_dir / "mlflow.db").read_bytes() == before


def killed_in_a_transaction(path: Path) -> None:
    """Leave the store as a process does that is killed while it writes: with a journal that is to be rolled back."""
    # A tiny cache makes SQLite write pages before the end.
    code = (
        "import os, signal, sqlite3, sys;"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "database.execute('PRAGMA cache_size = 2');"
        "database.execute('BEGIN');"
        "database.execute('UPDATE alembic_version SET version_num = 1');"
        "database.execute('CREATE TABLE half (done)');"
        "database.executemany('INSERT INTO half VALUES (?)', [('x' * 3000,)] * 50);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.with_name("mlflow.db-journal").stat().st_size > 0


def test_what_a_process_killed_in_a_transaction_left_behind_is_rolled_back(runs_dir: Path, uri: str) -> None:
    path = runs_dir / "mlflow.db"
    killed_in_a_transaction(path)
    ensure_store(uri, runs_dir / "artifacts")
    assert not execute(path, "SELECT name FROM sqlite_master WHERE name = 'half'")


@pytest.mark.slow
@pytest.mark.parametrize("lost", [Path.unlink, lambda path: os.truncate(path, 0)], ids=["deleted", "emptied"])
def test_a_new_store_does_not_get_what_the_lost_one_left_to_be_rolled_back(
    runs_dir: Path, uri: str, lost: Callable[[Path], object]
) -> None:
    path = runs_dir / "mlflow.db"
    execute(path, "CREATE TABLE ours (text)")  # so that pages are others than in the new one
    killed_in_a_transaction(path)
    lost(path)
    ensure_store(uri, runs_dir / "artifacts")
    assert execute(path, "PRAGMA integrity_check") == [("ok",)]
    assert not execute(path, "SELECT name FROM sqlite_master WHERE name IN ('half', 'ours')")


@pytest.mark.slow  # SQLite waits 20 s for the lock
def test_a_store_that_is_busy_is_not_called_damaged(runs_dir: Path, uri: str) -> None:
    with closing(sqlite3.connect(runs_dir / "mlflow.db", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RunFailedError, match=r"cannot be read at present \(database is locked\)\.$"):
            ensure_store(uri, runs_dir / "artifacts")


def test_a_file_that_is_no_store_is_refused(runs_dir: Path, uri: str) -> None:
    (runs_dir / "mlflow.db").write_bytes(b"something else" * 100)
    with pytest.raises(RunFailedError, match=r"mlflow.db .*file is not a database.*Move the file away"):
        ensure_store(uri, runs_dir)
    (runs_dir / "mlflow.db").unlink()
    execute(runs_dir / "mlflow.db", "CREATE TABLE notes (text)")
    with pytest.raises(RunFailedError, match=r"mlflow.db .*no such table: alembic_version"):
        ensure_store(uri, runs_dir)


def test_a_place_that_cannot_hold_a_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunFailedError, match=r"mlflow\.db .*\((Not a directory|File exists)"):
        ensure_store(f"sqlite:///{tmp_path}/file/mlflow.db", tmp_path)


@pytest.mark.slow
def test_six_processes_that_start_at_once_share_one_good_store(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    processes = [start("-c", ENSURE, str(tmp_path / "runs")) for _ in range(6)]
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert output.strip() == (tmp_path / "runs" / "artifacts" / "0").as_uri()
    assert len(execute(tmp_path / "runs" / "mlflow.db", "SELECT name FROM experiments")) == 1
    assert sorted(os.listdir(tmp_path / "runs")) == ["mlflow.db", "mlflow.db.lock"]


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0.0, 0.3, 0.8])
def test_a_kill_while_the_store_is_made_does_no_harm(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]], moment: float
) -> None:
    runs = tmp_path / "runs"
    process = start("-c", ENSURE, str(runs))
    while not (runs / ".mlflow.db.new").exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.wait()
    ensure_store(f"sqlite:///{runs}/mlflow.db", runs / "artifacts")
    assert len(execute(runs / "mlflow.db", "SELECT name FROM experiments")) == 1
    assert sorted(os.listdir(runs)) == ["mlflow.db", "mlflow.db.lock"]


def test_the_template_that_other_tests_copy_is_sound(template_store: Path, tmp_path: Path) -> None:
    shutil.copy(template_store, tmp_path / "mlflow.db")
    assert execute(tmp_path / "mlflow.db", "PRAGMA integrity_check") == [("ok",)]
