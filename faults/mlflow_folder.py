"""Run directories on their way to MLflow: synced in processes that may be killed, and compared with what MLflow has."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from faults.promise import BrokenPromiseError, Work
from nnlab.mlflow_sync.launch import ALWAYS, UNLESS_SET

SECONDS = 120.0
"""How long a process may take that is not to be killed."""
BYSTANDERS = 30
"""Runs of a folder without a study."""


class Folder:
    """Run directories that are to go to MLflow, made by real commands once."""

    def __init__(self, work: Work, runs: int = 3) -> None:
        self.runs = work.folder / "runs"
        self.empty = work.folder / "empty.db"
        environment = {**os.environ, "NNLAB_RUNS_DIR": str(self.runs), "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
        environment |= {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
        small = ["model=toy", "data=toy", "trainer.epochs=3", "tracking.plots=false"]
        seeds = f"seed={','.join(map(str, range(1, runs + 1)))}"
        commands = [["run", "-m", *small, seeds]]
        if runs < BYSTANDERS:
            values = ["sweep=toy", "sweep.seeds=1", "sweep.trials=2", "sweep.workers=1", *small[2:]]
            commands.append(["sweep", *values])
        for command in commands:
            subprocess.run([sys.executable, "-m", f"nnlab.{command[0]}", *command[1:]], env=environment, check=True)
        for name, value in (UNLESS_SET | ALWAYS).items():
            os.environ[name] = value
        import nnlab.mlflow_sync.catching_up  # noqa: F401  (so that every process forked from here has it)

        _in_a_process(partial(_make_store, self.empty))

    def singles(self) -> list[Path]:
        """The runs that are no study's."""
        return [path.parent for path in self.runs.glob("*/model")]

    def undisturbed(self, uri: str) -> tuple[float, dict[str, Any]]:
        """How long a sync takes that nothing disturbs, and what MLflow has then."""
        self.forget(uri, keep_notes=False)
        started = time.monotonic()
        self.sync(uri)
        return time.monotonic() - started, self.views(uri)

    def views(self, uri: str) -> Any:
        """What MLflow has, see `faults.mlflow_view`."""
        return _in_a_process(partial(_views, uri))

    def forget(self, uri: str, *, keep_notes: bool) -> None:
        """Empty the store, and let the runs go there; without the notes, as if nothing had ever been sent."""
        for path in (
            *self.runs.glob("mlflow.db*"),
            *self.runs.glob("*/mlflow*"),
            *self.runs.glob("*/trials/*/mlflow*"),
        ):
            if not (keep_notes and path.name == "mlflow.json"):
                path.unlink()
        shutil.rmtree(self.runs / "artifacts", ignore_errors=True)
        if uri.startswith("sqlite"):
            shutil.copy(self.empty, self.runs / "mlflow.db")
        from nnlab.mlflow_sync.state import note_destination

        for journal in (*self.runs.glob("*/metrics.jsonl"), *self.runs.glob("*/trials/*/metrics.jsonl")):
            note_destination(uri, journal.parent)

    def started(self, uri: str) -> Any:
        """A process that syncs."""
        process = multiprocessing.get_context("fork").Process(target=_quietly, args=(partial(_sync, self.runs), None))
        process.start()
        return process

    def sync(self, uri: str, killed_after: float | None = None, expects: set[str] | None = None) -> Any:
        """Sync in a process; returns the names of what is left, or whether it was killed."""
        if killed_after is not None:
            process = self.started(uri)
            process.join(killed_after)
            was_alive = process.is_alive()
            process.kill()
            process.join()
            return was_alive
        left = _in_a_process(partial(_sync, self.runs))
        if set(left) != (expects or set()):
            raise BrokenPromiseError(f"left were: {left}")
        return set(left)

    def check(self, uri: str, whole: dict[str, Any], where: str) -> None:
        """Compare what MLflow has with what it is to have."""
        from faults.mlflow_view import doubled

        found = self.views(uri)
        if twice := doubled(found):
            raise BrokenPromiseError(f"{where}: {'; '.join(twice[:5])}")
        if found != whole:
            names = [name for name in {*found, *whole} if found.get(name) != whole.get(name)]
            raise BrokenPromiseError(f"{where}: differs in {names[:5]}: {found.get(names[0])} != {whole.get(names[0])}")


def _sync(runs: Path) -> dict[str, str]:
    from nnlab.mlflow_sync.catching_up import CatchingUp

    deliveries, damaged = CatchingUp(runs, None, None, []).deliveries()
    found = list(damaged)
    for delivery in deliveries:
        refusal = delivery.check()
        if refusal is not None:
            return dict.fromkeys((run.name for run in delivery.to_send), refusal.text) or {"all": refusal.text}
        found += delivery.send()
    return {handled.run.name: handled.reason for handled in found if handled.result != "sent"}


def _views(uri: str) -> Any:
    from faults.mlflow_view import views

    return views(uri)


def _make_store(path: Path) -> None:
    from nnlab.mlflow_sync.store import ensure_store

    ensure_store(f"sqlite:///{path}", path.parent / "artifacts")


def _in_a_process(function: Callable[[], Any]) -> Any:
    """What the function returns in a process of its own: MLflow keeps stores open that are replaced here."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    with receiver:
        process = context.Process(target=_quietly, args=(function, sender))
        process.start()
        sender.close()
        if not receiver.poll(SECONDS):
            process.kill()
            raise BrokenPromiseError(f"no end after {SECONDS:.0f} s")
        answer = receiver.recv()
        process.join()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _quietly(function: Callable[[], Any], sender: Connection | None) -> None:
    with _null_output():
        try:
            answer = function()
        except Exception as error:
            answer = RuntimeError(f"{type(error).__name__}: {error}")
    if sender is not None:
        sender.send(answer)
    os._exit(0)


@contextmanager
def _null_output() -> Any:
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    yield
