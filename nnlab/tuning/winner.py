"""The winner of a study on the test split: only the winner, once, after it was chosen on validation."""

from __future__ import annotations

import shlex
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nnlab.config.holdout import with_test
from nnlab.config.job import Job
from nnlab.config.repeat import overrides_of
from nnlab.config.tracking import TrackingSettings
from nnlab.config.validate import Validated
from nnlab.errors import UserError
from nnlab.execution.evaluate import evaluate_member
from nnlab.runs.recorder import Announce
from nnlab.runs.stored_run import StoredRun


@dataclass(frozen=True)
class Candidate:
    """A trial as what can be tested: its runs, those of the search or those that confirm it with fresh seeds.

    Attributes:
        number: of the trial.
        runs: their configs, and their data.
        paths: their directories.
        is_confirmed: whether they are the confirming ones.
    """

    number: int
    runs: Sequence[Validated]
    paths: Sequence[Path]
    is_confirmed: bool = False


@dataclass(frozen=True)
class Winner:
    """The best trial, tested.

    Attributes:
        number: of the trial.
        scores: test/loss and test/accuracy, means over the trial's runs.
        runs: how many those are.
        evaluations: for how many trials of the study the test split was ever evaluated; above 1 if a study continued
            after it was complete, and then had a different winner, or was confirmed after it had been tested.
        command: repeats its (first) run.
        is_confirmed: whether the runs are those that confirm it with fresh seeds.
    """

    number: int
    scores: dict[str, float]
    runs: int
    evaluations: int
    command: str
    is_confirmed: bool = False


def evaluate_winner(
    best: Candidate,
    ever: Iterable[Sequence[Path]],
    tracking: TrackingSettings,
    *,
    warn: Callable[[str], object],
    announce: Announce | None,
) -> Winner:
    """Evaluate the test split with the weights of the best trial's runs, and add that to the runs.

    Args:
        best: chosen on validation.
        ever: the directories of each candidate that may ever have been tested, this one among them.
        tracking: says whether to draw the runs' pictures.
        warn: called with what goes wrong with the pictures.
        announce: called with each run's directory, to sync what is added into MLflow.

    Raises:
        UserError: if a run's directory is damaged or gone.
    """
    jobs = [
        Job(replace(config, tracking=tracking), dataset, overrides_of(with_test(config, True)))
        for config, dataset in best.runs
    ]
    try:
        tested = [
            evaluate_member(job, path, warn=warn, announce=announce).metrics
            for job, path in zip(jobs, best.paths, strict=True)
        ]
    except UserError as error:
        commands = "; ".join(shlex.join(job.command) for job in jobs)
        raise UserError(
            f"The winner, trial {best.number}, cannot be tested: {error} If it cannot be restored, resume the study "
            f"with trainer.test=false, and repeat the winner alone, with its test: {commands}"
        ) from error
    return Winner(
        number=best.number,
        scores={name: statistics.fmean(metrics[name] for metrics in tested) for name in tested[0]},
        runs=len(best.paths),
        evaluations=sum(any(map(_is_tested, paths)) for paths in ever),
        command=shlex.join(jobs[0].command),
        is_confirmed=best.is_confirmed,
    )


def _is_tested(path: Path) -> bool:
    run = StoredRun.at(path)
    return run is not None and run.evaluations > 0
