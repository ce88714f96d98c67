"""Machines that fail while a study runs: no room on the disk, no memory, no more processes; a folder to read alone."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from faults.promise import BrokenPromiseError, NotHereError, Promise, Work
from faults.sweeps import (
    SMALL,
    Going,
    Study,
    calm,
    check_none_left,
    check_same,
    control_group,
    events,
    going,
    small_disk,
    sweep,
    wait_until,
)

MEGABYTES = 64
LIMIT = 700_000_000
"""Bytes of memory for a study: its small trials fit, its large one does not."""
LARGE = 9000
RETRIES = 2
OVERRIDES = [*SMALL, "sweep.trials=12", "trainer.epochs=60"]


def fill(work: Work) -> str:
    """A disk that is full at random moments."""
    expected = calm(work.folder / "calm", OVERRIDES)
    fillings = pauses = 0
    while fillings < work.rounds:
        with small_disk(work.folder / f"disk-{fillings}", MEGABYTES) as disk, going(*OVERRIDES, folder=disk) as study:
            _wait_for_start(disk)
            while fillings < work.rounds and study.process.poll() is None:
                time.sleep(work.random.uniform(0.2, 3.0))
                _fill_up(disk / "filling")
                fillings += 1
                time.sleep(work.random.uniform(1.0, 4.0))
                (disk / "filling").unlink()
            pauses += _ended_well(study).count("The study waits")
            check_same(Study(disk / "runs" / "study"), expected)
    return f"{fillings} times full, {pauses} pauses: no trial failed; parameters, scores, weights and winners equal"


def take_memory(work: Work) -> str:
    """One trial that does not fit into the memory of a control group, where the system kills for want of it."""
    said = ""
    for number in range(work.rounds):
        folder = work.folder / f"memory-{number}"
        folder.mkdir()
        overrides = [
            *("data=digits", "trainer.batch_size=32", "trainer.epochs=30", "optimizer.lr=0.1", "sweep.name=study"),
            *(
                "sweep.first=null",
                "sweep.sampler=grid",
                "sweep.pruner=none",
                f"sweep.retries={RETRIES}",
                "sweep.workers=2",
                "sweep.trials=5",
            ),
            *(f"model.hidden=[16],[32],[{LARGE},{LARGE}],[64],[128]", f"seed={work.random.randrange(1000)}"),
            *("tracking.enabled=false", "tracking.plots=false"),
        ]
        with (
            control_group("memory", "memory.limit_in_bytes", LIMIT) as group,
            going(*overrides, folder=folder) as study,
        ):
            _join(group, study)
            _ended_well(study)
            check_none_left(folder)
        said = _check_one_killed(Study(folder / "runs" / "study"))
    return f"{work.rounds} studies, a trial of each too large: it alone failed, and says {said!r}"


def _check_one_killed(study: Study) -> str:
    failed = [
        trial
        for trial in study.trials
        if trial.state.name == "FAIL" and trial.user_attrs["asked"]["duplicate_of"] is None
    ]
    if len(failed) != 1 or study.finished != 4:  # of five combinations, none of which is tried twice
        raise BrokenPromiseError(f"trials ended as {study.states}")
    outcome = failed[0].user_attrs["outcome"]
    if outcome["status"] != "killed" or f"killed {RETRIES + 1} times" not in outcome["reason"]:
        raise BrokenPromiseError(f"the trial that does not fit ended so: {outcome}")
    for run in study.runs:
        kinds = [event["event"] for event in events(run)]
        starts = kinds.count("start") - kinds.count("test")  # the winner is opened again for its test
        if not run.name.endswith(f"{failed[0].number:04}") and starts > 1:
            raise BrokenPromiseError(f"{run.name} was started {starts} times: another trial took it along")
    return str(outcome["reason"])


def take_processes(work: Work) -> str:
    """No process can be started as the study begins, and later some can."""
    expected = calm(work.folder / "calm", OVERRIDES)
    for number in range(work.rounds):
        folder = work.folder / f"processes-{number}"
        folder.mkdir()
        with control_group("pids", "pids.max", 1000) as group, going(*OVERRIDES, folder=folder) as study:
            _join(group, study)
            _wait_for_start(folder)
            (group / "pids.max").write_text((group / "pids.current").read_text())
            time.sleep(work.random.uniform(2.0, 5.0))
            (group / "pids.max").write_text("max")
            errors = _ended_well(study)
        if "no worker can be started" not in errors or "Traceback" in errors:
            raise BrokenPromiseError(f"without processes it says: {errors}")
        check_same(Study(folder / "runs" / "study"), expected)
    return f"{work.rounds} studies waited, with one message, and went on: parameters, scores, weights, winners equal"


def write_protect(work: Work) -> str:
    """`--show` on a mount to read alone."""
    study = calm(work.folder / "calm", [*SMALL, "sweep.trials=2", "trainer.epochs=7"])
    place = work.folder / "protected"
    place.mkdir()
    mount = ["mount", "--bind", str(study.directory.parent), str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        raise NotHereError("needs a mount to read alone, which only root may make")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
        (study.directory / "study.log.lock").unlink()
        for _ in range(work.rounds):
            shown = sweep("--show", "study", "runs_dir=${oc.env:PLACE}", folder=work.folder, PLACE=str(place))
            if shown.returncode or "2 complete" not in shown.stdout:
                raise BrokenPromiseError(f"--show ended with {shown.returncode}: {shown.stdout} {shown.stderr}")
        if (study.directory / "study.log.lock").exists():
            raise BrokenPromiseError("--show made a lock file")
    finally:
        subprocess.run(["umount", str(place)], check=False)
    return f"{work.rounds} leaderboards shown, nothing written"


def _fill_up(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def _wait_for_start(folder: Path) -> None:
    wait_until(lambda: (folder / "runs/study/study.json").exists(), "the study has started")


def _join(group: Path, study: Going) -> None:
    (group / "cgroup.procs").write_text(str(study.process.pid))


def _ended_well(study: Going) -> str:
    """Its errors, once it has ended."""
    out, errors = study.end()
    if study.process.returncode:
        raise BrokenPromiseError(f"the study ended with {study.process.returncode}: {out[-500:]} {errors[-1000:]}")
    return errors


PROMISES = (
    Promise(
        name="study-full-disk",
        promise="A full disk pauses a study, which goes on by itself when there is room; no trial fails.",
        fault="the disk filled to the last byte at random moments for 1 to 4 s, in all phases of a study",
        rounds=8,
        sample=1,
        do=fill,
    ),
    Promise(
        name="study-memory",
        promise="A trial that does not fit into memory fails once, with what it had, and takes no other with it.",
        fault="a control group whose memory one of five trials exceeds, so that the system kills its worker",
        rounds=1,
        sample=1,
        do=take_memory,
    ),
    Promise(
        name="study-no-processes",
        promise="Where no worker can be started a study says so and waits.",
        fault="a control group that allows no more processes for 2 to 5 s as the study begins",
        rounds=2,
        sample=1,
        do=take_processes,
    ),
    Promise(
        name="study-read-only",
        promise="`--show` needs no write permission, and resolves variables of the environment.",
        fault="the runs folder on a mount to read alone",
        rounds=2,
        sample=1,
        do=write_protect,
    ),
)
