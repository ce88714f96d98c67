"""The events of a study, which its listeners get. All of them are recorded already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial

from nnlab.execution.events import Notice, Warned
from nnlab.runs.journal import Status
from nnlab.tuning.confirm.results import Confirmation
from nnlab.tuning.report.standing import Standing
from nnlab.tuning.winner import Winner


@dataclass(frozen=True)
class StudyStarted:
    """A session of a study is about to run trials.

    Attributes:
        name: of the study.
        trials: how many it is to have; None if no number ends it.
        finished: how many it has from earlier sessions.
        workers: how many trials run at a time.
        objectives: their names.
        searched: the keys of the search space.
        ends: what will end it, in words, if not the number of trials alone.
    """

    name: str
    trials: int | None
    finished: int
    workers: int
    objectives: Sequence[str]
    searched: Sequence[str]
    ends: str = ""


@dataclass(frozen=True)
class TrialStarted:
    """A worker has received a trial with these searched values; `again` if an earlier session was stopped during it.

    Here and below, `place` is that of its fresh seed, from 1, if it is a run that confirms the trial, and `further`
    that of its seed if it is a run that gives it a further one in a race.
    """

    number: int
    values: Mapping[str, Any]
    again: bool = False
    place: int | None = None
    further: int | None = None


@dataclass(frozen=True)
class TrialEpoch:
    """A running trial has finished an epoch with these scores, named as in the journal."""

    number: int
    epoch: int
    scores: Mapping[str, float]
    place: int | None = None
    further: int | None = None


@dataclass(frozen=True)
class TrialLost:
    """A trial was lost, for a reason in words; it is retried, for the `attempt`-th time of `retries`."""

    number: int
    reason: str
    attempt: int
    retries: int
    place: int | None = None
    further: int | None = None


@dataclass(frozen=True)
class TrialEnded:
    """A trial has ended; the standing counts it."""

    trial: FrozenTrial
    standing: Standing


@dataclass(frozen=True)
class FurtherRunEnded:
    """The run that gives trial `number` the seed of that place in a race has ended; `trial` is seen with it now."""

    run: FrozenTrial
    number: int
    place: int
    trial: FrozenTrial
    standing: Standing


@dataclass(frozen=True)
class ConfirmationStarted:
    """The best trials of the search are about to be run again.

    Attributes:
        asked: how many are wanted; there may be fewer.
        trials: their numbers, the best of the search first.
        seeds: how many fresh ones each is run with.
        finished: how many of the runs have ended in earlier sessions.
    """

    asked: int
    trials: Sequence[int]
    seeds: int
    finished: int


@dataclass(frozen=True)
class ConfirmingRunEnded:
    """The run that confirms trial `number` with the fresh seed of that place has ended; the standing counts it."""

    run: FrozenTrial
    number: int
    place: int
    standing: Standing


@dataclass(frozen=True)
class StandingNow:
    """The standing of the study at this moment; comes several times a second."""

    standing: Standing


@dataclass(frozen=True)
class StudyStopping:
    """Ctrl-C was pressed once: no more trials are started, and those that are `running` finish."""

    running: int


@dataclass(frozen=True)
class BudgetUsedUp:
    """The budget is used up: no more trials are started, and those that are `running` finish.

    Attributes:
        ended_by: the setting, and how much of it is used, in words.
        running: how many trials are.
        may_go_on: whether a running trial that is better lets the study go on.
        confirms: how many trials are confirmed then, which the budget does not end.
    """

    ended_by: str
    running: int
    may_go_on: bool = False
    confirms: int | None = None


@dataclass(frozen=True)
class StudyLeft:
    """The session ends at once, by Ctrl-C or an error; the study can be resumed."""

    directory: Path


@dataclass(frozen=True)
class StudyEnded:
    """The session is over, and the study complete, stopped or given up.

    Attributes:
        directory: the study's own.
        status: of the study; an `interrupted` one can be resumed.
        trials: all of the study.
        objectives: their names.
        finished: how many trials the winner was chosen from.
        confirmation: the best trials by fresh seeds, if they were run with some.
        winner: the best trial of a finished study, evaluated on the test split.
        test_left_alone: why there is a best trial that is not to be evaluated; None if there is none.
        ended_by: what ended the search, in words, if not its number of trials.
    """

    directory: Path
    status: Status
    trials: Sequence[FrozenTrial]
    objectives: Sequence[str]
    finished: int
    winner: Winner | None
    test_left_alone: str | None
    confirmation: Confirmation | None = None
    ended_by: str = ""


StudyEvent = (
    StudyStarted
    | TrialStarted
    | TrialEpoch
    | TrialLost
    | TrialEnded
    | FurtherRunEnded
    | ConfirmationStarted
    | ConfirmingRunEnded
    | StandingNow
    | StudyStopping
    | BudgetUsedUp
    | StudyLeft
    | StudyEnded
    | Notice
    | Warned
)
