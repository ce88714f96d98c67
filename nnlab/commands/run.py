"""`python -m nnlab.run [overrides]`: compose a run, train it, track it. With `-m`, one run after another."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nnlab.commands.arguments import DRY_RUN, composed_jobs
from nnlab.commands.mlflow_links import mlflow_links
from nnlab.commands.reminder import reminder
from nnlab.config.job import Job
from nnlab.config.schema import Config
from nnlab.mlflow_sync.process import SyncProcess
from nnlab.mlflow_sync.sync import RUN_PATIENCE, Sync
from nnlab.runs.code import ask_git_meanwhile
from nnlab.streams import width_of

if TYPE_CHECKING:
    from nnlab.execution.listener import RunListener
    from nnlab.execution.result import RunResult
    from nnlab.runs.recorder import Announce
    from nnlab.runs.stored_run import StoredRun

FRESH = "--fresh"


class Execute(Protocol):
    """Executes a run, new or going on."""

    def __call__(self, *, listeners: Sequence[RunListener], announce: Announce) -> RunResult:
        """Arguments, result and errors of `nnlab.execution.run.run`."""


@dataclass(frozen=True)
class Todo:
    """A run to do, or to go on with.

    Args:
        title: what it is among several.
        config: its own.
        execute: does it.
    """

    title: str
    config: Config
    execute: Execute


def main(arguments: Sequence[str], early: SyncProcess | None) -> int:
    """The command; returns its exit status."""
    ask_git_meanwhile()
    jobs = composed_jobs([argument for argument in arguments if argument not in (FRESH, DRY_RUN)])
    if jobs and DRY_RUN in arguments:
        from nnlab.commands.dry_run_jobs import show_jobs

        show_jobs(jobs, fresh=FRESH in arguments)
        return 0
    return run_jobs(jobs, early, fresh=FRESH in arguments) if jobs else 0


def run_jobs(jobs: Sequence[Job], early: SyncProcess | None, *, fresh: bool = False) -> int:
    """Run the jobs one after another and bring them into MLflow; returns the exit status.

    Args:
        jobs: of one command line. What the same line has left unfinished before is taken up.
        early: a process for MLflow that was started already.
        fresh: run all of them anew in any case.
    """
    if any(job.config.strict for job in jobs):
        from nnlab.execution.strict import check_strict

        check_strict(job.config for job in jobs)
    if len(jobs) > 1:
        from nnlab.execution.groups import grouped

        group = grouped(jobs, fresh=fresh)
        jobs, earlier = group.jobs, group.earlier
        if told := group.told():
            sys.stdout.write(f"{told}; {FRESH} runs all of them anew\n")
    else:
        earlier = {}

    def execute(
        job: Job, before: StoredRun | None, *, listeners: Sequence[RunListener], announce: Announce
    ) -> RunResult:
        from nnlab.execution.groups import execute_in_group  # see `execute_all`

        return execute_in_group(job, None if before is None else before.path, listeners=listeners, announce=announce)

    status = execute_all(
        [
            Todo(_title(job, earlier.get(place)), job.config, partial(execute, job, earlier.get(place)))
            for place, job in enumerate(jobs)
        ],
        early,
    )
    if len({job.config.seed for job in jobs}) > 1:
        from nnlab.commands.group_table import group_table  # SciPy takes its time

        sys.stdout.write(f"\n{group_table(jobs, width_of(sys.stdout))}\n")
    return status


def _title(job: Job, before: StoredRun | None) -> str:
    title = " ".join(job.overrides)
    return f"{title}\nended before, see {before.path}" if before is not None and before.is_over else title


def execute_all(runs: Sequence[Todo], early: SyncProcess | None) -> int:
    """Execute runs one after another and bring them into MLflow; returns the exit status.

    Raises:
        KeyboardInterrupt: if one is interrupted or terminated; that is kept, and those after it are not started.
    """
    results = []
    with Sync((run.config for run in runs), early, patience=RUN_PATIENCE) as sync:
        # Only now, while MLflow's worker makes its store, and not for a command line that is wrong.
        from nnlab.commands.run_console import run_console_for
        from nnlab.runs.evaluations import evaluation_lines

        for number, run in enumerate(runs, start=1):
            if len(runs) > 1:
                sys.stdout.write(f"\n[{number}/{len(runs)}] {run.title}\n")
            try:
                with run_console_for() as console:
                    results.append(run.execute(listeners=[console], announce=sync.announce(run.config)))
            except KeyboardInterrupt:
                if number < len(runs):
                    sys.stdout.write(
                        f"\nruns {number + 1} to {len(runs)} of {len(runs)} were not started; "
                        "the same command line takes up what is left\n"
                    )
                raise
    for line in evaluation_lines(result.directory for result in results if "test/loss" in result.scores):
        sys.stdout.write(f"{line}\n")
    links = [mlflow_links(run.config, result.directory, width=15) for run, result in zip(runs, results, strict=True)]
    # The runs first, then their pages, each once.
    for line in dict.fromkeys(line for place in (0, 1) for each in links for line in each[place : place + 1]):
        sys.stdout.write(f"{line}\n")
    for runs_dir in sorted({Path(run.config.runs_dir) for run in runs}):
        if left := reminder(runs_dir, [result.directory for result in results]):
            sys.stdout.write(f"{left}\n")
    return 0 if all(result.status == "finished" for result in results) else 1
