"""MLflow's servers and stores killed, frozen, restarted and loaded, and the helper that feeds them killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from faults.mlflow_server import Server
from faults.postgresql import postgresql
from faults.promise import BrokenPromiseError, Promise, Work
from faults.serving import (
    SECONDS,
    arrived,
    check_points,
    environment,
    has_all,
    helpers_in,
    running,
    slowdown,
    the_run,
    wait_for,
)

LONG = ["data=digits", "model.hidden=[32]", "trainer.epochs=1000000", "tracking.plots=false"]
POINTS_PER_EPOCH = 6
POINTS = 10_000
MANY = ["data=toy", "model=toy", f"trainer.epochs={POINTS // POINTS_PER_EPOCH + 1}", "tracking.plots=false"]


def mlflow_server(work: Work) -> str:
    """A run that goes to a real MLflow server over PostgreSQL, both of which are damaged while it trains."""
    with postgresql() as database, Server(work.folder / "server", store=database.address()) as server:
        done: list[str] = []
        spans: list[tuple[float, float]] = []
        with running(work.folder, server.uri, *LONG) as process:
            run = the_run(work.folder)
            wait_for(lambda: arrived(run), "the run to be in MLflow")
            for number in range(work.rounds):
                time.sleep(1 + work.random.random())
                since = time.time()
                what = ("server killed", "server frozen", "database crashed", "database frozen")[number % 4]
                away = 1 + 3 * work.random.random()
                if what == "server killed":
                    server.kill()
                    time.sleep(away)
                    server.start()
                elif what == "database crashed":
                    database.stop("immediate")
                    time.sleep(away)
                    database.start()
                else:
                    freeze = server.send if what == "server frozen" else database.send
                    freeze(signal.SIGSTOP)
                    time.sleep(away)
                    freeze(signal.SIGCONT)
                done.append(what)
                spans.append((since, time.time()))
                wait_for(server.answers, "MLflow's server to answer again")
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=SECONDS)
        wait_for(lambda: has_all(run), "all of the run to arrive")
        points = check_points(run, database.address())
        return (
            f"{', '.join(f'{what} {done.count(what)}x' for what in dict.fromkeys(done))}: {points:,} points, "
            f"each once; median epoch meanwhile / otherwise: {slowdown(run, spans):.2f}"
        )


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
        wait_for(lambda: has_all(run), "all of the run to arrive")
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
    return all_of(work, store, seconds)


def commands_into_sqlite(work: Work) -> str:
    """So many commands at once, each with a worker of its own."""
    started = time.monotonic()
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "nnlab.run", *MANY, f"seed={seed}"],
            cwd=work.folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        )
        for seed in range(work.rounds)
    ]  # fmt: skip
    try:
        said = [command.communicate(timeout=4 * SECONDS)[1] for command in commands]
    finally:
        for command in commands:
            command.kill()
    statuses = [command.returncode for command in commands]
    if any(statuses) or any("has not received" in text for text in said):
        raise BrokenPromiseError(f"statuses {statuses}: {' '.join(said)[-800:]}")
    return all_of(work, f"sqlite:///{work.folder}/runs/mlflow.db", time.monotonic() - started)


def all_of(work: Work, store: str, seconds: float) -> str:
    """Check that all runs have arrived whole."""
    found = [check_points(journal.parent, store) for journal in (work.folder / "runs").glob("*/metrics.jsonl")]
    if len(found) != work.rounds or min(found) < POINTS:
        raise BrokenPromiseError(f"{len(found)} runs of {work.rounds}, the smallest of {min(found)} points")
    return f"{sum(found):,} points of {len(found)} runs, each once; {sum(found) / seconds:,.0f} a second, training too"


PROMISES = (
    Promise(
        "mlflow-server",
        "A run does not notice what happens to MLflow's server, and everything arrives, each point once.",
        "a real `mlflow server` over PostgreSQL killed and started again, frozen, its database crashed and frozen",
        4,
        1,
        mlflow_server,
    ),
    Promise(
        "mlflow-database",
        "The same for a database that runs go to without a server.",
        "PostgreSQL crashed and started again, and frozen, while a run trains",
        4,
        1,
        database_alone,
    ),
    Promise(
        "mlflow-helper-killed",
        "The process that brings runs into MLflow is replaced once, which is told once, and everything arrives.",
        "SIGKILL to it at a random moment of a run",
        3,
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
        "mlflow-sqlite-commands",
        "The same where each run is a command of its own, and so are the processes that bring them.",
        "so many commands started at once",
        8,
        2,
        commands_into_sqlite,
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
