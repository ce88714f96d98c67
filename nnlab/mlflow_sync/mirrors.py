"""The processes that bring several runs into MLflow: one for each store and runs folder that the runs go to."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from nnlab.config.schema import Config
from nnlab.mlflow_sync.process import Ahead, MirrorProcess
from nnlab.runs.directory import end_dead_runs
from nnlab.streams import write_line


class Mirrors:
    """A mirror for each place that one of the configs goes to; none for a run that is kept out of MLflow.

    Args:
        configs: of all runs to come.
        ahead: a process for the first of them that was started already.
        niceness: how far the processes stand back, see `MirrorProcess`.

    Raises:
        UserError: if a runs folder cannot be written.
    """

    def __init__(self, configs: Iterable[Config], ahead: Ahead | None = None, niceness: int = 10) -> None:
        configs = list(configs)
        places = dict.fromkeys(place for config in configs if (place := _place(config)))
        self._mirrors = {place: MirrorProcess(place[0], Path(place[1]), niceness, ahead) for place in places}
        self._without = {config.runs_dir for config in configs} - {runs_dir for _, runs_dir in places}

    def of(self, config: Config) -> MirrorProcess | None:
        """The mirror of a run with this config."""
        place = _place(config)
        return self._mirrors[place] if place else None

    def finish(self, seconds: float) -> None:
        """Wait until MLflow has got everything, and warn on standard error of what it has not got by then.

        Runs that were killed are closed, which else a mirror does.
        """
        for mirror in self._mirrors.values():
            for problem in mirror.finish(seconds, lambda text: write_line(sys.stderr, text)):
                write_line(sys.stderr, f"warning: {problem}")
        for runs_dir in self._without:
            end_dead_runs(Path(runs_dir))


def _place(config: Config) -> tuple[str, str] | None:
    """MLflow's address and the runs folder; None keeps the run out of MLflow."""
    tracking = config.tracking
    return (tracking.uri, config.runs_dir) if tracking.enabled and tracking.uri else None
