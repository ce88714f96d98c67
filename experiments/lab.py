"""What every experiment gets: the data, the seeds, and how to make a run's config."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nnlab.batch import compose
from nnlab.config.job import Job
from nnlab.config.quoting import as_override
from nnlab.cpu import usable_cores
from nnlab.data.sources import SOURCES
from nnlab.errors import UserError

SEEDS = 5
"""Runs of every variant of every experiment, fixed before the first of them."""
QUICK_ROWS = 2000
QUICK_EPOCHS = 2
QUICK_SEEDS = 2
OWN_FILES = tuple(name for name, source in SOURCES.items() if source.has_root)
NAMES = {"mnist": "full MNIST", "mnist_5k": "mnist_5k, 5,000 digits of MNIST, NOT the full MNIST"}


@dataclass(frozen=True)
class Planned:
    """A run to do, and which variant of which experiment it is."""

    experiment: str
    variant: str
    job: Job


@dataclass(frozen=True)
class Lab:
    """The setting of all experiments.

    Args:
        data: the overrides that select the digits.
        data_name: for titles.
        seeds: how many, from 0 on; the same for every variant of every experiment.
        is_quick: whether to do just enough to check that everything works.
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
        self, experiment: str, variant: str, *overrides: str, on_digits: bool = True, test: bool = False
    ) -> list[Planned]:
        """The runs of a variant, one per seed, in the MLflow experiment of that name.

        Args:
            experiment: its name.
            variant: by which the experiment finds the runs again.
            overrides: what makes the variant.
            on_digits: whether it trains on the lab's digits; if not, the overrides name its data.
            test: whether the runs evaluate their test split: only where a published claim is about it.
        """
        whole = [*self._whole(overrides, on_digits, test), *self.places, f"tracking.experiment={experiment}"]
        job = compose(*whole)  # once: Hydra takes a tenth of a second, and only the seed differs
        return [Planned(experiment, variant, _seeded(job, seed)) for seed in range(self.seeds)]

    @property
    def places(self) -> tuple[str, ...]:
        """The overrides that say where runs are kept."""
        uri = () if self.tracking_uri is None else (as_override("tracking.uri", self.tracking_uri),)
        return (as_override("runs_dir", self.runs_dir), *uri)

    def digits(self, overrides: Sequence[str] = ()) -> tuple[str, ...]:
        """What selects the digits; with --quick fewer rows, unless the `overrides` say how many."""
        says_rows = any(override.startswith("data.limit=") for override in overrides)
        limit = (f"data.limit={QUICK_ROWS}",) if self.is_quick and not says_rows else ()
        strategy = ("data.split.strategy=stratified",) if self.is_sorted_by_class else ()
        return (*self.data, *strategy, *limit)

    def epochs(self, epochs: int) -> str:
        """The override for a variant's epochs; few with --quick."""
        return f"trainer.epochs={min(epochs, QUICK_EPOCHS) if self.is_quick else epochs}"

    def command(self, *overrides: str, on_digits: bool = True, test: bool = False) -> str:
        """The command that repeats a variant's runs; an override with commas is several variants."""
        all_seeds = ",".join(str(seed) for seed in range(self.seeds))
        return shlex.join(
            ["python", "-m", "nnlab.run", "-m", *self._whole(overrides, on_digits, test), f"seed={all_seeds}"]
        )

    def _whole(self, overrides: Sequence[str], on_digits: bool, test: bool) -> list[str]:
        return [*overrides, f"trainer.test={str(test).lower()}", *(self.digits(overrides) if on_digits else ())]

    def again(self, experiment: str) -> str:
        """The command that repeats a whole experiment, for what is measured outside its runs."""
        source, *root = (override.split("=", 1)[1].strip("'") for override in self.data)
        options = ["--only", experiment, "--data", source, *(("--root", *root) if root else ())]
        options += ["--quick"] if self.is_quick else []
        options += [] if self.seeds == (QUICK_SEEDS if self.is_quick else SEEDS) else ["--seeds", str(self.seeds)]
        return shlex.join(["python", "-m", "experiments", *options])


def lab_of(given: argparse.Namespace) -> Lab:
    """The lab that the command line asks for.

    Raises:
        UserError: if something about it is wrong, or the data are missing.
    """
    seeds = given.seeds if given.seeds is not None else QUICK_SEEDS if given.quick else SEEDS
    for option, number in (("--seeds", seeds), ("--workers", given.workers or 1)):
        if number < 1:
            raise UserError(f"{option} must be at least 1, but got {number}.")
    if (given.root is None) == (given.data in OWN_FILES):
        raise UserError(
            f"--root belongs to --data {', '.join(OWN_FILES)}, but got --data {given.data} "
            f"{'with' if given.root else 'without'} --root. Give both, as in --data idx --root FOLDER."
        )
    lab = Lab(
        data=(f"data={given.data}", *([as_override("data.root", given.root)] if given.root else [])),
        data_name=NAMES.get(given.data, f"the digits of {given.root}"),
        seeds=seeds,
        is_quick=given.quick,
        workers=given.workers or usable_cores(),
        runs_dir=given.runs_dir or os.environ.get("NNLAB_RUNS_DIR") or "runs",
        tracking_uri=given.tracking_uri,
        is_sorted_by_class=given.data == "mnist_5k",
    )
    try:
        compose(*lab.data, *lab.places)
    except UserError as error:
        if given.data != "mnist":
            raise
        raise UserError(
            f"{error}\nThe experiments are about the full MNIST. Without it: --data idx --root FOLDER reads its four "
            "files from a folder, and --data mnist_5k runs the experiments on the 5,000 embedded digits, which the "
            "title of the results then says."
        ) from error
    return lab


def _seeded(job: Job, seed: int) -> Job:
    return replace(job, config=replace(job.config, seed=seed), overrides=[*job.overrides, f"seed={seed}"])
