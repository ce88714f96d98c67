"""A real MLflow server on 127.0.0.1, over a SQLite file of its own or another database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from faults.postgresql import free_port

SECONDS_TO_START = 120.0


class Server:
    """A server that runs while its block is executed.

    Args:
        folder: for its store and its files; made if it is missing.
        port: to listen on; None chooses a free one.
        store: the address of its store; None is a SQLite file in the folder.
    """

    def __init__(self, folder: Path, port: int | None = None, store: str | None = None) -> None:
        self.folder = folder
        self._store = store or f"sqlite:///{folder}/mlflow.db"
        self.port = port or free_port()
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, for the first time or again, and wait until it answers."""
        self.folder.mkdir(exist_ok=True)
        places = ["--backend-store-uri", self._store]
        places += ["--artifacts-destination", (self.folder / "files").as_uri()]
        address = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *places, *address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            start_new_session=True,
        )
        deadline = time.monotonic() + SECONDS_TO_START
        while not self.answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.kill()
                raise RuntimeError(f"MLflow's server at {self.uri} did not start")
            time.sleep(0.1)

    def send(self, number: signal.Signals) -> None:
        """A signal to all of its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """SIGKILL all of its processes."""
        self.send(signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def answers(self) -> bool:
        """Whether it is healthy."""
        with suppress(OSError), urllib.request.urlopen(f"{self.uri}/health", timeout=5) as reply:
            return bool(reply.status == 200)
        return False
