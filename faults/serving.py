"""Runs on their way into MLflow, a real server over PostgreSQL, and whether every point has arrived, each once."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from faults.promise import BrokenPromiseError
from faults.trial import ROOT

SECONDS = 120.0


def environment() -> dict[str, str]:
    """Of the commands: nothing of the caller's own settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("NNLAB_", "MLFLOW_"))}
    return kept | {"PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"}


@contextmanager
def running(folder: Path, uri: str | None, *overrides: str) -> Iterator[subprocess.Popen[str]]:
    """A run on its way; killed at the end of the block if it lives."""
    with subprocess.Popen(
        [sys.executable, "-m", "nnlab.run", *overrides, *([f"tracking.uri={uri}"] if uri else [])],
        cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def wait_for(question: Callable[[], Any], what: str) -> Any:
    """The first answer that is true in a sense."""
    deadline = time.monotonic() + SECONDS
    while not (answer := question()):
        if time.monotonic() > deadline:
            raise BrokenPromiseError(f"waited {SECONDS:.0f} s in vain for {what}")
        time.sleep(0.1)
    return answer


def the_run(folder: Path) -> Path:
    """The directory of the only run, once it trains."""
    (journal,) = wait_for(lambda: list((folder / "runs").glob("*/metrics.jsonl")), "the run to start")
    return Path(journal).parent


def arrived(run: Path) -> bool:
    """Whether MLflow has anything of the run."""
    note = run / "mlflow.json"
    return note.exists() and json.loads(note.read_text())["is_described"]


def has_all(run: Path) -> bool:
    """Whether MLflow has all of a run that has ended."""
    return bool(json.loads((run / "mlflow.json").read_text())["is_closed"])


def helpers_in(folder: Path) -> list[int]:
    """The processes that bring runs into MLflow and work in this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and b"nnlab.mlflow_sync" in (entry / "cmdline").read_bytes():
                found += [int(entry.name)] if (entry / "cwd").resolve() == folder else []
    return found


def events(run: Path) -> list[dict[str, Any]]:
    """What the run's journal says."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def check_points(run: Path, store: str) -> int:
    """Compare every epoch's metrics with MLflow's; returns how many there are.

    Raises:
        BrokenPromiseError: if one is missing, is there twice, or differs.
    """
    from mlflow import MlflowClient

    recorded = [event for event in events(run) if event["event"] == "epoch"]
    run_id = json.loads((run / "mlflow.json").read_text())["run_id"]
    client, count = MlflowClient(store), 0
    for name in recorded[0]["metrics"]:
        expected = [(event["epoch"], float(event["metrics"][name])) for event in recorded]
        found = sorted((point.step, point.value) for point in client.get_metric_history(run_id, name))
        if found != expected:
            twice = len(found) - len({step for step, _ in found})
            raise BrokenPromiseError(f"{run.name}, {name}: {len(found)} points of {len(expected)}, {twice} twice")
        count += len(found)
    return count


def slowdown(run: Path, spans: list[tuple[float, float]]) -> float:
    """The median time of epochs that ended within the spans over that of all others."""
    inside: list[float] = []
    outside: list[float] = []
    for event in events(run):
        if event["event"] == "epoch":
            is_inside = any(since <= event["time"] / 1000 <= until for since, until in spans)
            (inside if is_inside else outside).append(event["metrics"]["time/epoch_seconds"])
    return statistics.median(inside) / statistics.median(outside)
