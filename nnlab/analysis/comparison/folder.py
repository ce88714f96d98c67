"""The runs of a folder, each read once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nnlab.analysis.comparison.facts import RunFacts
from nnlab.errors import UserError
from nnlab.runs.directory import STUDY, run_directories
from nnlab.runs.files import is_file
from nnlab.runs.stored_run import StoredRun


class Folder:
    """All runs and trials in a folder of the runs; a study's own run is none.

    Attributes:
        path: of the folder.
        runs: what could be read.
        damaged: a message for each of the others.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.runs: list[RunFacts] = []
        self.damaged: list[str] = []
        for directory in run_directories(path, of_others=True):
            if is_file(directory / STUDY):
                continue
            try:
                run = StoredRun.at(directory)
                if run is not None:
                    self.runs.append(RunFacts.of(run))
            except (UserError, OSError) as error:
                self.damaged.append(f"{directory.name}: {error}")
        self.runs.sort(key=lambda run: run.started_at)

    def of_group(self, name: str) -> list[RunFacts]:
        """The runs that a command line started together, in the order of their places."""
        return sorted((run for run in self.runs if run.group == name), key=lambda run: run.place)


def missing_of_group(runs: Sequence[RunFacts]) -> list[str]:
    """What there is to say if some runs of a group are not there."""
    missing = runs[0].group_size - len({run.place for run in runs})
    are = "is" if missing == 1 else "are"
    return [f"{missing} of the {runs[0].group_size} runs of this group {are} not there."] if missing > 0 else []
