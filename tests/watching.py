"""What tests ask of MLflow about a run."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tracked  # noqa: F401  (MLflow, imported without its warnings)
from mlflow import MlflowClient

from nnlab.mlflow_sync.state import SyncState
from nnlab.mlflow_sync.worker import Worker


def shown(uri: str, run: Path) -> tuple[str, str]:
    """Status and tag of a run in MLflow."""
    state = SyncState.of(run)
    assert state is not None
    found = MlflowClient(uri).get_run(state.run_id)  # type: ignore[arg-type]
    return found.info.status, found.data.tags["nnlab.status"]


def steps(uri: str, run: Path) -> list[int]:
    state = SyncState.of(run)
    assert state is not None
    return [metric.step for metric in MlflowClient(uri).get_metric_history(state.run_id, "lr")]  # type: ignore[arg-type]


def run_id(run: Path) -> str | None:
    """MLflow's id of a run, if it has one yet."""
    state = SyncState.of(run)
    return state.run_id if state else None


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def synced(uri: str, runs_dir: Path, *runs: Path) -> bool:
    """Run the worker's loop over runs that have all arrived; returns whether MLflow has got all."""
    arrivals: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
    for run in runs:
        arrivals.put(run)
    arrivals.put(None)
    return Worker(uri, runs_dir).work(arrivals)


@contextmanager
def at_work(uri: str, runs_dir: Path, *runs: Path) -> Iterator[tuple[queue.SimpleQueue[Path | None], Future[bool]]]:
    """The worker's loop in a thread: what it is told, and what it returns. It ends with the block, whatever fails."""
    arrivals: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
    for run in runs:
        arrivals.put(run)
    with ThreadPoolExecutor(1) as background:
        try:
            yield arrivals, background.submit(Worker(uri, runs_dir).work, arrivals)
        finally:
            arrivals.put(None)


def history(client: MlflowClient, run_id: str, name: str) -> list[tuple[int, float]]:
    return [(metric.step, metric.value) for metric in client.get_metric_history(run_id, name)]


def files(client: MlflowClient, run_id: str, folder: str | None = None) -> set[str]:
    found = set()
    for entry in client.list_artifacts(run_id, folder):
        found |= files(client, run_id, entry.path) if entry.is_dir else {entry.path}
    return found


def runs(client: MlflowClient) -> list[Any]:
    return list(client.search_runs([e.experiment_id for e in client.search_experiments()]))


def break_off(client: MlflowClient, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the connection break after so many calls: the last one was done, but nobody hears of it."""
    made: list[str] = []

    def breaking_off(name: str) -> Callable[..., Any]:
        call = getattr(client, name)

        def method(*arguments: Any, **keywords: Any) -> Any:
            made.append(name)
            result = call(*arguments, **keywords)
            if len(made) == after:
                raise ConnectionError("broken off")
            return result

        return method

    for name in ("create_run", "update_run", "log_batch", "log_inputs", "log_artifacts", "set_terminated"):
        monkeypatch.setattr(client, name, breaking_off(name))
