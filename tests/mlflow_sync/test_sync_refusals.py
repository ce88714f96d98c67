"""A store that refuses says so while the work goes on, once, in its own words and without passwords; nobody waits."""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from recording import metrics, record, start
from watching import shown, synced, wait_for

from faults.postgresql import PASSWORD, Postgresql, free_port, postgresql
from faults.promise import NotHereError
from nnlab.errors import UserError
from nnlab.mlflow_sync.process import SyncProcess
from nnlab.mlflow_sync.store import ensure_store
from nnlab.mlflow_sync.trouble import RefusedError, trouble
from nnlab.runs.files import not_writable


@pytest.fixture(scope="module")
def database() -> Iterator[Postgresql]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgresql())
        except NotHereError as error:
            pytest.skip(str(error))
        ensure_store(server.address(), Path("/nowhere"))
        yield server


def told(uri: str, runs_dir: Path) -> tuple[list[str], list[str], float]:
    """What is said while a run trains, what at its end, and how many seconds that is waited for."""
    said: list[str] = []
    process = SyncProcess()
    process.assign(uri, runs_dir, warn=said.append)
    with start(runs_dir, process) as recorder:
        recorder.epoch(1, metrics(1))
        wait_for(lambda: bool(said))
    started = time.monotonic()
    problems = process.finish(600)
    return said, problems, time.monotonic() - started


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "word", "remedy"),
    [
        (("sesAme", "sesame"), "password authentication failed", "tracking.uri"),
        (("/postgres", "/nowhere"), "does not exist", "tracking.uri"),
        (("127.0.0.1", "nosuch.invalid"), "Name or service not known", "host's name"),
        (("/postgres", "/postgres?sslmode=require"), "does not support SSL", "sslrootcert"),
        (("psycopg", "psycopg2"), "driver that is not installed", "pip install"),
    ],
)
def test_a_database_that_refuses(
    database: Postgresql, runs_dir: Path, change: tuple[str, str], word: str, remedy: str
) -> None:
    uri = database.address().replace(*change)
    said, (problem,), seconds = told(uri, runs_dir)
    (line,) = said
    assert word in line
    assert remedy in line
    assert "python -m nnlab.sync" in line
    assert "see above" in problem
    assert seconds < 60, "MLflow alone tries for two minutes, and `finish` would wait for ten"
    for text in (line, problem, (runs_dir / "mirror.log").read_text()):
        assert PASSWORD not in text
        assert "oPen-sesame" not in text


@pytest.mark.slow
@pytest.mark.parametrize(("revision", "remedy"), [("451aebb31d03", "mlflow db upgrade "), ("ffff", "newer MLflow")])
def test_a_database_of_another_mlflow(database: Postgresql, tmp_path: Path, revision: str, remedy: str) -> None:
    engine = sqlalchemy.create_engine(database.address())
    with engine.begin() as connection:
        (own,) = connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).one()
        connection.execute(sqlalchemy.text(f"UPDATE alembic_version SET version_num = '{revision}'"))
    with pytest.raises(RefusedError, match=remedy) as caught:
        ensure_store(database.address(), tmp_path)
    assert PASSWORD not in str(caught.value)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(f"UPDATE alembic_version SET version_num = '{own}'"))
    engine.dispose()
    ensure_store(database.address(), tmp_path)


@pytest.mark.slow
def test_workers_that_start_together_on_an_empty_database_make_its_tables_once(database: Postgresql) -> None:
    with psycopg.connect(database.address().replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
    code = (
        "import sys; from pathlib import Path; from nnlab.mlflow_sync.store import ensure_store;"
        "ensure_store(sys.argv[1], Path('/nowhere'))"
    )
    command = [sys.executable, "-c", code, database.address("empty")]
    makers = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(4)]
    assert [maker.wait(120) for maker in makers] == [0] * 4


@pytest.mark.slow
def test_a_host_that_is_not_there_is_told_while_the_run_trains(runs_dir: Path) -> None:
    said, (problem,), seconds = told("http://me:s3cret@nosuch.invalid:5000", runs_dir)
    (line,) = said
    assert "nosuch.invalid" in line
    assert "host's name" in line
    assert "see above" in problem
    assert seconds < 60
    assert "s3cret" not in line + problem + (runs_dir / "mirror.log").read_text()


