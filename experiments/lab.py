"""What every study is given: the data, the seeds, and the way to a run's config."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nnlab.batch import compose
from nnlab.config.job import Job
from nnlab.config.repeat import in_hydra

SEEDS = 5
"""Runs of every variant of every study: as many for each claim, which was decided before any of them was made."""
QUICK_ROWS = 2000
QUICK_EPOCHS = 2
QUICK_SEEDS = 2


@dataclass(frozen=True)
class Planned:
    """A run to do, and which of its study's variants it is."""

    study: str
    variant: str
    job: Job


@dataclass(frozen=True)
class Lab:
    """The setting of all studies.

    Args:
        data: the overrides that choose the digits.
        data_name: for titles.
        seeds: how many, from 0 on; the same for every variant of every study.
        is_quick: whether to do as little as shows that everything works.
        workers: how many runs at a time.
        runs_dir: the folder of the runs.
        tracking_uri: MLflow's; None leaves it to the environment.
        is_sorted_by_class: whether the last rows of the data are of a few classes alone, so that a validation split
            cannot be taken from the end.
    """

    data: tuple[str, ...]
    data_name: str
    seeds: int
    is_quick: bool
    workers: int
    runs_dir: str
    tracking_uri: str | None
    is_sorted_by_class: bool = False

    def plan(
        self, study: str, variant: str, *overrides: str, on_digits: bool = True, test: bool = False
    ) -> list[Planned]:
        """The runs of a variant, one a seed, in the study's MLflow experiment.

        Args:
            study: its name.
            variant: by which the study finds the runs again.
            overrides: what makes the variant.
            on_digits: whether it learns the lab's digits; else the overrides name its data.
            test: whether the runs evaluate their test split: only where a published claim is about it.
        """
        whole = [*self._whole(overrides, on_digits, test), *self.places, f"tracking.experiment={study}"]
        job = compose(*whole)  # once: Hydra takes a tenth of a second, and seeds differ in the seed alone
        return [Planned(study, variant, _seeded(job, seed)) for seed in range(self.seeds)]

    @property
    def places(self) -> tuple[str, ...]:
        """The overrides that say where runs are kept."""
        uri = () if self.tracking_uri is None else (in_hydra("tracking.uri", self.tracking_uri),)
        return (in_hydra("runs_dir", self.runs_dir), *uri)

    def digits(self, overrides: Sequence[str] = ()) -> tuple[str, ...]:
        """What chooses the digits; fewer rows where it has to be quick, unless the `overrides` say how many."""
        says_rows = any(override.startswith("data.limit=") for override in overrides)
        limit = (f"data.limit={QUICK_ROWS}",) if self.is_quick and not says_rows else ()
        strategy = ("data.split.strategy=stratified",) if self.is_sorted_by_class else ()
        return (*self.data, *strategy, *limit)

    def epochs(self, epochs: int) -> str:
        """The override for a variant's epochs, few where it has to be quick."""
        return f"trainer.epochs={min(epochs, QUICK_EPOCHS) if self.is_quick else epochs}"

    def command(self, *overrides: str, on_digits: bool = True, test: bool = False) -> str:
        """The command that does a variant's runs again; an override with commas does several variants."""
        all_seeds = ",".join(str(seed) for seed in range(self.seeds))
        return shlex.join(
            ["python", "-m", "nnlab.run", "-m", *self._whole(overrides, on_digits, test), f"seed={all_seeds}"]
        )

    def _whole(self, overrides: Sequence[str], on_digits: bool, test: bool) -> list[str]:
        return [*overrides, f"trainer.test={str(test).lower()}", *(self.digits(overrides) if on_digits else ())]

    def again(self, study: str) -> str:
        """The command that does a whole study again, for what is measured beside its runs."""
        source, *root = (override.split("=", 1)[1].strip("'") for override in self.data)
        options = ["--only", study, "--data", source, *(("--root", *root) if root else ())]
        options += ["--quick"] if self.is_quick else []
        options += [] if self.seeds == (QUICK_SEEDS if self.is_quick else SEEDS) else ["--seeds", str(self.seeds)]
        return shlex.join(["python", "-m", "experiments", *options])


def _seeded(job: Job, seed: int) -> Job:
    return replace(job, config=replace(job.config, seed=seed), overrides=[*job.overrides, f"seed={seed}"])
