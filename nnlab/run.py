"""`python -m nnlab.run [overrides]`: compose a run, train it, track it. With `-m`, one run after another."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nnlab.exit_status import exit_status

if TYPE_CHECKING:
    from nnlab.config.command_line import Job
    from nnlab.runner import Result
    from nnlab.tracking.mirror_process import MirrorProcess

SECONDS_FOR_MLFLOW = 120.0
SECONDS_FOR_MLFLOW_IF_INTERRUPTED = 20.0
NOWHERE = ("", "")


def main() -> None:
    """The command."""
    with exit_status():
        from nnlab.command import composed_jobs

        jobs = composed_jobs(sys.argv[1:])
        if jobs:
            sys.exit(run_all(jobs, ["python", "-m", "nnlab.run", *sys.argv[1:]]))


def run_all(jobs: Sequence[Job], command: Sequence[str]) -> int:
    """Run the jobs one after another and bring them into MLflow; returns the exit status."""
    from nnlab.tracking.mirror_process import MirrorProcess

    # Started first, so that its imports are done by the time there is something to bring.
    places = dict.fromkeys(place for job in jobs if (place := _place(job)))
    mirrors = {(uri, runs_dir): MirrorProcess(uri, Path(runs_dir)) for uri, runs_dir in places}

    from nnlab.console import console_for
    from nnlab.runner import run

    patience = SECONDS_FOR_MLFLOW_IF_INTERRUPTED
    results: list[tuple[Job, Result]] = []
    try:
        for number, job in enumerate(jobs, start=1):
            if len(jobs) > 1:
                sys.stdout.write(f"\n[{number}/{len(jobs)}] {' '.join(job.overrides)}\n")
            mirror = mirrors.get(_place(job) or NOWHERE)
            result = run(job.config, overrides=job.overrides, command=command, console=console_for(), mirror=mirror)
            results.append((job, result))
        patience = SECONDS_FOR_MLFLOW
    finally:
        for mirror in mirrors.values():
            for problem in mirror.finish(patience):
                sys.stderr.write(f"warning: {problem}\n")
    for job, result in results:
        _say_where(job, result, mirrors.get(_place(job) or NOWHERE))
    return max(0 if result.status == "finished" else 1 for _, result in results)


def _place(job: Job) -> tuple[str, str] | None:
    """Where a job's run goes: MLflow's address and the runs folder; None keeps it out of MLflow."""
    tracking = job.config.tracking
    return (tracking.uri, job.config.runs_dir) if tracking.enabled and tracking.uri else None


def _say_where(job: Job, result: Result, mirror: MirrorProcess | None) -> None:
    """Where a run is in MLflow, and how to look at it."""
    run_id = mirror.run_id(result.directory) if mirror else None
    if run_id is None:
        return
    from nnlab.tracking.redaction import redacted

    uri = redacted(str(job.config.tracking.uri))
    sys.stdout.write(f"MLflow run     {run_id} in experiment {job.config.tracking.experiment!r}\n")
    sys.stdout.write(f"open it        make ui, or: mlflow ui --backend-store-uri {uri}\n")


if __name__ == "__main__":
    main()
