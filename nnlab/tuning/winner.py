"""The winner of a study on the test split: it alone, once, after it was chosen on validation."""

from __future__ import annotations

import shlex
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from optuna.trial import FrozenTrial

from nnlab.commands.run_console import Console
from nnlab.config.repeat import overrides_of
from nnlab.config.test_split import with_test
from nnlab.config.tracking import TrackingSettings
from nnlab.execution.run import test_member
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL
from nnlab.runs.recorder import Announce
from nnlab.tuning.tasks import Tasks


@dataclass(frozen=True)
class Winner:
    """The best trial, tested.

    Attributes:
        number: of the trial.
        scores: test/loss and test/accuracy, means over the trial's runs.
        runs: how many those are.
        evaluations: of how many trials of the study the test split was ever evaluated; above 1 if a study went on
            after it was complete, and then had another winner.
        command: repeats its (first) run.
    """

    number: int
    scores: dict[str, float]
    runs: int
    evaluations: int
    command: str


def test_winner(
    trial: FrozenTrial,
    trials: Sequence[FrozenTrial],
    tasks: Tasks,
    tracking: TrackingSettings,
    console: Console,
    announce: Announce | None,
) -> Winner:
    """Evaluate the test split with the weights of the trial's runs, and add that to the runs.

    Args:
        trial: complete.
        trials: all of the study.
        tasks: of the study.
        tracking: says whether to draw the runs' pictures.
        console: for warnings.
        announce: is called with its directory, to bring it into MLflow.

    Raises:
        UserError: if a run's model is damaged.
    """
    configs, paths = tasks.configs(trial), tasks.paths(trial.number)
    tested = [
        test_member(replace(config, tracking=tracking), path, console=console, announce=announce).metrics
        for config, path in zip(configs, paths, strict=True)
    ]
    return Winner(
        number=trial.number,
        scores={name: statistics.fmean(metrics[name] for metrics in tested) for name in tested[0]},
        runs=len(paths),
        evaluations=sum(any(map(_is_tested, tasks.paths(each.number))) for each in trials),
        command=shlex.join(["python", "-m", "nnlab.run", *overrides_of(with_test(configs[0], True))]),
    )


def _is_tested(path: Path) -> bool:
    if not journal.has_begun(path / JOURNAL):
        return False
    events, _ = journal.read(path / JOURNAL)
    return any(event["event"] == "test" for event in events)
