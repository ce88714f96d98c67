"""MLflow's copy of the runs: syncs that are killed, servers that die, stores that get lost, runs that are damaged."""

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

from faults.mlflow_server import Server
from faults.promise import BrokenPromiseError, Promise, Work
from nnlab.mlflow_sync.launch import ALWAYS, UNLESS_SET

SECONDS = 120.0
"""How long a process may take that is not to be killed."""
BYSTANDERS = 30


def sync_killed(work: Work) -> str:
    """SIGKILL `nnlab.sync` again and again, then let one end."""
    folder = Folder(work)
    uri = f"sqlite:///{folder.runs}/mlflow.db"
    seconds, whole = folder.undisturbed(uri)
    kills = 0
    for number in range(work.rounds):
        folder.forget(uri, keep_notes=work.random.random() < 0.5)
        for _ in range(work.random.randint(1, 3)):
            kills += folder.sync(uri, killed_after=work.random.uniform(0, 1.2 * seconds))
        folder.sync(uri)
        folder.check(uri, whole, f"round {number}")
    return f"{kills} syncs killed, {len(whole)} runs, {work.rounds} stores: each equals the first, nothing there twice"


def server_killed(work: Work) -> str:
    """SIGKILL a real `mlflow server` in the middle of a sync, start it again, and sync once more."""
    folder = Folder(work)
    with Server(work.folder / "server") as server:
        seconds, whole = folder.undisturbed(server.uri)
    for number in range(work.rounds):
        shutil.rmtree(work.folder / "server")
        folder.forget(server.uri, keep_notes=work.random.random() < 0.5)
        with Server(work.folder / "server", server.port) as server:
            process = folder.started(server.uri)
            process.join(work.random.uniform(0, seconds))
            server.kill()
            process.join(SECONDS)
        with Server(work.folder / "server", server.port) as server:
            folder.sync(server.uri)
            folder.check(server.uri, whole, f"round {number}")
    return f"server killed {work.rounds} times: after one more sync its store equals the first"


def store_lost(work: Work) -> str:
    """Delete, empty or set back the store, or remove its files, and sync."""
    folder = Folder(work)
    uri = f"sqlite:///{folder.runs}/mlflow.db"
    _, whole = folder.undisturbed(uri)
    database, files = folder.runs / "mlflow.db", folder.runs / "artifacts"
    shutil.copy(folder.empty, work.folder / "half.db")
    done: dict[str, int] = {}
    for number in range(work.rounds):
        kinds = ("deleted", "emptied", "set back", "without its files")
        kind = kinds[number % len(kinds)]
        match kind:
            case "deleted":
                database.unlink()
            case "emptied":
                shutil.copy(folder.empty, database)
            case "set back":
                shutil.copy(work.folder / "half.db", database)
            case _:
                shutil.rmtree(files)
        folder.sync(uri, killed_after=work.random.uniform(0.1, 2.0))
        shutil.copy(database if database.exists() else folder.empty, work.folder / "half.db")
        folder.sync(uri)
        folder.check(uri, whole, f"round {number}, store {kind}")
        done[kind] = done.get(kind, 0) + 1
    told = ", ".join(f"{kind} {count} times" for kind, count in done.items())
    return f"{told}: filled again from {len(whole)} run directories, equal to the first"


def runs_damaged(work: Work) -> str:
    """Damage some of many runs in every way, and sync."""
    folder = Folder(work, runs=BYSTANDERS)
    uri = f"sqlite:///{folder.runs}/mlflow.db"
    damaged = 0
    for number in range(work.rounds):
        folder.forget(uri, keep_notes=False)
        saved = work.folder / "saved"
        shutil.copytree(folder.runs, saved)
        chosen = work.random.sample(sorted(folder.singles()), work.random.randint(4, 9))
        for run in chosen:
            _damage(run, work)
        damaged += len(chosen)
        left = folder.sync(uri, expects={run.name for run in chosen})
        if left != {run.name for run in chosen}:
            raise BrokenPromiseError(
                f"round {number}: damaged were {sorted(map(str, chosen))}, left are {sorted(left)}"
            )
        shutil.rmtree(folder.runs)
        saved.rename(folder.runs)
    return f"{damaged} of {BYSTANDERS * work.rounds} runs damaged: each is named, every other has arrived"


def _damage(run: Path, work: Work) -> None:
    name = work.random.choice(["config.yaml", "provenance.json", "metrics.jsonl", "model/weights.safetensors"])
    match work.random.randrange(3):
        case 0:
            (run / name).write_bytes(b"{\n")
        case 1:
            (run / name).unlink()
            (run / name).mkdir()
        case _:
            (run / name).unlink()
            (run / name).symlink_to("/etc/passwd")


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


PROMISES = (
    Promise(
        "sync-killed",
        "A sync that is interrupted anywhere and repeated brings everything once: points, params, tags, data, models.",
        "nnlab.sync's work is killed by SIGKILL one to three times at random moments, then done once more.",
        rounds=12,
        sample=1,
        do=sync_killed,
    ),
    Promise(
        "sync-server-killed",
        "A tracking server that dies in the middle of a sync costs one more sync.",
        "A real MLflow server is killed by SIGKILL at a random moment of a sync, and started again.",
        rounds=2,
        sample=1,
        do=server_killed,
    ),
    Promise(
        "sync-store-lost",
        "A store that was lost, emptied or set back is filled again from the run directories.",
        "The store is deleted, emptied, replaced by an earlier one, or loses its files; a first sync is killed, too.",
        rounds=6,
        sample=1,
        do=store_lost,
    ),
    Promise(
        "sync-runs-damaged",
        "A damaged run directory holds no other back.",
        "Of 30 runs four to nine are damaged: files replaced by rubbish, folders and links.",
        rounds=2,
        sample=1,
        do=runs_damaged,
    ),
)
