"""MLflow's servers and stores killed, frozen, restarted and loaded, and the helper that feeds them killed."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from faults.postgresql import Postgresql, free_port, postgresql
from faults.promise import BrokenPromiseError, Promise, Work
from faults.trial import ROOT

SECONDS = 120.0
LONG = ["data=digits", "model.hidden=[24]", "trainer.epochs=1000000", "tracking.plots=false"]
POINTS_PER_EPOCH = 6
POINTS = 10_000
MANY = ["data=toy", "model=toy", f"trainer.epochs={POINTS // POINTS_PER_EPOCH + 1}", "tracking.plots=false"]


def mlflow_server(work: Work) -> str:
    """A run that goes to a real MLflow server over PostgreSQL, both of which are damaged while it trains."""
    with postgresql() as database:
        port = free_port()
        uri = f"http://127.0.0.1:{port}"
        server = start_server(database, port, work.folder)
        done: list[str] = []
        spans: list[tuple[float, float]] = []
        try:
            wait_for(lambda: answers(uri), "MLflow's server to answer")
            with running(work.folder, uri, *LONG) as process:
                run = the_run(work.folder)
                wait_for(lambda: arrived(run), "the run to be in MLflow")
                for number in range(work.rounds):
                    time.sleep(1 + work.random.random())
                    since = time.time()
                    what = ("server killed", "server frozen", "database crashed", "database frozen")[number % 4]
                    away = 1 + 3 * work.random.random()
                    if what == "server killed":
                        end_group(server)
                        time.sleep(away)
                        server = start_server(database, port, work.folder)
                    elif what == "database crashed":
                        database.stop("immediate")
                        time.sleep(away)
                        database.start()
                    else:
                        freeze = partial(os.killpg, server.pid) if what == "server frozen" else database.send
                        freeze(signal.SIGSTOP)
                        time.sleep(away)
                        freeze(signal.SIGCONT)
                    done.append(what)
                    spans.append((since, time.time()))
                    wait_for(lambda: answers(uri), "MLflow's server to answer again")
                time.sleep(1)
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=SECONDS)
            points = check_points(run, database.address())
            return (
                f"{', '.join(f'{done.count(what)} times {what}' for what in dict.fromkeys(done))}: {points:,} points, "
                f"each once; median epoch meanwhile / otherwise: {slowdown(run, spans):.2f}"
            )
        finally:
            end_group(server)


def database_alone(work: Work) -> str:
    """A run that goes to PostgreSQL without a server."""
    with postgresql() as database:
        with running(work.folder, database.address(), *LONG) as process:
            run = the_run(work.folder)
            wait_for(lambda: arrived(run), "the run to be in MLflow")
            for number in range(work.rounds):
                time.sleep(1 + work.random.random())
                if number % 2:
                    database.send(signal.SIGSTOP)
                    time.sleep(2)
                    database.send(signal.SIGCONT)
                else:
                    database.stop("immediate")
                    time.sleep(2)
                    database.start()
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=SECONDS)
        return f"{work.rounds} crashes and freezes: {check_points(run, database.address()):,} points, each once"


def helper_killed(work: Work) -> str:
    """The process that brings runs into MLflow is killed once in each run, at any moment."""
    points = 0
    for number in range(work.rounds):
        folder = work.folder / str(number)
        folder.mkdir()
        with running(folder, None, *LONG) as process:
            run = the_run(folder)
            if work.random.random() < 0.5:
                wait_for(lambda: arrived(run), "the run to be in MLflow")  # noqa: B023
            time.sleep(work.random.random())
            (helper,) = wait_for(lambda: helpers_in(folder / "runs"), "the helper")  # noqa: B023
            os.kill(helper, signal.SIGKILL)
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=SECONDS)
        if errors.count("is started again") != 1:
            raise BrokenPromiseError(f"round {number}: the replacement was not told once: {errors[-500:]}")
        points += check_points(run, f"sqlite:///{folder}/runs/mlflow.db")
    return f"{work.rounds} kills: each told once, {points:,} points, each once"


def many_into_sqlite(work: Work) -> str:
    """Runs of 10,000 points each at once into one SQLite store."""
    return many(work, None, f"sqlite:///{work.folder}/runs/mlflow.db")


def many_into_postgresql(work: Work) -> str:
    """The same into PostgreSQL."""
    with postgresql() as database:
        return many(work, database.address(), database.address())


def many(work: Work, uri: str | None, store: str) -> str:
    """So many runs of one `run_all`, whose worker brings all of them."""
    overrides = [*MANY, f"tracking.uri={uri}"] if uri else MANY
    script = work.folder / "script.py"
    script.write_text(
        "import sys\nfrom nnlab.batch import compose, run_all\n"
        "if __name__ == '__main__':\n"
        "    run_all([compose(*sys.argv[2:], f'seed={seed}') for seed in range(int(sys.argv[1]))])\n"
    )
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, str(script), str(work.rounds), *overrides],
        cwd=work.folder, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.monotonic() - started
    if ended.returncode or "has not received" in ended.stderr:
        raise BrokenPromiseError(f"status {ended.returncode}: {ended.stderr[-800:]}")
    found = [check_points(journal.parent, store) for journal in (work.folder / "runs").glob("*/metrics.jsonl")]
    if len(found) != work.rounds or min(found) < POINTS:
        raise BrokenPromiseError(f"{len(found)} runs of {work.rounds}, the smallest of {min(found)} points")
    return f"{sum(found):,} points of {len(found)} runs, each once; {sum(found) / seconds:,.0f} a second, training too"


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


def start_server(database: Postgresql, port: int, folder: Path) -> subprocess.Popen[bytes]:
    """`mlflow server` over the database, the leader of its own process group."""
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database.address()]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--artifacts-destination", (folder / "served").as_uri()]
    return subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


def end_group(server: subprocess.Popen[bytes]) -> None:
    """Kill a server with all of its workers."""
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def answers(uri: str) -> bool:
    """Whether an MLflow server is healthy."""
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


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


PROMISES = (
    Promise(
        "mlflow-server",
        "A run does not notice what happens to MLflow's server, and everything arrives, each point once.",
        "a real `mlflow server` over PostgreSQL killed and started again, frozen, its database crashed and frozen",
        8,
        1,
        mlflow_server,
    ),
    Promise(
        "mlflow-database",
        "The same for a database that runs go to without a server.",
        "PostgreSQL crashed and started again, and frozen, while a run trains",
        6,
        1,
        database_alone,
    ),
    Promise(
        "mlflow-helper-killed",
        "The process that brings runs into MLflow is replaced once, which is told once, and everything arrives.",
        "SIGKILL to it at a random moment of a run",
        5,
        1,
        helper_killed,
    ),
    Promise(
        "mlflow-sqlite-load",
        "Runs of 10,000 points each at once into one SQLite store all arrive whole.",
        "so many runs of one `run_all`",
        8,
        2,
        many_into_sqlite,
    ),
    Promise(
        "mlflow-postgresql-load",
        "The same into PostgreSQL.",
        "so many runs of one `run_all`",
        32,
        2,
        many_into_postgresql,
    ),
)
