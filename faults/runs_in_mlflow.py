"""Runs that are killed and go on, as MLflow has them in the end."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

from faults.child import Child, Started
from faults.promise import BrokenPromiseError, Promise, Work
from faults.subject import Subject, check, check_killed, subjects
from nnlab.config.tracking_uri import sqlite_uri
from nnlab.execution.resume import resume
from nnlab.execution.run import run
from nnlab.mlflow_sync.state import note_destination
from nnlab.runs.directory import end_if_dead
from nnlab.runs.stored_run import StoredRun

KILLS = 4
"""At most, of one run."""


def kill_and_sync(work: Work) -> str:
    """SIGKILL of runs, and of what brings them into MLflow between the kills."""
    from mlflow import MlflowClient

    from nnlab.mlflow_sync.store import ensure_store
    from nnlab.mlflow_sync.upload import upload

    uri = sqlite_uri(work.folder / "mlflow.db")
    log = work.folder / "error.txt"
    ensure_store(uri, work.folder / "artifacts")
    announce = partial(note_destination, uri)

    def sync(path: Path) -> Child:
        def sending(pipe: int) -> None:
            end_if_dead(path)
            upload(path, MlflowClient(uri))

        return Child(sending, log)

    def started(subject: Subject) -> Child:
        def running(pipe: int) -> None:
            run(subject.job, listeners=[Started(pipe)], announce=announce)

        return Child(running, subject.folder / "error.txt")

    def resumed(path: Path) -> Child:
        def resuming(pipe: int) -> None:
            if StoredRun.open(path).status != "finished":
                resume(path, listeners=[Started(pipe)], announce=announce)

        return Child(resuming, path.parent / "error.txt")

    kills = of_syncs = 0
    runs: list[tuple[Subject, Path]] = []
    for subject in subjects(work.folder / "runs", "tracking.enabled=true", f"tracking.uri='{uri}'"):
        known, killed = set(subject.runs), 0
        child = started(subject)
        while killed < KILLS and kills < work.rounds:
            if not child.wait_for_start() or not child.send(
                signal.SIGKILL, work.random.uniform(0, subject.seconds / 2)
            ):
                break
            check_killed(child.end(), subject)
            (path,) = set(subject.runs) - known
            kills, killed = kills + 1, killed + 1
            if work.random.random() < 0.7:
                sending = sync(path)
                if work.random.random() < 0.5 and sending.send(signal.SIGKILL, work.random.uniform(0, 0.3)):
                    of_syncs += 1
                check_killed(sending.end(), subject)
            child = resumed(path)
        check(child.end(), subject)
        (path,) = set(subject.runs) - known
        check(sync(path).end(), subject)
        runs.append((subject, path))
        if kills >= work.rounds:
            break
    client = MlflowClient(uri)
    points = sum(_check_points(client, subject, path) for subject, path in runs)
    return (
        f"{kills} kills of {len(runs)} runs and {of_syncs} of their sync: MLflow has {len(runs)} runs and {points:,} "
        "points, each once, as undisturbed"
    )


def _check_points(client: object, subject: Subject, path: Path) -> int:
    """Check that MLflow has a run once, and each of its points once; returns how many these are."""
    from mlflow import MlflowClient

    assert isinstance(client, MlflowClient)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    found = client.search_runs(experiments, f"tags.`nnlab.run` = '{path.name}'")
    if [(each.info.status, each.data.tags["nnlab.status"]) for each in found] != [("FINISHED", "finished")]:
        raise BrokenPromiseError(f"{subject.way}: MLflow has of {path.name}: {[each.info for each in found]}")
    (known,) = found
    epochs = subject.facts["epochs"]
    expected = {name: [(epoch, epochs[epoch][name]) for epoch in epochs] for name in epochs[1]}
    at = int(subject.facts["tags"]["nnlab.epoch"])
    expected |= {name: [(at, value)] for name, value in {**subject.facts["test"], **subject.facts["best"]}.items()}
    for name, points in expected.items():
        history = [(each.step, each.value) for each in client.get_metric_history(known.info.run_id, name)]
        if sorted(history) != points:
            raise BrokenPromiseError(f"{subject.way}: MLflow has of {name} in {path.name}: {history}, not {points}")
    different = {key for key, value in subject.facts["tags"].items() if known.data.tags.get(key) != value}
    if different:
        raise BrokenPromiseError(f"{subject.way}: MLflow has other tags of {path.name}: {different}")
    return sum(map(len, expected.values()))


PROMISES = (
    Promise(
        name="run-killed-in-mlflow",
        promise="A run that is killed and resumed is one run in MLflow, with each point once.",
        fault="SIGKILL of runs at random moments, and of the upload between them.",
        rounds=16,
        sample=3,
        do=kill_and_sync,
    ),
)
