"""`python -m nnlab.sweep [overrides]`: search hyperparameters on the validation split, and test the winner once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nnlab.commands.arguments import DRY_RUN, read_overrides, show_option
from nnlab.commands.mlflow_links import mlflow_links
from nnlab.commands.reminder import reminder
from nnlab.errors import UserError
from nnlab.mlflow_sync.sync import STUDY_PATIENCE, Sync
from nnlab.tuning.search.settings import study_rules

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from nnlab.mlflow_sync.process import SyncProcess
    from nnlab.tuning.plan import Plan


def main(arguments: Sequence[str], early: SyncProcess | None) -> int:
    """The command; returns its exit status."""
    name, others = show_option(arguments)
    is_dry = DRY_RUN in others
    if name is not None and is_dry:
        raise UserError(f"--show shows a study that there is, and {DRY_RUN} one that is not started. Leave one out.")
    others = [argument for argument in others if argument != DRY_RUN]
    overrides = read_overrides(others, root="study", rules=study_rules())
    if name is not None:
        show(name, overrides or [])
    elif overrides is not None and is_dry:
        dry_run(overrides)
    elif overrides is not None:
        return sweep(overrides, early)
    return 0


def sweep(arguments: Sequence[str], early: SyncProcess | None = None, executor: Executor | None = None) -> int:
    """See `nnlab.sweep.sweep`; `early` is a process for MLflow that was started already."""
    # Only now: Optuna takes a second to import, which a question about the config does not need.
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    plan, directory, _ = _planned(arguments)
    from nnlab.commands.study_console import study_console_for
    from nnlab.runs.evaluations import evaluation_lines
    from nnlab.tuning.run_study import run_study

    config = plan.fixed
    with Sync([config], early, patience=STUDY_PATIENCE, niceness=0) as sync, study_console_for() as console:
        result = run_study(
            plan,
            command=["python", "-m", "nnlab.sweep", *plan.repeatable_overrides],
            listeners=[console],
            announce=sync.announce(config),
            resume=directory,
            executor=executor,
        )
    lines = evaluation_lines([result.directory]) if result.status == "finished" and config.trainer.test else []
    for line in (*lines, *mlflow_links(config, result.directory, width=17)):
        sys.stdout.write(f"{line}\n")
    if left := reminder(Path(config.runs_dir), [result.directory]):
        sys.stdout.write(f"{left}\n")
    if result.status != "finished":
        sys.stderr.write(f"{result.reason}\n")
    return {"finished": 0, "interrupted": 130}.get(result.status, 1)


def dry_run(arguments: Sequence[str]) -> None:
    """Print what a study would do; errors are those of `sweep`."""
    from nnlab.commands.dry_run_study import show_study

    show_study(*_planned(arguments))


def _planned(arguments: Sequence[str]) -> tuple[Plan, Path | None, list[str]]:
    """The plan of a study, the directory of one that is resumed, and the whole command line."""
    from nnlab.execution.strict import check_strict
    from nnlab.tuning.planning import make_plan
    from nnlab.tuning.resuming import resumed_arguments, resumed_plan

    whole, directory = resumed_arguments(arguments)
    plan = make_plan(whole) if directory is None else resumed_plan(whole, arguments, directory)
    check_strict([plan.fixed])
    return plan, directory, whole


def show(name: str, arguments: Sequence[str]) -> None:
    """Print the leaderboard of a study, finished or running.

    Raises:
        UserError: if there is no such study.
    """
    from nnlab.streams import width_of
    from nnlab.tuning.stored_study import StoredStudy

    study = StoredStudy.open(name, arguments)
    sys.stdout.write(study.report(encoding=sys.stdout.encoding, width=width_of(sys.stdout)))
