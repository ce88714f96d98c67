"""Reproductions that are killed, here and in a worktree of the recorded code: what they leave, and what they touch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from commands import environment, processes_in

from faults.promise import BrokenPromiseError, NotHereError, Promise, Work
from faults.sweeps import wait_until
from faults.trial import ROOT
from nnlab.errors import UserError
from nnlab.runs.directory import run_directories
from nnlab.runs.stored_run import StoredRun

RUN = ["data=digits", "model.hidden=[32]", "trainer.batch_size=8", "trainer.epochs=8", "tracking.plots=false"]
UNTRACKED = "tracking.enabled=false"
SECONDS = 120


def kill_reproductions(work: Work) -> str:
    """SIGKILL of `nnlab.reproduce` at random moments, every second time with `--worktree`."""
    if not (ROOT / ".git").exists():
        raise NotHereError("there is no repository, from which a worktree could be made")
    temporary = work.folder / "tmp"
    temporary.mkdir()
    _ended("nnlab.run", *RUN, UNTRACKED, folder=work.folder)
    (original,) = run_directories(work.folder / "runs")
    before = _contents(original)
    seconds = {way: _seconds_of_one(original, way, work.folder) for way in ((), ("--worktree",))}
    known, counts = _contents(original), Counter[str]()
    _check_journal(before, known, original)
    for number in range(work.rounds):
        way = ("--worktree",) if number % 2 else ()
        process = _started("nnlab.reproduce", original.name, *way, folder=work.folder)
        deadline = time.monotonic() + work.random.uniform(0.2, 1.0) * seconds[way]
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.005)
        counts["killed" if process.poll() is None else "ended before"] += 1
        process.kill()
        process.wait()
        wait_until(lambda: not _living(work.folder), "what a killed reproduction had started has ended")
        wait_until(lambda: not os.listdir(temporary), f"{os.listdir(temporary)} of a killed reproduction {way} is gone")
        _check_journal(known, _contents(original), original)
        known = _contents(original)
        for path in run_directories(work.folder / "runs"):
            _check_readable(path)
    said = json.loads(_ended("nnlab.reproduce", original.name, "--json", folder=work.folder))
    if said["verdict"] != "identical":
        raise BrokenPromiseError(f"after {work.rounds} kills the verdict is {said}")
    return (
        f"{counts['killed']} kills, {counts['ended before']} that had ended: the original as it was, no process and no "
        "temporary file left, and identical at last"
    )


def _contents(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}


def _check_journal(before: dict[str, bytes], now: dict[str, bytes], run: Path) -> None:
    """All is as it was, but for whole verdicts at the end of the journal."""
    name = "metrics.jsonl"
    if {**before, name: b""} != {**now, name: b""}:
        raise BrokenPromiseError(f"files of {run} have changed")
    added = now[name].removeprefix(before[name])
    events = [json.loads(line)["event"] for line in added.splitlines()]
    if not now[name].startswith(before[name]) or events != ["start", "note", "end"] * (len(events) // 3):
        raise BrokenPromiseError(f"the journal of {run} has got {added[:600]!r}")
    if StoredRun.open(run).status != "finished":
        raise BrokenPromiseError(f"{run} is {StoredRun.open(run).status}")


def _check_readable(path: Path) -> None:
    try:
        run = StoredRun.open(path)
        assert run.config and run.provenance  # noqa: PT018
    except UserError as error:
        raise BrokenPromiseError(f"a killed reproduction has left what cannot be read: {error}") from error


def _seconds_of_one(original: Path, way: tuple[str, ...], folder: Path) -> float:
    started = time.monotonic()
    _ended("nnlab.reproduce", original.name, *way, folder=folder)
    return time.monotonic() - started


def _living(folder: Path) -> list[int]:
    """Processes that work in the folder; the new run's stands where its parent did."""
    return [pid for pid in processes_in(folder) if pid != os.getpid()]


def _started(module: str, *arguments: str, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=environment(TMPDIR=str(folder / "tmp")),
        stdout=subprocess.PIPE if "--json" in arguments else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _ended(module: str, *arguments: str, folder: Path) -> bytes:
    process = _started(module, *arguments, folder=folder)
    said, _ = process.communicate(timeout=SECONDS)
    if process.returncode:
        raise BrokenPromiseError(f"{module} {' '.join(arguments)} ends with status {process.returncode}")
    return said or b""


PROMISES = (
    Promise(
        name="reproduction-killed",
        promise="A reproduction that is killed leaves the original as it was, and nothing behind.",
        fault="SIGKILL of nnlab.reproduce at random moments, every second time with --worktree.",
        rounds=40,
        sample=4,
        do=kill_reproductions,
    ),
)
