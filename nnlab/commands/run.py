"""`python -m nnlab.run [overrides]`: compose a run, train it, track it. With `-m`, one run after another."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from nnlab.commands.arguments import composed_jobs
from nnlab.commands.mlflow_links import mlflow_links
from nnlab.commands.reminder import reminder
from nnlab.config.job import Job
from nnlab.mlflow_sync.process import SyncProcess
from nnlab.mlflow_sync.sync import RUN_PATIENCE, Sync


def main(arguments: Sequence[str], early: SyncProcess | None) -> int:
    """The command; returns its exit status."""
    jobs = composed_jobs(arguments)
    return run_jobs(jobs, early) if jobs else 0


def run_jobs(jobs: Sequence[Job], early: SyncProcess | None) -> int:
    """Run the jobs one after another and bring them into MLflow; returns the exit status."""
    results = []
    with Sync((job.config for job in jobs), early, patience=RUN_PATIENCE) as sync:
        # Only now, while MLflow's worker makes its store, and not for a command line that is wrong.
        from nnlab.commands.run_console import run_console_for
        from nnlab.execution.run import run
        from nnlab.runs.evaluations import evaluation_lines

        for number, job in enumerate(jobs, start=1):
            if len(jobs) > 1:
                sys.stdout.write(f"\n[{number}/{len(jobs)}] {' '.join(job.overrides)}\n")
            with run_console_for() as console:
                results.append(run(job, listeners=[console], announce=sync.announce(job.config)))
    for line in evaluation_lines(result.directory for result in results if "test/loss" in result.scores):
        sys.stdout.write(f"{line}\n")
    for job, result in zip(jobs, results, strict=True):
        for line in mlflow_links(job.config, result.directory, width=15):
            sys.stdout.write(f"{line}\n")
    for runs_dir in {Path(job.config.runs_dir) for job in jobs}:
        if left := reminder(runs_dir, [result.directory for result in results]):
            sys.stdout.write(f"{left}\n")
    return 0 if all(result.status == "finished" for result in results) else 1
