"""Studies through the real command, and what Optuna's own reader finds in them."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from commands import nnlab
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

UNTRACKED = "tracking.enabled=false"
NO_PLOTS = "tracking.plots=false"  # they take longer than all trials
Completed = subprocess.CompletedProcess[str]

NEVER_PRUNED = "sweep.pruner=none"

# Trials of a tenth of a second.
TINY = ["data=digits", "trainer.epochs=4", "trainer.batch_size=32", "sweep.trials=6", UNTRACKED, NO_PLOTS]
WIDTHS = ["model.depth=range(1, 3)", "model.width=choice(8, 16)"]
SPACE = ["optimizer.lr=tag(log, interval(0.003, 0.3))", *WIDTHS]

# The model is asked from the third trial on, and the pruner from the third complete one on.
SMALL = [
    *TINY,
    *SPACE,
    "sweep.sampler_options.startup_trials=2",
    "sweep.pruner_options.startup_trials=2",
]

# Three combinations for six trials.
FEW = [
    *TINY,
    "optimizer.lr=choice(0.03, 0.1, 0.3)",
    "model.hidden=[8]",
    "sweep.sampler=random",
    "sweep.workers=1",
    NEVER_PRUNED,
]

# Studies of one kind or another, by what is special about them; those of a pair have the same command.
STUDIES = {
    "one worker": [*SMALL, "sweep.workers=1", "sweep.name=study"],
    "two workers": [*SMALL, "sweep.workers=2", "sweep.name=study"],
    "four workers": [*SMALL, "sweep.workers=4", "sweep.name=study"],
    "three combinations": FEW,
    "three combinations, repeated": [*FEW, "sweep.repeat_duplicates=true"],
    "two seeds and objectives": [
        *TINY,
        *SPACE,
        "sweep.seeds=2",
        "sweep.objective=[val/accuracy, parameters]",
        NEVER_PRUNED,
    ],
    "all diverge": [*TINY, *WIDTHS, "optimizer.lr=1e30", NEVER_PRUNED],
    "stop at the first failure": [*TINY, *WIDTHS, "optimizer.lr=1e30", "sweep.on_failure=stop", "sweep.workers=1"],
}

IN_STEP = [*SMALL, "sweep.workers=2", "sweep.deterministic=true", "sweep.name=study"]
AGAIN = {
    "one worker again": STUDIES["one worker"],
    "in step": IN_STEP,
    "in step again": IN_STEP,
}


def sweep(*overrides: str, folder: Path, **variables: str) -> Completed:
    """Run the command to its end in `folder`."""
    return nnlab(*overrides, folder=folder, program="nnlab.sweep", **variables)


@dataclass(frozen=True)
class Study:
    """A study in its directory.

    Attributes:
        directory: its own, named as the study.
        url: of its storage; None is the journal in the directory.
    """

    directory: Path
    url: str | None = None

    @property
    def trials(self) -> list[FrozenTrial]:
        with self._storage() as storage:
            return optuna.load_study(study_name=self.directory.name, storage=storage).get_trials()

    @property
    def states(self) -> list[str]:
        return [trial.state.name for trial in self.trials]

    @property
    def finished(self) -> int:
        """What `sweep.trials` counts."""
        return sum(state in ("COMPLETE", "PRUNED") for state in self.states)

    @property
    def facts(self) -> list[dict[str, Any]]:
        """Of each trial all that does not depend on the clock."""
        return [_facts(trial) for trial in self.trials]

    @property
    def table(self) -> list[dict[str, str]]:
        with (self.directory / "trials.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    @property
    def runs(self) -> list[Path]:
        """The directories of its trials' runs."""
        return sorted((self.directory / "trials").iterdir())

    @contextmanager
    def _storage(self) -> Iterator[BaseStorage]:
        if self.url is None:
            yield JournalStorage(JournalFileBackend(str(self.directory / "study.log")))
            return
        storage = RDBStorage(self.url)
        try:
            yield storage
        finally:
            storage.remove_session()
            storage.engine.dispose()


@dataclass(frozen=True)
class Kept:
    """A command that has ended, and the folder in which it left a study."""

    process: Completed
    folder: Path

    @property
    def study(self) -> Study:
        return study_in(self.folder)


def side_by_side(folder: Path, commands: Mapping[str, Sequence[str]]) -> dict[str, Kept]:
    """Sweeps of those overrides, two at a time, each in a folder of its own of that name below `folder`."""
    for name in commands:
        (folder / name).mkdir(parents=True)
    with ThreadPoolExecutor(2) as pool:
        ended = pool.map(lambda item: sweep(*item[1], folder=folder / item[0]), commands.items())
        return {name: Kept(process, folder / name) for name, process in zip(commands, ended, strict=True)}


def study_in(folder: Path) -> Study:
    """The only study of a folder's runs."""
    identities = list((folder / "runs").glob("*/study.json"))
    assert len(identities) == 1, f"{len(identities)} studies in {folder}"
    return Study(identities[0].parent)


def outcome(trial: FrozenTrial) -> dict[str, Any]:
    found: dict[str, Any] = trial.user_attrs["outcome"]
    return found


def _facts(trial: FrozenTrial) -> dict[str, Any]:
    known = trial.user_attrs.get("outcome", {})
    return {
        "number": trial.number,
        "state": trial.state.name,
        "params": trial.params,
        "values": trial.values,
        "intermediate values": trial.intermediate_values,
        "asked": trial.user_attrs["asked"],
        "weights": known.get("weights_sha256"),
        "scores": known.get("scores"),
        "epoch": known.get("epoch"),
    }


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` with what is in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
