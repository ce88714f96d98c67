"""`python -m nnlab.ui` shows the store that runs go to, to this machine alone."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from commands import environment, processes_in
from sqlalchemy.engine import make_url

from nnlab.commands.ui import check_port, check_store, main, serve, short_address
from nnlab.config.tracking_uri import sqlite_uri
from nnlab.errors import RunFailedError, UserError

LOOPBACK = "0100007F"  # 127.0.0.1, as the kernel's table of sockets writes it


def test_without_runs_there_is_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no runs to show: .*mlflow\.db does not exist\. Start a run first"):
        check_store(f"sqlite:///{tmp_path}/mlflow.db")


def test_a_server_has_pages_of_its_own() -> None:
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:9 is an MLflow server with a UI of its own"):
        check_store("http://127.0.0.1:9")


def test_a_database_that_does_not_answer_is_a_message(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"127.0.0.1:{port}/db"  # where nobody listens
    uri = f"postgresql+psycopg://me:s3cr3t@{address}"
    with pytest.raises(RunFailedError, match="refused") as caught:
        main(["--port", str(port), "--runs-dir", str(tmp_path), "--tracking-uri", uri])
    assert (address in str(caught.value), "s3cr3t" in str(caught.value)) == (True, False)


def test_the_command_for_no_runs_ends_with_2_and_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nnlab.ui", "--runs-dir", str(tmp_path)],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert list(tmp_path.iterdir()) == []


def test_the_server_of_a_folder_of_any_name_is_given_an_address_without_it(tmp_path: Path) -> None:
    database = tmp_path / "My%20Data" / "mlflow.db"
    address, folder = short_address(sqlite_uri(database))
    assert folder is not None
    assert folder / make_url(address).database == database  # type: ignore[operator]
    assert Path(address.removeprefix("sqlite:///")).parent == Path(), "of which MLflow would make a folder"
    assert short_address("sqlite:////plain/mlflow.db") == ("sqlite:////plain/mlflow.db", None)


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(UserError, match=f"from 1 to 65535, but got --port {port}"):
        check_port(port)


def test_a_port_that_is_taken_is_refused_with_one_that_is_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"127\.0\.0\.1:{port} is not .* choose another: --port \d+") as refusal:
            check_port(port)
    free = int(str(refusal.value).split("--port ")[1].rstrip("."))
    assert free != port
    check_port(free)


FAMILY = """
import subprocess, sys, time
from nnlab.exit_status import exit_status
from nnlab.commands.ui import serve
child = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
grandchild = "import time; print(1, flush=True); time.sleep(99)"
with exit_status():
    serve([sys.executable, "-c", child, grandchild], None)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_when_it_is_ended_nothing_of_the_server_is_left(number: int, tmp_path: Path) -> None:
    folder = tmp_path / "its own"  # the tests stand in the other
    folder.mkdir()
    with started_program(FAMILY, folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        assert len(processes_in(folder)) == 3
        process.send_signal(number)
        assert process.wait(timeout=60) == 130
        assert processes_in(folder) == []


def test_a_server_that_ends_by_itself_is_a_failure() -> None:
    with pytest.raises(RunFailedError, match="by itself with status 3"):
        serve([sys.executable, "-c", "raise SystemExit(3)"], os.environ)


@contextmanager
def started_program(code: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment(), cwd=folder, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        for pid in processes_in(folder):
            os.kill(pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.slow
def test_it_listens_on_the_loopback_address_alone_and_no_command_line_has_the_store_s_address(
    tmp_path: Path, template_store: Path
) -> None:
    folder = tmp_path / "its own"
    folder.mkdir()
    shutil.copy(template_store, folder / "mlflow.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "nnlab.ui", "--port", str(port)],
        env=environment(NNLAB_RUNS_DIR=str(folder)),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert _answers(f"http://127.0.0.1:{port}/health")
        assert _listening_addresses(port) == {LOOPBACK}
        commands = [Path(f"/proc/{pid}/cmdline").read_text() for pid in processes_in(folder)]
        assert len(commands) >= 3, "nnlab.ui, the server and what it starts"
        assert [command for command in commands if "mlflow.db" in command or "store" in command] == []
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=60) == 130
        assert processes_in(folder) == []
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _answers(address: str) -> bool:
    for _ in range(240):
        with suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.read() == b"OK")
        time.sleep(0.5)
    return False


def _listening_addresses(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, listening = local.split(":")
            if state == "0A" and int(listening, 16) == port:
                found.add(address)
    return found
