"""`python -m nnlab.sweep [overrides]`: search hyperparameters on the validation split, and test the winner once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nnlab.commands.ahead import mirror_ahead
from nnlab.exit_status import exit_status

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from nnlab.mlflow_sync.process import Ahead

SECONDS_FOR_MLFLOW = 300.0
SECONDS_FOR_MLFLOW_IF_INTERRUPTED = 20.0


def main() -> None:
    """The command."""
    with exit_status(), mirror_ahead(sys.argv[1:]) as ahead:
        from nnlab.commands.arguments import read_overrides, show_option
        from nnlab.tuning.search.settings import study_rules

        name, arguments = show_option(sys.argv[1:])
        overrides = read_overrides(arguments, root="study", rules=study_rules())
        if name is not None:
            show(name, overrides or [])
        elif overrides is not None:
            sys.exit(sweep(overrides, ahead))


def sweep(arguments: Sequence[str], ahead: Ahead | None = None, executor: Executor | None = None) -> int:
    """Do a study and bring it into MLflow; returns the exit status.

    Args:
        arguments: overrides, in Hydra's grammar.
        ahead: a mirror that was started already.
        executor: does the trials, at most `sweep.workers` at a time; None starts processes here. Whatever it does
            them in needs nnlab, the runs folder and the storage.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    from nnlab.tuning.plan import make_plan
    from nnlab.tuning.resuming import arguments_to_go_on, plan_to_go_on

    whole, begun = arguments_to_go_on(arguments)
    plan = make_plan(whole) if begun is None else plan_to_go_on(whole, arguments, begun)

    from nnlab.commands.study_console import study_console_for
    from nnlab.mlflow_sync.mirrors import Mirrors
    from nnlab.runs.looks import told
    from nnlab.tuning.run_study import run_study

    config = plan.fixed
    mirrors = Mirrors([config], ahead, niceness=0)
    mirror = mirrors.of(config)
    command = ["python", "-m", "nnlab.sweep", *plan.repeatable_overrides]
    patience = SECONDS_FOR_MLFLOW_IF_INTERRUPTED
    try:
        result = run_study(
            plan,
            command=command,
            console=study_console_for(),
            mirror=mirror,
            begun=begun,
            executor=executor,
        )
        patience = SECONDS_FOR_MLFLOW
    finally:
        mirrors.finish(patience)
    if result.status == "finished" and config.trainer.test:
        sys.stdout.writelines(f"{line}\n" for line in told([result.directory]))
    run_id = mirror.run_id(result.directory) if mirror else None
    if run_id is not None:
        from nnlab.commands.invocation import open_pages
        from nnlab.redaction import redacted

        sys.stdout.write(f"MLflow run       {run_id} in experiment {config.tracking.experiment!r}\n")
        sys.stdout.write(f"open it          {open_pages(redacted(str(config.tracking.uri)))}\n")
    if result.status != "finished":
        sys.stderr.write(f"{result.reason}\n")
    return {"finished": 0, "interrupted": 130}.get(result.status, 1)


def show(name: str, arguments: Sequence[str]) -> None:
    """Print the leaderboard of a study, finished or running.

    Raises:
        UserError: if there is no such study.
    """
    from nnlab.streams import width_of
    from nnlab.tuning.stored_study import StoredStudy

    study = StoredStudy.open(name, arguments)
    sys.stdout.write(study.report(encoding=sys.stdout.encoding, width=width_of(sys.stdout)))
