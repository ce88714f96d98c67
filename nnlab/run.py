"""`python -m nnlab.run [overrides]`: compose a run, train it, track it. With `-m`, one run after another."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nnlab.command import Job, composed_jobs, exit_status

if TYPE_CHECKING:
    from nnlab.tracking.mirror_process import MirrorProcess

SECONDS_FOR_MLFLOW = 120.0
SECONDS_FOR_MLFLOW_IF_INTERRUPTED = 20.0


def main() -> None:
    """The command."""
    with exit_status():
        jobs = composed_jobs(sys.argv[1:])
        if jobs:
            sys.exit(run_all(jobs, [sys.executable, "-m", "nnlab.run", *sys.argv[1:]]))


def run_all(jobs: Sequence[Job], command: Sequence[str]) -> int:
    """Run the jobs one after another and bring them into MLflow; returns the exit status."""
    from nnlab.console import console_for
    from nnlab.tracking.mirror_process import MirrorProcess

    # Started first, so that its imports are done by the time there is something to bring.
    places = {(job.config.tracking.uri, job.config.runs_dir) for job in jobs if job.config.tracking.enabled}
    mirrors = {uri: MirrorProcess(uri, Path(runs_dir)) for uri, runs_dir in places if uri}
    from nnlab.runner import run

    patience = SECONDS_FOR_MLFLOW_IF_INTERRUPTED
    directories: list[tuple[Path, MirrorProcess]] = []
    status = 0
    try:
        for number, job in enumerate(jobs, start=1):
            if len(jobs) > 1:
                sys.stdout.write(f"\n[{number}/{len(jobs)}] {' '.join(job.overrides)}\n")
            mirror = mirrors.get(job.config.tracking.uri or "") if job.config.tracking.enabled else None
            result = run(job.config, overrides=job.overrides, command=command, console=console_for(), mirror=mirror)
            status = max(status, 0 if result.status == "finished" else 1)
            if mirror is not None:
                directories.append((result.directory, mirror))
        patience = SECONDS_FOR_MLFLOW
    finally:
        problems = [problem for mirror in mirrors.values() for problem in mirror.finish(patience)]
        for problem in problems:
            sys.stderr.write(f"warning: {problem}\n")
    _say_where(jobs[-1], directories)
    return status


def _say_where(job: Job, directories: Sequence[tuple[Path, MirrorProcess]]) -> None:
    """Where the runs are in MLflow, and how to look at them."""
    ids = [run_id for directory, mirror in directories if (run_id := mirror.run_id(directory))]
    if ids:
        from nnlab.tracking.redaction import redacted

        uri = redacted(str(job.config.tracking.uri))
        sys.stdout.write(f"MLflow run     {', '.join(ids)} in experiment {job.config.tracking.experiment!r}\n")
        sys.stdout.write(f"open it        make ui, or: mlflow ui --backend-store-uri {uri}\n")


if __name__ == "__main__":
    main()
