"""Bringing the runs of a command into MLflow, from start to finish: what commands and studies use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from nnlab.config.schema import Config
from nnlab.mlflow_sync.process import SyncProcess
from nnlab.mlflow_sync.waiting import WaitingLine
from nnlab.runs.directory import end_dead_runs, left_alone
from nnlab.runs.leftovers import clear_leftovers
from nnlab.streams import warn, write_line

RUN_PATIENCE = 120.0
STUDY_PATIENCE = 300.0
"""Of a study, and of many runs at once."""
INTERRUPTED_PATIENCE = 20.0
"""Of any command."""


class Sync:
    """Brings runs into MLflow while its block is executed, and waits for MLflow at the end of it.

        with Sync([job.config]) as sync:
            run(job, announce=sync.announce(job.config))

    There is a worker process for each store and runs folder that one of the runs goes to. What a person must change for
    runs to arrive is a warning on standard error as soon as it is known; so is, at the end of the block, what MLflow
    does not have: the run directories hold it, and `nnlab.sync` brings it.

    Args:
        configs: of all runs to come, validated.
        early: a process that was started already, for the first of them.
        patience: how many seconds to wait at the end while nothing arrives in MLflow, `INTERRUPTED_PATIENCE` at most if
            an exception ends the block.
        niceness: how much the workers yield to other processes, see `SyncProcess.assign`.

    Raises:
        UserError: if a runs folder cannot be written; at the start of the block.
    """

    def __init__(
        self,
        configs: Iterable[Config],
        early: SyncProcess | None = None,
        *,
        patience: float = STUDY_PATIENCE,
        niceness: int = 10,
    ) -> None:
        self._configs = list(configs)
        self._early = early
        self._patience = patience
        self._niceness = niceness
        self._processes: dict[tuple[str, str], SyncProcess] = {}

    def __enter__(self) -> Self:
        for config in self._configs:
            place = _place(config)
            if place is not None and place not in self._processes:
                process = self._early or SyncProcess()
                self._early = None
                process.assign(place[0], Path(place[1]), self._niceness, warn)
                self._processes[place] = process
        return self

    def announce(self, config: Config) -> Callable[[Path], object]:
        """What to call with the directory of a run with this config, once the run has started."""
        place = _place(config)
        return self._processes[place].add if place is not None else _keep_out

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        patience = self._patience if kind is None else min(self._patience, INTERRUPTED_PATIENCE)
        for process in self._processes.values():
            process.close()
        problems = []
        with WaitingLine(sys.stderr) as line:
            for process in self._processes.values():
                problems += process.finish(patience, line.show)
                patience = 0.0 if process.was_left else patience
        for problem in problems:
            warn(problem)
        folders = {config.runs_dir for config in self._configs}
        synced = {runs_dir for _, runs_dir in self._processes}
        for runs_dir in folders - synced:
            end_dead_runs(Path(runs_dir))  # as a worker does in its folder
            clear_leftovers(Path(runs_dir))
        for runs_dir in sorted(folders):
            if others := left_alone(Path(runs_dir)):
                write_line(sys.stderr, f"note: {others}")


def _place(config: Config) -> tuple[str, str] | None:
    """The store and the runs folder of a run; None if it is kept out of MLflow."""
    uri = config.tracking.destination
    return None if uri is None else (uri, config.runs_dir)


def _keep_out(run: Path) -> None:
    """Do nothing: the run is kept out of MLflow."""
