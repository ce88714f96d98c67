"""How every command starts and ends: the streams, MLflow's worker and the exit status, around the slow imports."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from nnlab.exit_status import end_after, exit_status
from nnlab.interrupts import ctrl_c_held

if TYPE_CHECKING:
    from nnlab.mlflow_sync.process import SyncProcess

OFF = "tracking.enabled=false"


def start(command: str, *, syncs: bool = False, has_workers: bool = False) -> None:
    """Execute a command on the arguments of this process, and end the process with its exit status.

    Args:
        command, syncs: see `execute`.
        has_workers: whether it has worker processes, see `end_after`.
    """
    if has_workers:
        execute(command, sys.argv[1:], syncs=syncs)
    else:
        end_after(lambda: execute(command, sys.argv[1:], syncs=syncs))


def execute(command: str, arguments: Sequence[str], *, syncs: bool) -> NoReturn:
    """Execute a command.

    Args:
        command: the module of its `main`, which is imported only now: it takes the arguments and returns the status.
        arguments: of the command line.
        syncs: whether it brings runs into MLflow; `main` then also takes the process of `early_start`.

    Raises:
        SystemExit: always, with the exit status.
    """
    with exit_status():
        if not syncs:
            sys.exit(_imported(command).main(arguments))
        with early_start(arguments) as early:
            sys.exit(_imported(command).main(arguments, early))


@ctrl_c_held()
def _imported(command: str) -> Any:
    return import_module(command)


@contextmanager
def early_start(arguments: Sequence[str]) -> Iterator[SyncProcess | None]:
    """MLflow's worker, whose imports take two seconds, started before those of the command; ended if it is not used.

    Args:
        arguments: of the command line. None is started for a question about the config, or where MLflow is off.
    """
    is_question = any(
        argument.startswith("-") and argument not in ("-m", "--multirun", "--fresh") for argument in arguments
    )
    if is_question or OFF in arguments:
        yield None
        return
    from nnlab.mlflow_sync.process import SyncProcess

    process = SyncProcess()
    try:
        yield process
    finally:
        process.discard()
