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
from contextlib import suppress
from pathlib import Path

import pytest
from commands import environment

from nnlab.errors import UserError
from nnlab.ui import server_command

LOOPBACK = "0100007F"  # 127.0.0.1, as the kernel's table of sockets writes it


def test_without_runs_there_is_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no runs to show: .*mlflow\.db is not there\. Do a run first"):
        server_command(f"sqlite:///{tmp_path}/mlflow.db", 5000)


def test_a_server_has_pages_of_its_own() -> None:
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:9 is an MLflow server with a UI of its own"):
        server_command("http://127.0.0.1:9", 5000)


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


@pytest.mark.slow
def test_it_listens_on_the_loopback_address_alone(tmp_path: Path, template_store: Path) -> None:
    shutil.copy(template_store, tmp_path / "mlflow.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "nnlab.ui", "--port", str(port)],
        env=environment(NNLAB_RUNS_DIR=str(tmp_path)),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert _answers(f"http://127.0.0.1:{port}/health")
        assert _listening_addresses(port) == {LOOPBACK}
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
