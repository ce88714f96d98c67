"""From a trial of the study to what a worker needs to run it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from optuna.trial import FrozenTrial

from nnlab.config.holdout import with_test
from nnlab.config.repeat import overrides_of
from nnlab.config.schema import Config
from nnlab.config.validate import Validated
from nnlab.data import Dataset, save_shared
from nnlab.data.loading import dataset_of
from nnlab.data.shared import Written
from nnlab.runs.directory import DATA, TRIALS
from nnlab.runs.files import make_folder
from nnlab.runs.tags import STUDY_TAG, TRIAL_TAG
from nnlab.tuning.plan import Plan
from nnlab.tuning.search.pruners import NoPruner, Wilcoxon
from nnlab.tuning.trial import Task, run_name
from nnlab.tuning.trials import Asked
from nnlab.tuning.watch import Pruning


class Tasks:
    """Makes the tasks of one study.

    Args:
        plan: of the study.
        name: of the study.
        directory: of the study.
        journal: of Optuna's default storage.
    """

    def __init__(self, plan: Plan, name: str, directory: Path, journal: Path) -> None:
        self._plan = plan
        self._name = name
        self.directory = directory
        self._journal = journal
        self._written: Written = {}

    def runs(self, trial: FrozenTrial) -> list[Validated]:
        """The configs of a trial's runs, and their data. They leave the test split alone, and draw only if asked to.

        Raises:
            ConfigError: if there can be no such run.
        """
        configs = self._configs(trial)
        return [Validated(config, dataset_of(config.data, seed=config.seed)) for config in configs]

    def paths(self, number: int) -> list[Path]:
        """The directories of the runs of a trial, by its number."""
        name = f"{self._name}-{number:04}"
        places = range(1, self._plan.settings.seeds + 1)
        names = [name] if len(places) == 1 else [f"{name}-{place}" for place in places]
        return [self.directory / TRIALS / name for name in names]

    def tags(self, trial: FrozenTrial) -> dict[str, str]:
        """MLflow's tags of a trial's runs, besides those of every run."""
        return {STUDY_TAG: self._name, TRIAL_TAG: str(trial.number)}

    def task(self, trial: FrozenTrial) -> Task:
        """What a worker needs to run the trial.

        Raises:
            ConfigError: if there can be no such run.
        """
        configs = self._configs(trial)
        return Task(
            study=self._name,
            storage=self._plan.settings.storage,
            journal=self._journal,
            trial_id=trial._trial_id,
            number=trial.number,
            configs=configs,
            commands=[overrides_of(config) for config in configs],
            directory=self.directory,
            paths=self.paths(trial.number)[: len(configs)],
            names=[run_name(trial.number, place, len(configs)) for place in range(len(configs))],
            tags=self.tags(trial),
            data=[self._shared(config) for config in configs],
            pruning=self._pruning(configs[0].trainer.last_epoch),
            objectives=self._plan.settings.objectives,
        )

    def _pruning(self, epochs: int) -> Pruning | None:
        settings = self._plan.settings
        if isinstance(settings.pruner, NoPruner):
            return None
        return Pruning(
            metric=settings.objectives[0],
            pruner=settings.pruner.make(epochs, settings.seeds_judged),
            by_seed=settings.seeds_judged > 1,
            as_mean=not isinstance(settings.pruner, Wilcoxon),
        )

    def _configs(self, trial: FrozenTrial) -> list[Config]:
        """The configs of a trial's runs: alike but for the seed, so that one of them is checked."""
        asked = Asked.of(trial)
        config = with_test(self._plan.at(asked.values, asked.seeds[0]).config, False)
        if self._plan.settings.plots != "all":
            config = replace(config, tracking=replace(config.tracking, plots=False))
        return [replace(config, seed=seed) for seed in asked.seeds]

    def _shared(self, config: Config) -> Path:
        """A run's data in files that the workers share, without the test split: no trial can look at it.

        Runs whose rows are divided alike share a folder; where each seed has a division of its own, they share the
        files of the rows.
        """
        division = config.seed if self._plan.has_a_split_per_seed else None
        digest = hashlib.sha256(repr((config.data, division)).encode()).hexdigest()[:16]
        make_folder(self.directory / DATA)
        folder = self.directory / DATA / digest
        if not folder.exists():
            save_shared(without_test(dataset_of(config.data, seed=config.seed)), folder, self._written)
        return folder


def without_test(dataset: Dataset) -> Dataset:
    """The dataset with no rows in its test split; where the source has a test file of its own, without its arrays."""
    return replace(dataset, test=dataset.train.first(0))
