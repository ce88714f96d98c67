"""What nnlab stores with a trial's parameters in Optuna's storage: what it is to run, and the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from optuna.trial import FrozenTrial, TrialState

ASKED = "asked"
OUTCOME = "outcome"

TrialStatus = Literal["finished", "pruned", "diverged", "failed", "killed"]

STATES: dict[TrialStatus, TrialState] = {
    "finished": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "diverged": TrialState.FAIL,
    "failed": TrialState.FAIL,
    "killed": TrialState.FAIL,
}
"""Optuna's state for each status."""


@dataclass(frozen=True)
class Asked:
    """What a trial is to run; stored together with its parameters in one record.

    Attributes:
        values: config key -> value, for each searched key.
        seeds: a run for each; of a duplicate those of its original, with which its numbers were made.
        batch: index and size of its synchronous batch; (number, 1) where there are none.
        duplicate_of: the earlier trial that has the same values, if its result is to be used.
    """

    values: dict[str, Any]
    seeds: list[int]
    batch: tuple[int, int]
    duplicate_of: int | None = None

    @classmethod
    def of(cls, trial: FrozenTrial) -> Asked:
        """What `trial` is to run."""
        fields = trial.user_attrs[ASKED]
        return cls(**{**fields, "batch": tuple(fields["batch"])})

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {**asdict(self), "batch": list(self.batch)}


@dataclass(frozen=True)
class Outcome:
    """The outcome of a trial.

    Attributes:
        status: see `STATES`.
        reason: why it did not finish, in words.
        scores: validation scores of the kept weights, means over the seeds.
        std: their standard deviations (n - 1) over the seeds; empty with one seed.
        epoch: whose weights were kept (of the last seed).
        epochs: how many were trained, over all seeds.
        seconds: of training, over all seeds.
        parameters: of the network.
        runs: the names of the run directories.
        weights_sha256: of each run's weights.
    """

    status: TrialStatus
    reason: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    std: Mapping[str, float] = field(default_factory=dict)
    epoch: int = 0
    epochs: int = 0
    seconds: float = 0.0
    parameters: int = 0
    runs: list[str] = field(default_factory=list)
    weights_sha256: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, trial: FrozenTrial) -> Outcome | None:
        """The outcome of `trial`, as far as it is known."""
        fields = trial.user_attrs.get(OUTCOME)
        return None if fields is None else cls(**fields)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    def objective(self, name: str) -> float:
        """The value of an objective: a validation score, `parameters` or `seconds`."""
        if name == "parameters":
            return float(self.parameters)
        return self.seconds if name == "seconds" else self.scores[name]


def is_failure(trial: FrozenTrial) -> bool:
    """Whether a trial has failed by itself: one that repeats a failed trial is not counted again."""
    return trial.state == TrialState.FAIL and Asked.of(trial).duplicate_of is None
