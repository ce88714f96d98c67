"""Many runs from Python: compose them, run them on all cores, read them back as tables (`nnlab.results`).

if __name__ == "__main__":  # a worker imports the script that starts it
    rates = (0.03, 0.1, 0.3)
    jobs = [compose(f"optimizer.lr={lr}", f"seed={seed}") for lr in rates for seed in range(5)]
    runs = results(run_all(jobs))
    runs.groupby("optimizer.lr")["val/accuracy"].agg(["mean", "std"])
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import replace
from functools import partial
from pathlib import Path

from nnlab.config.holdout import decided
from nnlab.config.job import Job
from nnlab.config.jobs import compose_jobs
from nnlab.cpu import usable_cores
from nnlab.errors import MachineError, RunFailedError
from nnlab.execution.groups import Group, execute_in_group, grouped
from nnlab.execution.processes import WorkerProcesses, running_workers
from nnlab.execution.signals import termination_raises
from nnlab.execution.strict import check_strict
from nnlab.mlflow_sync.state import note_destination
from nnlab.mlflow_sync.sync import Sync
from nnlab.runs.groups import run_of_group
from nnlab.streams import write_line

KILLED = (
    "its process died twice without closing the run: out of memory, perhaps, or the script that starts the runs does "
    "so outside of `if __name__ == '__main__':`"
)


def compose(*overrides: str) -> Job:
    """A run to do, as the command `python -m nnlab.run OVERRIDES` would.

    It does not hold the data that it was checked with: scripts compose runs by the hundred, and each worker reads them
    once for all of its runs.

    Raises:
        ConfigError: with everything that is wrong with it, the data included.
    """
    return replace(compose_jobs(overrides, multirun=False)[0], dataset=None)


def run_all(jobs: Sequence[Job], *, workers: int | None = None, fresh: bool = False) -> list[Path]:
    """Execute the runs in parallel and sync them into MLflow; returns their directories, in the order of the jobs.

    Runs that differ in more than their seeds leave the test split alone, unless their config says `trainer.test=true`:
    they are there to be compared, and what was chosen by test scores has no unbiased test score any more.

    The same jobs, given again after a call that was interrupted or killed, are taken up: what had ended is not run
    again, and what was under way goes on.

    Args:
        jobs: from `compose`.
        workers: processes that train, each with the BLAS threads of its config; None is as many as keep the cores busy.
        fresh: whether all are to be run anew in any case.

    Raises:
        UserError: if a run is to be strict and could not be reproduced.
        RunFailedError: if a run raises, or its process is killed twice. Runs that have ended are kept.
        KeyboardInterrupt: if interrupted or terminated; runs under way are closed as such.
    """
    done = dict(run_each(jobs, workers=workers, fresh=fresh))
    return [done[place] for place in range(len(jobs))]


def run_each(
    jobs: Sequence[Job], *, workers: int | None = None, fresh: bool = False
) -> Generator[tuple[int, Path], None, None]:
    """As `run_all`, but yields each run's place among the jobs and its directory as soon as it has ended.

    Close it (`contextlib.closing`) where its caller may be interrupted: what runs is ended then, and not later.
    """
    check_strict(job.config for job in jobs)
    group = grouped(decided(jobs), fresh=fresh)
    jobs = group.jobs
    if told := group.told():
        write_line(sys.stderr, f"{told}; fresh=True runs all of them anew")
    if workers is None:
        workers = max(1, usable_cores() // max((int(job.config.trainer.threads) for job in jobs), default=1))
    with termination_raises(), Sync(job.config for job in jobs) as sync, running_workers(workers) as pool:
        for place, directory in _done(group, pool, workers):
            sync.announce(jobs[place].config)(directory)
            yield place, directory


def _done(group: Group, pool: WorkerProcesses, workers: int) -> Iterator[tuple[int, Path]]:
    jobs, earlier = group.jobs, {place: run.path for place, run in group.earlier.items()}
    waiting = deque(range(len(jobs)))
    doing: dict[Future[Path], int] = {}
    killed: set[int] = set()
    while waiting or doing:
        while waiting and len(doing) < workers:
            place = waiting.popleft()
            try:
                doing[pool.submit(_do, jobs[place], earlier.get(place))] = place
            except MachineError:  # no process can be started now
                if not doing:
                    raise
                waiting.appendleft(place)
                break
        for future in wait(doing, return_when=FIRST_COMPLETED).done:
            place = doing.pop(future)
            try:
                directory = future.result()
            except BrokenExecutor as error:
                if place in killed:
                    raise _failed(jobs[place], f"{KILLED}; {error}") from error
                killed.add(place)
                waiting.appendleft(place)
                if (started := _started(jobs[place])) is not None:
                    earlier[place] = started
                continue
            except Exception as error:
                raise _failed(jobs[place], f"{type(error).__name__}: {error}") from error
            yield place, directory


def _do(job: Job, earlier: Path | None) -> Path:
    """One run, in a worker; one that was started before goes on."""
    announce = partial(note_destination, job.config.tracking.destination)
    return execute_in_group(job, earlier, announce=announce).directory


def _started(job: Job) -> Path | None:
    """The run of a job whose process was killed, if it came to that."""
    facts = job.group
    return None if facts is None else run_of_group(facts["name"], facts["place"], Path(job.config.runs_dir))


def _failed(job: Job, why: str) -> RunFailedError:
    return RunFailedError(
        f"One of the runs failed ({why}). Its command: python -m nnlab.run {' '.join(job.overrides)}\n"
        "Runs that had ended are kept in the runs folder."
    )
