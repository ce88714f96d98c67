"""Runs that are killed, interrupted or terminated, and go on."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path

from faults.facts import check_same, facts_of
from faults.promise import BrokenPromiseError, Promise, Work
from faults.subject import check, check_killed, subjects
from nnlab.runs.provenance import weights_sha256
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import EPOCH_TAG, WEIGHTS_TAG

MOST_KILLS = 6
"""Of one run; then it is let go on to its end."""


def kill_runs(work: Work) -> str:
    """SIGKILL at random moments, many in one epoch."""
    kills = killed_runs = 0
    in_one_epoch: Counter[int] = Counter()
    for subject in subjects(work.folder):
        known, inside, killed = set(subject.runs), Counter[int](), 0
        child = subject.start()
        for _ in range(work.random.randint(1, MOST_KILLS)):
            if (not killed or work.random.random() < 0.8) and not child.wait_for_start():
                break
            short = work.random.random() < 0.6
            if not child.send(signal.SIGKILL, work.random.uniform(0, 0.15 if short else subject.seconds)):
                break
            check_killed(child.end(), subject)
            (path,) = set(subject.runs) - known
            inside[len(StoredRun.open(path).epochs)] += 1
            kills, killed = kills + 1, killed + 1
            child = subject.go_on(path)
            if kills == work.rounds:
                break
        check(child.end(), subject)
        (path,) = set(subject.runs) - known
        check_same(facts_of(path), subject.facts, f"{subject.way}, killed {killed} times, {path}")
        killed_runs += killed > 0
        in_one_epoch.update(inside.values())
        if kills >= work.rounds:
            break
    two, more = in_one_epoch[2], sum(in_one_epoch.values()) - in_one_epoch[1] - in_one_epoch[2]
    return (
        f"{kills} kills of {killed_runs} runs, two of them inside {two} epochs and three or more inside {more}: "
        "all weights, metrics and tags equal"
    )


def kill_while_writing(work: Work) -> str:
    """SIGKILL while a file is being written aside."""
    kills = runs = 0
    for subject in subjects(work.folder):
        if "no checkpoints" in subject.way:
            continue
        known = set(subject.runs)
        child = subject.start()
        for _ in range(work.random.randint(1, MOST_KILLS)):
            if not child.wait_for_start():
                break
            (path,) = set(subject.runs) - known
            time.sleep(work.random.uniform(0, 0.1))
            while not child.has_ended() and not is_writing(path):
                pass
            if not child.send(signal.SIGKILL):
                break
            check_killed(child.end(), subject)
            kills += 1
            child = subject.go_on(path)
            if kills == work.rounds:
                break
        check(child.end(), subject)
        (path,) = set(subject.runs) - known
        check_same(facts_of(path), subject.facts, f"{subject.way}, killed while writing, {path}")
        runs += 1
        if kills >= work.rounds:
            break
    return f"{kills} kills while a file was being written, of {runs} runs: all weights and metrics equal"


def is_writing(path: Path) -> bool:
    """Whether a file is being written aside at this moment, in the run's directory or among its checkpoints."""
    for folder in (path / "checkpoints", path):
        try:
            if any(name.endswith(".tmp") for name in os.listdir(folder)):
                return True
        except FileNotFoundError:
            continue
    return False


SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "killed", signal.SIGHUP: "killed"}


def signal_runs(work: Work) -> str:
    """Ctrl-C, SIGTERM and SIGHUP at random moments of training."""
    counts: Counter[str] = Counter()
    for number, subject in zip(range(work.rounds), subjects(work.folder), strict=False):
        known = set(subject.runs)
        sent = [*SIGNALS][number % len(SIGNALS)]
        child = subject.start()
        child.wait_for_start()
        child.send(sent, work.random.uniform(0, 0.5 * subject.seconds))
        status = child.end()
        (path,) = set(subject.runs) - known
        counts[check_kept(path, status, SIGNALS[sent], f"{subject.way}, {sent.name}, {path}")] += 1
        if StoredRun.open(path).status != "finished":
            check(subject.go_on(path).end(), subject)
        check_same(facts_of(path), subject.facts, f"{subject.way}, {sent.name}, {path}")
    total = counts["selected"] + counts["inside an epoch"] + counts["at its end"]
    return (
        f"{total} of {work.rounds} runs stopped ({counts['inside an epoch']} with the weights of a step inside an "
        f"epoch), {counts['finished']} finished first: model kept, test split left alone, and on to the same bytes"
    )


def check_kept(path: Path, status: int, expected: str, what: str) -> str:
    """Check that a run that got a signal keeps its model, and says truly of which epoch; returns what it is of."""
    run = StoredRun.open(path)
    if run.status == "finished":  # the signal came last
        return "finished"
    if (run.status, status) != (expected, 130):
        raise BrokenPromiseError(f"{what}: it ended as {run.status} ({run.reason}), with status {status}")
    digest = weights_sha256(run.model().network.parameters.named().values())
    if run.tags.get(WEIGHTS_TAG) != digest or run.evaluations:
        raise BrokenPromiseError(f"{what}: its tags are {run.tags}, its model has {digest}, tests: {run.evaluations}")
    epoch, selects = int(run.tags[EPOCH_TAG]), bool(run.config["trainer"]["restore_best"])
    monitor = run.config["trainer"]["monitor"]
    scores = {
        number: metrics[monitor] * (-1 if monitor.endswith("loss") else 1) for number, metrics in run.epochs.items()
    }
    best = max(scores, key=lambda number: (scores[number], -number), default=0)
    is_inside = " in epoch " in str(run.reason)
    true = best if selects else (0 if is_inside else max(scores, default=0))
    if epoch != true:
        raise BrokenPromiseError(f"{what}: it says that it keeps epoch {epoch}, but keeps {true} ({run.reason})")
    return "selected" if epoch and selects else "inside an epoch" if not epoch else "at its end"


PROMISES = (
    Promise(
        name="run-killed",
        promise="A run that is killed at any moment, several times inside one epoch too, goes on to the same bytes.",
        fault="SIGKILL at random moments, 1 to 6 times per run; with and without checkpoints inside the epoch.",
        rounds=100,
        sample=6,
        do=kill_runs,
    ),
    Promise(
        name="run-killed-writing",
        promise="A kill in the middle of writing a file leaves a run that goes on to the same bytes.",
        fault="SIGKILL while a checkpoint, a model or a table is being written aside.",
        rounds=40,
        sample=4,
        do=kill_while_writing,
    ),
    Promise(
        name="run-signalled",
        promise="Ctrl-C, SIGTERM and SIGHUP keep the best model so far, and the run goes on to the same bytes.",
        fault="Each signal in turn, at random moments of training.",
        rounds=36,
        sample=6,
        do=signal_runs,
    ),
)