@pytest.mark.slow
def test_a_wrong_password_of_mlflows_own_authentication(
    runs_dir: Path, tmp_path: Path, start: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_FLASK_SERVER_SECRET_KEY", "s" * 32)
    monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", "of the administrator")
    monkeypatch.chdir(tmp_path)  # where it keeps its users
    port = free_port()
    server = start(
        *("-m", "mlflow", "server", "--app-name", "basic-auth", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{runs_dir}/mlflow.db", "--workers", "1"),
    )

    def answers() -> bool:
        assert server.poll() is None
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    wait_for(answers)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "oPen-sesame")
    said, (problem,), seconds = told(f"http://127.0.0.1:{port}", runs_dir)
    assert "MLFLOW_TRACKING_PASSWORD" in said[0]
    assert "oPen-sesame" not in said[0] + problem + (runs_dir / "mirror.log").read_text()
    assert seconds < 60
    server.terminate()
    server.communicate(timeout=60)


def test_somebody_who_is_no_mlflow_server(runs_dir: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    port = free_port()
    start("-m", "http.server", str(port), "--bind", "127.0.0.1")

    def listens() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    wait_for(listens)
    (line,), _, seconds = told(f"http://127.0.0.1:{port}", runs_dir)
    assert "no MLflow server" in line
    assert seconds < 60


@pytest.mark.slow
def test_a_server_that_does_not_speak_tls(runs_dir: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    port = free_port()
    start("-m", "http.server", str(port), "--bind", "127.0.0.1")
    (line,), _, seconds = told(f"https://127.0.0.1:{port}", runs_dir)
    assert "certificate" in line
    assert seconds < 60


@pytest.mark.slow
def test_a_store_that_may_not_be_written_is_told_while_the_run_trains(runs_dir: Path, uri: str) -> None:
    (line,), (problem,), seconds = told(f"sqlite:///file:{runs_dir}/mlflow.db?mode=ro&uri=true", runs_dir)
    assert "attempt to write a readonly database" in line
    assert "tracking.uri" in line
    assert "see above" in problem
    assert seconds < 60


@pytest.mark.slow
def test_a_deleted_experiment_is_told_once_for_all_of_its_runs_and_holds_up_no_other(
    runs_dir: Path, uri: str, client: MlflowClient
) -> None:
    client.delete_experiment(client.create_experiment("digits of mine"))
    said: list[str] = []
    process = SyncProcess()
    process.assign(uri, runs_dir, warn=said.append)
    record(runs_dir, process)
    record(runs_dir, process)
    (problem,) = process.finish(600)
    (line,) = said
    assert "mlflow experiments restore" in line
    assert "2 of 2 runs" in problem
    client.restore_experiment(client.get_experiment_by_name("digits of mine").experiment_id)  # type: ignore[union-attr]
    assert synced(uri, runs_dir)
    assert process.finish(0) == []


@pytest.mark.slow
def test_a_locked_store_is_waited_for_quietly(runs_dir: Path, uri: str) -> None:
    said: list[str] = []
    process = SyncProcess()
    process.assign(uri, runs_dir, warn=said.append)
    with closing(sqlite3.connect(runs_dir / "mlflow.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        path = record(runs_dir, process)
        time.sleep(3)
        holder.execute("ROLLBACK")
    assert process.finish(600) == []
    assert said == []
    assert shown(uri, path) == ("FINISHED", "finished")


def sqlite_error(name: str) -> Exception:
    error = sqlite3.OperationalError("in SQLite's words")
    error.sqlite_errorname = name
    found = MlflowException("in MLflow's")
    found.__cause__ = sqlalchemy.exc.OperationalError("INSERT", {}, error)
    return found


@pytest.mark.parametrize(
    ("error", "kind", "word"),
    [
        (sqlite_error("SQLITE_FULL"), "refused", "disk is full"),
        (sqlite_error("SQLITE_READONLY_DIRECTORY"), "refused", "tracking.uri"),
        (sqlite_error("SQLITE_READONLY_DBMOVED"), "passing", "in MLflow's"),
        (sqlite_error("SQLITE_CORRUPT"), "refused", "Move the file away"),
        (sqlite_error("SQLITE_BUSY"), "passing", "in MLflow's"),
        (psycopg.errors.DiskFull("could not extend file"), "refused", "could not extend file. Its disk is full"),
        (psycopg.errors.AdminShutdown("terminating connection"), "passing", "terminating"),
        (OSError(errno.ENOSPC, "No space left", "/artifacts/x"), "refused", "disk is full"),
        (OSError(errno.ENOSPC, "No space left", "/runs/a/x", None, "/artifacts/x"), "refused", "disk is full"),
        (OSError(errno.ENOSPC, "No space left", "/runs/a/x"), "damaged", "No space left"),
        (not_writable(Path("/runs/a/x"), OSError(errno.ENOSPC, "No space left", "/runs/a/x")), "passing", "write"),
        (PermissionError(errno.EACCES, "Permission denied", "/runs/a/config.yaml"), "damaged", "Permission denied"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/runs/a/config.yaml"), "damaged", "No such file"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/artifacts/x"), "passing", "No such file"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "passing", "refused"),
        (ssl.SSLEOFError("EOF occurred in violation of protocol"), "passing", "EOF"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), "passing", "Temporary"),
        (UserError("a line of the journal"), "damaged", "journal"),
        (KeyError("dataset"), "damaged", "dataset"),
        (TypeError("what is this"), "damaged", "what"),
        (MlflowException("bad name", error_code=1000), "damaged", "bad name"),
        (MlflowException("oh", error_code=1), "passing", "oh"),
    ],
)
def test_what_an_error_says(error: Exception, kind: str, word: str) -> None:
    found = trouble(error, Path("/runs/a"))
    assert (found.kind, word in found.text) == (kind, True), found
    assert os.linesep not in found.text


def test_what_a_server_answers_cannot_steer_the_terminal(tmp_path: Path) -> None:
    found = trouble(MlflowException("Response body: '\x1b]0;mine\x07\x00\x9b31m\r'"), tmp_path)
    assert found.text.isprintable()
    assert "mine" in found.text
