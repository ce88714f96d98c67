"""MLflow's copy of the runs: syncs that are killed, servers that die, stores that get lost, runs that are damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

from faults.mlflow_folder import BYSTANDERS, SECONDS, Folder
from faults.mlflow_server import Server
from faults.promise import BrokenPromiseError, Promise, Work


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
