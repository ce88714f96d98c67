"""Studies on their way in processes of their own, for damage to be done to them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from faults.promise import BrokenPromiseError, NotHereError
from faults.trial import ROOT

sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests")]  # their helpers are those of the tests

from commands import events, processes_in  # noqa: E402
from going import Going, going, workers  # noqa: E402
from studies import Study, sweep  # noqa: E402

__all__ = ["Going", "Study", "events", "going", "sweep", "workers"]

SMALL = [
    "data=digits",
    "trainer.batch_size=32",
    "optimizer.lr=tag(log, interval(0.003, 0.3))",
    "model.depth=range(1, 3)",
    "model.width=choice(64, 128)",
    "sweep.sampler_options.startup_trials=2",
    "sweep.pruner_options={startup_trials: 3, warmup_epochs: 5}",
    "sweep.workers=2",
    "sweep.deterministic=true",
    "sweep.name=study",
    "tracking.enabled=false",
    "tracking.plots=false",
]
"""A study of two workers that is the same each time; trials and epochs are still to be said."""
SECONDS = 120


def calm(folder: Path, overrides: Sequence[str]) -> Study:
    """The study as it is if nothing happens to it."""
    folder.mkdir()
    ended = sweep(*overrides, folder=folder)
    if ended.returncode:
        raise BrokenPromiseError(f"it fails without any damage: {ended.stderr}")
    return Study(folder / "runs" / "study")


def check_same(study: Study, expected: Study) -> None:
    """Raise BrokenPromiseError unless all that does not depend on the clock is the same, the winner's test included."""
    if study.states != expected.states:
        raise BrokenPromiseError(f"trials ended as {study.states} instead of {expected.states}")
    for found, wanted in zip(study.facts, expected.facts, strict=True):
        if found != wanted:
            raise BrokenPromiseError(f"a trial is {found} instead of {wanted}")
    tests = [_tests(study), _tests(expected)]
    if tests[0] != tests[1]:
        raise BrokenPromiseError(f"the winner's tests are {tests[0]} instead of {tests[1]}")


def _tests(study: Study) -> list[object]:
    return [event["metrics"] for event in events(study.directory) if event["event"] == "test"]


def resumed(folder: Path) -> Study:
    """Resume the study of a folder to its end."""
    ended = sweep("sweep.resume=study", folder=folder)
    if ended.returncode:
        raise BrokenPromiseError(f"it cannot be resumed: {ended.stderr}")
    return Study(folder / "runs" / "study")


def wait_until(question: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    """Wait until something is so; raises BrokenPromiseError if it does not come to pass."""
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            raise BrokenPromiseError(f"waited {seconds} s in vain until {what}")
        time.sleep(0.02)


def check_none_left(folder: Path) -> None:
    """Raise BrokenPromiseError if a process still lives in a folder a moment later."""
    deadline = time.monotonic() + 5
    while left := [pid for pid in processes_in(folder) if pid != os.getpid()]:
        if time.monotonic() > deadline:
            raise BrokenPromiseError(f"processes are left behind: {left}")
        time.sleep(0.02)


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of so many megabytes at `folder`, which is made.

    Raises:
        NotHereError: if this user may not mount one.
    """
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "nnlab", str(folder)]
    if os.geteuid() != 0 or subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        raise NotHereError("needs a small disk, which only root may mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


@contextlib.contextmanager
def control_group(controller: str, limit: str, value: int) -> Iterator[Path]:
    """A control group of the system with a limit; a process joins it by its number in `cgroup.procs`.

    Raises:
        NotHereError: if this user may not make one.
    """
    group = Path("/sys/fs/cgroup", controller, f"nnlab-{os.getpid()}-{time.monotonic_ns()}")
    try:
        group.mkdir()
        (group / limit).write_text(str(value))
    except OSError as error:
        with contextlib.suppress(OSError):
            group.rmdir()
        raise NotHereError(f"needs a control group of {controller}: {error.strerror}") from error
    try:
        yield group
    finally:
        deadline = time.monotonic() + 10
        while group.exists() and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                group.rmdir()
            time.sleep(0.05)
