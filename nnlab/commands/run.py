"""`python -m nnlab.run [overrides]`: compose a run, train it, track it. With `-m`, one run after another."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nnlab.commands.ahead import mirror_ahead
from nnlab.exit_status import exit_status

if TYPE_CHECKING:
    from nnlab.config.job import Job
    from nnlab.execution.result import RunResult
    from nnlab.mlflow_sync.process import Ahead, MirrorProcess

SECONDS_FOR_MLFLOW = 120.0
SECONDS_FOR_MLFLOW_IF_INTERRUPTED = 20.0


def main() -> None:
    """The command."""
    with exit_status(), mirror_ahead(sys.argv[1:]) as ahead:
        from nnlab.commands.arguments import composed_jobs

        jobs = composed_jobs(sys.argv[1:])
        if jobs:
            sys.exit(run_jobs(jobs, ahead))


def run_jobs(jobs: Sequence[Job], ahead: Ahead | None) -> int:
    """Run the jobs one after another and bring them into MLflow; returns the exit status."""
    from nnlab.mlflow_sync.mirrors import Mirrors

    mirrors = Mirrors((job.config for job in jobs), ahead)

    from nnlab.commands.run_console import run_console_for
    from nnlab.execution.run import run
    from nnlab.runs.looks import told

    patience = SECONDS_FOR_MLFLOW_IF_INTERRUPTED
    results: list[tuple[Job, RunResult]] = []
    try:
        for number, job in enumerate(jobs, start=1):
            if len(jobs) > 1:
                sys.stdout.write(f"\n[{number}/{len(jobs)}] {' '.join(job.overrides)}\n")
            mirror = mirrors.of(job.config)
            with run_console_for() as console:
                result = run(job, listeners=[console], announce=mirror.follow if mirror else None)
            results.append((job, result))
        patience = SECONDS_FOR_MLFLOW
    finally:
        mirrors.finish(patience)
    for line in told(result.directory for _, result in results if "test/loss" in result.scores):
        sys.stdout.write(f"{line}\n")
    for job, result in results:
        _say_where(job, result, mirrors.of(job.config))
    return max(0 if result.status == "finished" else 1 for _, result in results)


def _say_where(job: Job, result: RunResult, mirror: MirrorProcess | None) -> None:
    """Where a run is in MLflow, and how to look at it."""
    run_id = mirror.run_id(result.directory) if mirror else None
    if run_id is None:
        return
    from nnlab.commands.invocation import open_pages
    from nnlab.redaction import redacted

    uri = redacted(str(job.config.tracking.uri))
    sys.stdout.write(f"MLflow run     {run_id} in experiment {job.config.tracking.experiment!r}\n")
    sys.stdout.write(f"open it        {open_pages(uri)}\n")
