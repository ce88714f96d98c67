"""The runs of the trials that are under way, which other processes record: seen through their journals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, end_if_dead
from nnlab.runs.journal_reader import JournalReader
from nnlab.runs.recorder import Announce
from nnlab.tuning.events import TrialEpoch


class RunningTrials:
    """The runs of a session's trials.

    Args:
        objectives: their names.
        announce: called with the directory of each run once it has started, to sync it into MLflow.
    """

    def __init__(self, objectives: Sequence[str], announce: Announce | None) -> None:
        self._objectives = objectives
        self._announce = announce
        self._journals: dict[Path, JournalReader] = {}
        self._paths: dict[int, list[Path]] = {}

    def add(self, number: int, paths: Sequence[Path]) -> None:
        """A trial has been given to a worker, which records into these directories."""
        self._paths[number] = list(paths)

    def end(self, number: int) -> None:
        """A trial has ended: close those of its runs whose process could not. May be called again if it fails."""
        for path in self._paths.get(number, []):
            self._has_started(path)
            if path.exists():
                end_if_dead(path)
        for path in self._paths.pop(number, []):
            self._journals.pop(path, None)

    def news(self) -> Iterator[TrialEpoch]:
        """Announce the runs that have started since, and report their latest epochs."""
        for number, paths in self._paths.items():
            for path in paths:
                if not self._has_started(path):
                    continue
                if epochs := self._journals[path].update():
                    epoch, metrics = list(epochs.items())[-1]
                    shown = {name: metrics[name] for name in self._objectives if name.startswith("val/")}
                    yield TrialEpoch(number, epoch, shown)

    def _has_started(self, path: Path) -> bool:
        """Whether there is a run at `path`; the first time that there is, it is announced."""
        if path in self._journals:
            return True
        if not journal.has_started(path / JOURNAL):
            return False
        if self._announce is not None:
            self._announce(path)
        self._journals[path] = JournalReader(path / JOURNAL)
        return True
