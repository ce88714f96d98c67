"""README's lines for MLflow's pages with a login, as they stand there, and a run that goes through them."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import OVERRIDES, REPOSITORY, environment, nnlab, run_directories, wait_for

from faults.postgresql import free_port
from nnlab.mlflow_sync.state import SyncState

if not sys.platform.startswith("linux"):
    pytest.skip("ends a group of processes", allow_module_level=True)

pytestmark = pytest.mark.slow


def readme_lines() -> str:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (found,) = [
        block for block in re.findall(r"(?:^    .*\n)+", text, re.MULTILINE) if "--app-name basic-auth" in block
    ]
    return str(found)


def status(address: str) -> int:
    """The HTTP status of a GET; 0 if nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=5) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of the server that README's lines start in a folder with one run."""
    assert nnlab(*OVERRIDES, "tracking.plots=false", folder=tmp_path).returncode == 0
    port = free_port()
    lines = readme_lines()
    assert "--port 5000" in lines
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(
            ["bash", "-c", lines.replace("--port 5000", f"--port {port} --workers 1")],
            cwd=tmp_path,
            env=environment(PATH=path),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(lambda: server.poll() is not None or status(f"http://127.0.0.1:{port}/health") == 200)
        assert server.poll() is None, (tmp_path / "server.log").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while _group_lives(server) and time.monotonic() < deadline:
            time.sleep(0.1)
        if _group_lives(server):
            os.killpg(server.pid, signal.SIGKILL)


def _group_lives(leader: subprocess.Popen[bytes]) -> bool:
    leader.poll()
    try:
        os.killpg(leader.pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_readmes_lines_serve_runs_to_those_with_the_password_alone(served: str, tmp_path: Path) -> None:
    settings = tmp_path / "auth.ini"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    (password,) = re.findall(r"^admin_password=(.+)$", settings.read_text(), re.MULTILINE)
    assert status(f"{served}/api/2.0/mlflow/experiments/search?max_results=1") == 401

    login = {"MLFLOW_TRACKING_URI": served, "MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": password}
    done = nnlab(*OVERRIDES, "seed=1", "tracking.plots=false", folder=tmp_path, **login)
    assert done.returncode == 0, done.stderr
    second = next(run for run in run_directories(tmp_path / "runs") if "seed=1" in (run / "overrides.yaml").read_text())
    rest = nnlab(second.name, program="nnlab.sync", folder=tmp_path, **login)  # where the run left a slow server to it
    assert rest.returncode == 0, rest.stderr
    state = SyncState.of(second, served)
    assert state is not None
    assert state.has_all(second)
    assert not any(password in path.read_text(errors="ignore") for path in second.rglob("*") if path.is_file())
    assert password not in done.stdout + done.stderr + rest.stdout + rest.stderr
