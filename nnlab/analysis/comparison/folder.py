"""The runs of a folder, each read once."""

from __future__ import annotations

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
