"""Studies, and many runs at once, of which workers hang, die or find no room."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from faults.promise import BrokenPromiseError, Promise, Work
from faults.sweeps import (
    SMALL,
    calm,
    check_none_left,
    check_same,
    events,
    going,
    resumed,
    sweep,
    wait_until,
    workers,
)

SECONDS_TO_END = 10.0
LONG = [*(text for text in SMALL if "pruner" not in text), "sweep.pruner=none", "sweep.trials=4", "trainer.epochs=3000"]
MANY = """
from nnlab.batch import compose, run_all
if __name__ == "__main__":
    fixed = ("data=digits", "trainer.epochs=5000", "tracking.enabled=false", "tracking.plots=false", "runs_dir=runs")
    run_all([compose(*fixed, f"seed={seed}") for seed in range(3)], workers=2)
"""


def kill(work: Work) -> str:
    """SIGKILLs of workers and coordinators at random moments."""
    overrides = [*SMALL, "sweep.trials=14", "trainer.epochs=100", "sweep.retries=100"]
    expected = calm(work.folder / "calm", overrides)
    kills: Counter[str] = Counter()
    studies = 0
    while kills.total() < work.rounds:
        folder = work.folder / f"killed-{studies}"
        folder.mkdir()
        studies += 1
        while kills.total() < work.rounds and not _is_complete(folder):
            arguments = ["sweep.resume=study"] if (folder / "runs/study/study.json").exists() else overrides
            with going(*arguments, folder=folder) as study:
                is_coordinators_turn = False
                while kills.total() < work.rounds and not is_coordinators_turn:
                    is_coordinators_turn = work.random.random() < 0.4
                    deadline = time.monotonic() + work.random.uniform(0.1, 2.5)
                    while time.monotonic() < deadline or not workers(study.process.pid):
                        if study.process.poll() is not None:
                            break
                        time.sleep(0.01)
                    if study.process.poll() is not None:
                        break
                    if is_coordinators_turn:
                        study.process.kill()
                        kills["coordinators"] += 1
                        continue
                    with suppress(ProcessLookupError, IndexError):
                        os.kill(work.random.choice(workers(study.process.pid)), signal.SIGKILL)
                        kills["workers"] += 1
            check_none_left(folder)
        check_same(resumed(folder), expected)
    what = " and ".join(f"{count} of {name}" for name, count in kills.items())
    return (
        f"{kills.total()} SIGKILLs ({what}), {studies} studies: totals, parameters, scores, weights and winners equal"
    )


def _is_complete(folder: Path) -> bool:
    journal = folder / "runs" / "study"
    return (journal / "metrics.jsonl").exists() and events(journal)[-1].get("status") == "finished"


def hang(work: Work) -> str:
    """Workers stopped by SIGSTOP, and the study or the runs ended then."""
    overrides = [*SMALL, "sweep.trials=6", "trainer.epochs=60"]
    expected = calm(work.folder / "calm", overrides)
    slowest, counts = 0.0, Counter[str]()
    for number in range(work.rounds):
        folder = work.folder / f"hung-{number}"
        folder.mkdir()
        way = ("Ctrl-C twice", "SIGTERM", "run_all: Ctrl-C", "run_all: SIGTERM")[number % 4]
        counts[way] += 1
        of_runs = way.startswith("run_all")
        seconds = _hung_runs(work, folder, way) if of_runs else _hung_study(work, folder, way, overrides)
        if seconds > SECONDS_TO_END:
            raise BrokenPromiseError(f"{way} took {seconds:.1f} s to end with a worker that hangs")
        slowest = max(slowest, seconds)
        check_none_left(folder)
        if not of_runs:
            check_same(resumed(folder), expected)
    what = ", ".join(f"{count} by {way}" for way, count in counts.items())
    return f"{what}: all ended within {slowest:.1f} s, no process left, the studies resumed to the same"


def _stop_some(work: Work, pids: list[int]) -> None:
    if not pids:
        raise BrokenPromiseError("there was no worker to stop")
    for pid in work.random.sample(pids, work.random.randint(1, len(pids))):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)


def _hung_study(work: Work, folder: Path, way: str, overrides: list[str]) -> float:
    with going(*overrides, folder=folder) as study:
        wait_until(lambda: (folder / "runs/study/study.json").exists(), "the study has started")
        wait_until(lambda: workers(study.process.pid), "a worker has started")
        time.sleep(work.random.uniform(0.0, 1.5))
        _stop_some(work, workers(study.process.pid))
        if way == "SIGTERM":
            study.process.send_signal(signal.SIGTERM)
        else:
            study.ctrl_c()
            time.sleep(work.random.uniform(0.1, 0.5))
            study.ctrl_c()
        started = time.monotonic()
        study.end()
        return time.monotonic() - started


def _hung_runs(work: Work, folder: Path, way: str) -> float:
    script = folder / "many.py"
    script.write_text(MANY, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(
        [sys.executable, str(script)], cwd=folder, env=environment, stderr=subprocess.DEVNULL, start_new_session=True,
        # A background job of a shell ignores Ctrl-C, and so would this one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    try:
        wait_until(lambda: len(list(folder.glob("runs/*/metrics.jsonl"))) == 2, "two runs have started")
        time.sleep(work.random.uniform(0.0, 1.0))
        _stop_some(work, workers(process.pid))
        process.send_signal(signal.SIGTERM if way.endswith("SIGTERM") else signal.SIGINT)
        started = time.monotonic()
        process.wait(60)
        return time.monotonic() - started
    finally:
        process.kill()
        process.wait()


def leave(work: Work) -> str:
    """Drafts and shared data of sessions that are killed, beside those of one that lives."""
    cleared = 0
    for number in range(work.rounds):
        folder = work.folder / f"left-{number}"
        folder.mkdir()
        with going(*LONG, "sweep.name=living", folder=folder) as living:
            _wait_for_trials(folder / "runs" / "living")
            cleared += _clear_beside(work, folder)
            if living.process.poll() is not None or not (folder / "runs/living/data").exists():
                raise BrokenPromiseError("the study that was running is disturbed")
    return f"{work.rounds} killed sessions: {cleared} drafts and folders cleared by the next one, the living's kept"


def _clear_beside(work: Work, folder: Path) -> int:
    runs = folder / "runs"
    with going(*LONG, "sweep.name=dead", folder=folder) as dead:
        _wait_for_trials(runs / "dead")
        time.sleep(work.random.uniform(0.0, 0.5))
        dead.process.kill()
        dead.process.wait()
        pid = dead.process.pid
        trial = next(runs.glob("dead/trials/*"))
        of_dead = [runs / "dead" / f".study.json.{pid}.tmp", trial / f".history.csv.{pid}.tmp"]
        of_living = [runs / "living" / f".trials.csv.{pid}.tmp", runs / "dead" / f".mlflow.json.{os.getpid()}.tmp"]
        for path in (*of_dead, *of_living):
            path.write_bytes(b"half of")
        time.sleep(0.5)  # for its workers to notice
        ended = sweep(*LONG, "sweep.trials=1", "trainer.epochs=1", "sweep.name=next", folder=folder)
        if ended.returncode:
            raise BrokenPromiseError(f"the next session fails: {ended.stderr}")
        if left := [path for path in (*of_dead, runs / "dead" / "data") if path.exists()]:
            raise BrokenPromiseError(f"left behind of the dead: {left}")
        if lost := [path for path in of_living if not path.exists()]:
            raise BrokenPromiseError(f"taken from the living: {lost}")
        return len(of_dead) + 1


def _wait_for_trials(study: Path) -> None:
    wait_until(lambda: list(study.glob("trials/*/metrics.jsonl")), "trials have started")


PROMISES = (
    Promise(
        name="study-killed",
        promise="A study whose workers and coordinators are killed is in the end what it would have been.",
        fault="SIGKILL of a worker or the coordinator at random moments; resumed each time",
        rounds=20,
        sample=2,
        do=kill,
    ),
    Promise(
        name="study-hung",
        promise="Ctrl-C (twice for a study) and SIGTERM end studies and many runs within 10 s though workers hang.",
        fault="some workers stopped by SIGSTOP before the signal; studies are resumed",
        rounds=4,
        sample=1,
        do=hang,
    ),
    Promise(
        name="study-leftovers",
        promise="Drafts and shared data of dead sessions are cleared by the next one, those of the living kept.",
        fault="SIGKILL of a coordinator beside a study that runs; drafts of dead and living processes in both",
        rounds=2,
        sample=1,
        do=leave,
    ),
)
