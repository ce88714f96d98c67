"""The process of `nnlab.reproduce` that runs a run again, in the environment that it was given."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nnlab.analysis.reproduction.home import is_in_store
from nnlab.analysis.reproduction.plan import Plan, plan_of
from nnlab.analysis.reproduction.process import INTERRUPTED, Order, answer
from nnlab.analysis.reproduction.reproduce import note_verdict
from nnlab.analysis.reproduction.verdict import compare
from nnlab.commands.run import Todo, execute_all
from nnlab.errors import RunFailedError, UserError
from nnlab.runs.stored_run import StoredRun
from nnlab.streams import warn

if TYPE_CHECKING:
    from nnlab.execution.listener import RunListener
    from nnlab.execution.result import RunResult
    from nnlab.mlflow_sync.process import SyncProcess
    from nnlab.runs.recorder import Announce


def main(arguments: Sequence[str], early: SyncProcess | None) -> int:
    """Execute the order that comes through standard input; returns the exit status."""
    order, answers = Order.read(sys.stdin.buffer)
    done: list[Path] = []
    try:
        stored = StoredRun.open(order.run)
        plan = plan_of(stored, runs_dir=order.runs_dir, tracking_uri=order.tracking_uri, data_root=order.data_root)
        execute_all([Todo(stored.name, plan.job.config, partial(_execute, plan, stored, order.tolerance, done))], early)
    except UserError as error:
        answer(answers, wrong=str(error))
        return 2
    except RunFailedError as error:
        answer(answers, failed=str(error))
        return 1
    except KeyboardInterrupt:  # which the parent says
        return INTERRUPTED
    answer(answers, directory=str(done[0]))
    return 0


def _execute(
    plan: Plan,
    original: StoredRun,
    tolerance: float | None,
    done: list[Path],
    *,
    listeners: Sequence[RunListener],
    announce: Announce,
) -> RunResult:
    """Run it again, and note the verdict on the original; both are brought into MLflow."""
    result = plan.execute(listeners=listeners, announce=announce)
    done.append(result.directory)
    verdict = compare(original, StoredRun.open(result.directory), tolerance)
    uri = plan.job.config.tracking.destination
    if note_verdict(original.path, result.directory, verdict, warn) and is_in_store(original.path, uri):
        announce(original.path)
    return result
