"""The real command in a process of its own, and what it left behind."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from unittest import mock

import pytest

from nnlab.commands.entry import execute

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

REPOSITORY = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "nnlab.run"]
SECONDS = 120
T = TypeVar("T")

# A run that takes a moment and is right four times out of five.
OVERRIDES = ["data=digits", "model.hidden=[24]", "trainer.epochs=4", "optimizer.lr=0.1"]


# Of the user's environment nothing may decide where a test's runs go, what Hydra says, or how wide a table is.
NOT_INHERITED = ("NNLAB_", "MLFLOW_", "HYDRA_", "COVERAGE_", "COLUMNS")


def environment(**variables: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    places = [str(REPOSITORY), *filter(None, [inherited.get("PYTHONPATH")])]
    return inherited | {"PYTHONPATH": os.pathsep.join(places), "MLFLOW_DISABLE_TELEMETRY": "true"} | variables


def nnlab(
    *overrides: str, folder: Path, program: str = "nnlab.run", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end in `folder`, its output going to pipes."""
    return subprocess.run(
        [sys.executable, "-m", program, *overrides],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def in_process(*overrides: str, folder: Path, program: str = "nnlab.run") -> subprocess.CompletedProcess[str]:
    """As `nnlab`, but in this process, where nothing need be imported anew: for what asks or is refused."""
    out, errors = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment(), clear=True),
        mock.patch.object(sys, "argv", [program, *overrides]),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
        pytest.raises(SystemExit) as end,
    ):
        execute(program.replace("nnlab.", "nnlab.commands."), overrides, syncs=True)
    assert isinstance(end.value.code, int)
    return subprocess.CompletedProcess([program, *overrides], end.value.code, out.getvalue(), errors.getvalue())


@contextlib.contextmanager
def started(
    *overrides: str, folder: Path, program: str = "nnlab.run", **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """The command on its way, as the leader of a session of its own; killed at the end if it lives."""
    process = subprocess.Popen(
        [sys.executable, "-m", program, *overrides],
        cwd=folder,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def run_directories(runs_dir: Path) -> list[Path]:
    """Those with a journal, in the order in which they began."""
    found = [journal.parent for journal in runs_dir.glob("*/metrics.jsonl")]
    return sorted(found, key=lambda path: events(path)[0]["time"])


def events(run: Path) -> list[dict[str, Any]]:
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]  # the last may be being written


def event(run: Path, kind: str) -> Mapping[str, Any]:
    """The only event of its kind."""
    (found,) = [each for each in events(run) if each["event"] == kind]
    return found


def weights_sha256(run: Path) -> str:
    notes = [each["tags"] for each in events(run) if each["event"] == "note"]
    # Once more with the same digest where it was killed between the note and the end.
    (digest,) = {tags["nnlab.weights_sha256"] for tags in notes if "nnlab.weights_sha256" in tags}
    return str(digest)


@dataclass(frozen=True)
class Done:
    """A command that has ended, and where it ran."""

    process: subprocess.CompletedProcess[str]
    folder: Path
    runs_dir: Path
    store: Path

    @property
    def complaints(self) -> list[str]:
        """The lines on stderr, but for the one that says on a slow machine that MLflow is waited for."""
        return [line for line in self.process.stderr.splitlines() if not line.startswith("waiting for MLflow")]

    @property
    def client(self) -> MlflowClient:
        from mlflow import MlflowClient

        return MlflowClient(f"sqlite:///{self.store}")

    @property
    def runs(self) -> list[Run]:
        """As MLflow has them, the first that began being the first."""
        experiments = [experiment.experiment_id for experiment in self.client.search_experiments()]
        return list(self.client.search_runs(experiments, order_by=["attributes.start_time ASC"]))

    @property
    def directories(self) -> list[Path]:
        return run_directories(self.runs_dir)


def wait_for(question: Callable[[], T], seconds: float = 60) -> T:
    """The first answer that is true in a sense."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return answer


def processes_in(folder: Path) -> list[int]:
    """The processes whose current folder is `folder` or below it."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if entry.name.isdigit() and (entry / "cwd").resolve().is_relative_to(folder):
                found.append(int(entry.name))
    return found


def listening_sockets(pid: int) -> set[str]:
    """The inodes of the TCP sockets on which a process waits for connections."""
    listening = set()
    for table in ("tcp", "tcp6"):
        lines = Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        listening |= {line.split()[9] for line in lines if line.split()[3] == "0A"}
    own = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            own.add(os.readlink(link).removeprefix("socket:[").removesuffix("]"))
    return listening & own
