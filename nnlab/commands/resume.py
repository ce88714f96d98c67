"""`python -m nnlab.resume RUN_ID`: go on with a run or a study that was stopped, where it stopped.

It ends in the same bytes, in the same directory and in the same run of MLflow, as if it had not been stopped. With
`--epochs N` a finished run is trained for longer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nnlab.commands.place_options import add_runs_dir
from nnlab.commands.run import Todo, execute_all
from nnlab.config.quoting import as_override
from nnlab.errors import UserError
from nnlab.runs.directory import STUDY
from nnlab.runs.resolve import resolve, study_command
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.unfinished import newest
from nnlab.streams import warn

if TYPE_CHECKING:
    from nnlab.mlflow_sync.process import SyncProcess


def main(arguments: Sequence[str], early: SyncProcess | None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="nnlab.resume", description=__doc__)
    parser.add_argument("run", nargs="?", metavar="RUN_ID", help="a run directory's name, an MLflow run id, or a path")
    parser.add_argument("--last", action="store_true", help="the newest run or study that was stopped")
    parser.add_argument("--epochs", type=int, metavar="N", help="train a finished run for longer: N epochs in total")
    add_runs_dir(parser)
    parser.add_argument("--tracking-uri", help="MLflow's tracking URI, for a run that has it without its password")
    options = parser.parse_args(arguments)
    if (options.run is None) != options.last:
        raise UserError("Name one run: give its RUN_ID, or --last for the newest that was stopped.")
    if options.last:
        path = _last(options.runs_dir, is_extended=options.epochs is not None)
    else:
        path = resolve(options.run, options.runs_dir)
    if (path / STUDY).exists():
        return _resume_study(path, options.epochs, early)
    from nnlab.execution.resume import resumption

    plan = resumption(path, epochs=options.epochs, tracking_uri=options.tracking_uri)
    return execute_all([Todo(path.name, plan.job.config, plan.execute)], early)


def _last(runs_dir: Path, *, is_extended: bool) -> Path:
    def is_wanted(run: StoredRun) -> bool:
        if is_extended:
            return run.status == "finished" and not (run.path / STUDY).exists()
        return not run.is_over

    found = newest(runs_dir, is_wanted, warn)
    if found is None:
        kind = "run that has finished" if is_extended else "run or study that was stopped"
        raise UserError(f"--last needs a {kind}, but {runs_dir} has none. Choose another folder with --runs-dir.")
    sys.stdout.write(f"the newest is {found.name}\n")
    return found.path


def _resume_study(path: Path, epochs: int | None, early: SyncProcess | None) -> int:
    if epochs is not None:
        raise UserError(
            f"--epochs is for a run, but {path.name} is a study. A study is extended by trials: "
            f"{study_command(path)} sweep.trials=N"
        )
    from nnlab.commands.sweep import sweep

    folder = str(path.absolute().parent)
    return sweep([as_override("sweep.resume", path.name), as_override("runs_dir", folder)], early)
