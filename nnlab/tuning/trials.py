"""What nnlab stores with a trial's parameters in Optuna's storage: what it is to run, and the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from optuna.trial import FrozenTrial, TrialState

from nnlab.check import Range
from nnlab.errors import UserError
from nnlab.typed import NOT_FINITE_TOO, MalformedError, typed

Count = Annotated[int, Range(ge=0)]
Score = Annotated[float, NOT_FINITE_TOO]

ASKED = "asked"
OUTCOME = "outcome"
TAKEN = "taken"

UNSAID: Mapping[str, Any] = {"confirms": None, "draws": 0, "source": None, "further_of": None}
"""Fields of `Asked` that are stored only if they are other than this, as those of earlier versions have none."""

TrialStatus = Literal["finished", "pruned", "over_limit", "diverged", "failed", "killed"]

STATES: dict[TrialStatus, TrialState] = {
    "finished": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "over_limit": TrialState.PRUNED,
    "diverged": TrialState.FAIL,
    "failed": TrialState.FAIL,
    "killed": TrialState.FAIL,
}
"""Optuna's state for each status."""
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
"""What `sweep.trials` counts."""


@dataclass(frozen=True)
class Asked:
    """What a trial is to run; stored together with its parameters in one record.

    Attributes:
        values: config key -> value, for each searched key.
        seeds: a run for each; of a duplicate those of its original, with which its numbers were made.
        batch: index and size of its synchronous batch; (number, 1) where there are none.
        duplicate_of: the earlier trial that has the same values, if its result is to be used.
        confirms: the trial of the search whose values these are, of a run that confirms it with a fresh seed.
        draws: how many points the sampler had drawn before that were not acceptable.
        source: whose guess it is, see `Guess`; None is the sampler's.
        further_of: the trial of the search whose values these are, and the place of the seed, from 1, of a run that
            gives it a further seed in a race.
    """

    values: dict[str, Any]
    seeds: list[Count]
    batch: tuple[Count, Annotated[int, Range(ge=1)]]
    duplicate_of: Count | None = None
    confirms: Count | None = None
    draws: Count = 0
    source: str | None = None
    further_of: tuple[Count, Annotated[int, Range(ge=2)]] | None = None

    @classmethod
    def of(cls, trial: FrozenTrial) -> Asked:
        """What `trial` is to run.

        Raises:
            UserError: if the storage does not say it, or not as nnlab wrote it.
        """
        asked: Asked = as_stored(cls, trial.user_attrs.get(ASKED), _named(trial))
        return asked

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        further_of = None if self.further_of is None else list(self.further_of)
        fields = {**asdict(self), "batch": list(self.batch), "further_of": further_of}
        return {key: value for key, value in fields.items() if key not in UNSAID or value != UNSAID[key]}


@dataclass(frozen=True)
class Outcome:
    """The outcome of a trial.

    Attributes:
        status: see `STATES`.
        reason: why it did not finish, in words.
        scores: validation scores of the kept weights, means over the seeds.
        std: their standard deviations (n - 1) over the seeds; empty with one seed.
        by_seed: the scores of each seed; empty with one seed, and of studies before there was this.
        epoch: whose weights were kept (of the last seed).
        epochs: how many were trained, over all seeds.
        seconds: of training, over all seeds.
        parameters: of the network.
        runs: the names of the run directories.
        weights_sha256: of each run's weights.
        code: the digests of the code that its runs had, see `nnlab.runs.code`; empty where they are not known.
    """

    status: TrialStatus
    reason: str = ""
    scores: Mapping[str, Score] = field(default_factory=dict)
    std: Mapping[str, Score] = field(default_factory=dict)
    epoch: Count = 0
    epochs: Count = 0
    seconds: Annotated[float, Range(ge=0)] = 0.0
    parameters: Count = 0
    runs: list[str] = field(default_factory=list)
    weights_sha256: list[str] = field(default_factory=list)
    by_seed: Mapping[str, list[Score]] = field(default_factory=dict)
    code: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, trial: FrozenTrial) -> Outcome | None:
        """The outcome of `trial`, as far as it is known.

        Raises:
            UserError: if the storage does not have it as nnlab wrote it.
        """
        fields = trial.user_attrs.get(OUTCOME)
        outcome: Outcome | None = None if fields is None else as_stored(cls, fields, _named(trial))
        return outcome

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    def objective(self, name: str) -> float:
        """The value of an objective: a validation score, `parameters` or `seconds`."""
        if name == "parameters":
            return float(self.parameters)
        return self.seconds if name == "seconds" else self.scores[name]

    def seed_values(self, name: str) -> list[float]:
        """The score `name` of each seed, as far as they are known one by one."""
        return list(self.by_seed.get(name, [] if name in self.std else [self.scores[name]]))


@dataclass(frozen=True)
class Taken:
    """What a trial has taken so far, over all its seeds, retries and sessions; stored where it is limited.

    Attributes:
        seconds: of wall time.
        memory: the most bytes that a process of it had.
    """

    seconds: Annotated[float, Range(ge=0)] = 0.0
    memory: Count = 0

    @classmethod
    def of(cls, trial: FrozenTrial) -> Taken:
        """What is stored of `trial`; nothing where nothing is.

        Raises:
            UserError: if the storage does not have it as nnlab wrote it.
        """
        fields = trial.user_attrs.get(TAKEN)
        taken: Taken = cls() if fields is None else as_stored(cls, fields, _named(trial))
        return taken


def as_stored(shape: Any, fields: Any, name: str) -> Any:
    """`fields` of a storage as the dataclass `shape` that nnlab stored.

    Args:
        shape: see `typed`.
        fields: as they are read.
        name: what they are, for the message.

    Raises:
        UserError: if they are no such thing.
    """
    try:
        return typed(shape, fields)
    except MalformedError as error:
        raise UserError(
            f"A study's storage must have its trials as nnlab stored them, but {name} is damaged: "
            f"{error}. Something other than nnlab changed it: restore the storage."
        ) from error


def _named(trial: FrozenTrial) -> str:
    return f"trial {trial.number}"


def is_over_limit(trial: FrozenTrial) -> bool:
    """Whether a trial was ended because it was over one of its limits, or repeats one that was."""
    fields = trial.user_attrs.get(OUTCOME) or {}
    return trial.state == TrialState.PRUNED and fields.get("status") == "over_limit"


def is_failure(trial: FrozenTrial) -> bool:
    """Whether a trial has failed by itself: one that repeats a failed trial is not counted again."""
    return trial.state == TrialState.FAIL and Asked.of(trial).duplicate_of is None


def ended_at(trial: FrozenTrial) -> tuple[datetime, int]:
    """The order in which trials ended."""
    assert trial.datetime_complete is not None
    return trial.datetime_complete, trial.number
