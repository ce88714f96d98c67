"""The result of a run, and what is different about a run that belongs to a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nnlab.runs.journal import Status

Watch = Callable[[int, Mapping[str, float]], str | None]
"""Gets each epoch and its metrics, after they are recorded; a text prunes the run, and is the reason."""


@dataclass(frozen=True)
class Membership:
    """What is different about a run that belongs to a study.

    Attributes:
        study: the study's directory, whose run in MLflow is this one's parent.
        path: the run's own directory; that of a dead process is taken over, and the run goes on where it stopped.
        name: of the run in MLflow, below its study.
        tags: for MLflow, besides those of every run.
        watch: sees the epochs. It is no listener: it may end the run, and what it raises does.
        value: metrics that the study records of the run once it has finished.
    """

    study: Path
    path: Path
    name: str
    tags: Mapping[str, str]
    watch: Watch
    value: Callable[[RunResult], Mapping[str, float]]


@dataclass(frozen=True)
class RunResult:
    """The result of a run.

    Attributes:
        directory: the run's own.
        status: how it ended.
        reason: why, if not finished.
        epoch: at whose end the network had the weights that were kept; 0 for no epoch's end: if the run diverged, or
            was stopped inside an epoch and selects no weights.
        scores: of the weights that were kept: their epoch's validation scores, and the test scores.
        weights_sha256: of those weights.
        parameters: how many the network has.
        by_epoch: the metrics of each epoch.
    """

    directory: Path
    status: Status
    reason: str
    epoch: int
    scores: dict[str, float]
    weights_sha256: str
    parameters: int
    by_epoch: dict[int, dict[str, float]] = field(repr=False)

    @property
    def seconds(self) -> float:
        """Spent on training, without validation."""
        return sum(metrics["time/epoch_seconds"] for metrics in self.by_epoch.values())
