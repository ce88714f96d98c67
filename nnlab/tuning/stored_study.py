"""A study read back from its directory and its storage: one that has ended, or is running in another process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import optuna
from optuna.storages import BaseStorage
from optuna.study import get_all_study_names
from optuna.trial import FrozenTrial

from nnlab.config.problems import ConfigError
from nnlab.errors import UserError
from nnlab.runs.directory import TRIALS
from nnlab.runs.resolve import study_command
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import ENDED_BY_TAG, GOES_ON, WINNER_RUNS_TAG
from nnlab.tuning.confirm.results import Confirmation, stored_confirmation
from nnlab.tuning.manifest import Manifest
from nnlab.tuning.race.runs import raced
from nnlab.tuning.report.choice_cost import cost_lines
from nnlab.tuning.report.confirmation_lines import block, winner_lines
from nnlab.tuning.report.leaderboard import leaderboard
from nnlab.tuning.report.trial_facts import objective_text
from nnlab.tuning.resuming import storage_url, study_directory
from nnlab.tuning.storage import JOURNAL_FILE, open_storage, read_storage
from nnlab.tuning.trials import FINISHED


@dataclass(frozen=True)
class StoredStudy:
    """A study as it is now; reading it changes nothing of it.

    Attributes:
        directory: the study's own.
        manifest: what makes it the study that it is.
        storage: of its trials.
    """

    directory: Path
    manifest: Manifest
    storage: BaseStorage

    @classmethod
    def open(cls, name: str, arguments: Sequence[str] = ()) -> Self:
        """Read a study back.

        Args:
            name: of the study.
            arguments: overrides, of which `runs_dir` and `sweep.storage` count.

        Raises:
            UserError: if there is no such study, or its storage does not have it or cannot be opened.
        """
        directory = study_directory(name, arguments)
        manifest = Manifest.read(directory)
        try:
            url = storage_url(manifest, [*manifest.overrides, *arguments])
        except ConfigError:  # of a variable that is set no more; the address itself may be known
            url = storage_url(manifest, arguments)
        storage = open_storage(url, directory / JOURNAL_FILE) if url else read_storage(directory / JOURNAL_FILE)
        if name not in get_all_study_names(storage):
            raise UserError(f"The study {name!r} was started in {directory}, but its storage does not have it.")
        return cls(directory, manifest, storage)

    @property
    def name(self) -> str:
        """The name of the study and its directory."""
        return self.directory.name

    @property
    def objectives(self) -> list[str]:
        """The names of what is optimized."""
        objective = self.manifest.fingerprint["sweep.objective"]
        return [objective] if isinstance(objective, str) else list(objective)

    @cached_property
    def trials(self) -> list[FrozenTrial]:
        """All trials, in the order of their numbers, with the further seeds of a race."""
        trials = optuna.load_study(study_name=self.name, storage=self.storage).get_trials(deepcopy=False)
        return raced(self.storage, self.name, trials, self.objectives)

    @cached_property
    def confirmation(self) -> Confirmation | None:
        """What the runs with fresh seeds say of its best trials; None if there are none.

        Raises:
            UserError: if the storage does not have it as nnlab wrote it.
        """
        return stored_confirmation(self.storage, self.name, self.trials, self.objectives)

    @property
    def finished(self) -> int:
        """How many of them are complete or pruned."""
        return sum(trial.state in FINISHED for trial in self.trials)

    @cached_property
    def run(self) -> StoredRun:
        """The study's own run.

        Raises:
            UserError: if it has none, or its journal is damaged.
        """
        return StoredRun.open(self.directory)

    def report(self, *, encoding: str | None, width: int | None = None) -> str:
        """A report of the study now: its leaderboard, and its standing.

        Args:
            encoding: of the stream that shows the text.
            width: of the screen; None where lines may be of any length.
        """
        confirmation = self.confirmation
        table = leaderboard(self.trials, self.objectives, confirmation=confirmation, encoding=encoding, width=width)
        parts = [self.name, table]
        if confirmation is not None:
            parts.append(block(winner_lines(confirmation, self.finished), width))
        if self.run.status == "finished":
            parts.append(block(cost_lines(self.directory, self.objectives, self.finished), width))
        return "\n\n".join([*filter(None, parts), self.standing(), ""])[:-1]

    def standing(self) -> str:
        """Whether the study is running, how to resume it if it is not complete, and otherwise the winner's test."""
        if self.run.is_alive:
            return "running"
        if self.run.status != "finished":
            return f"{self.run.status_now}; resume it: {study_command(self.run.path)}"
        ended_by = self.run.tags.get(ENDED_BY_TAG, GOES_ON)
        by = "" if ended_by == GOES_ON or ended_by.startswith("sweep.trials=") else f" ({ended_by})"
        return f"finished{by}" + "".join(
            f", {name} {objective_text(name, value)}" for name, value in self._test.items()
        )

    @property
    def _test(self) -> Mapping[str, float]:
        """What the winner scored; nothing where an earlier winner alone was tested, or its own runs before others."""
        names = self.run.tags.get(WINNER_RUNS_TAG, "").split()
        try:
            runs = [StoredRun.at(self.directory / TRIALS / name) for name in names]
        except UserError:  # damaged
            return self.run.test
        return self.run.test if all(run is None or run.test for run in runs) else {}
