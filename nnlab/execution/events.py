"""The events of a run, which its listeners get: the trainer's own, and those around them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nnlab.config.schema import Config
from nnlab.execution.result import RunResult
from nnlab.training.events import Event as TrainerEvent
from nnlab.training.trainer import Trainer


@dataclass(frozen=True)
class GoesOn:
    """Where a run goes on that was stopped before.

    Attributes:
        epoch: that is trained next, from 1.
        step: how many of its steps were taken before.
        steps: how many it has.
        recorded: how many epochs the run has recorded. Those from `epoch` on are trained again, and compared.
    """

    epoch: int
    step: int
    steps: int
    recorded: int


@dataclass(frozen=True)
class RunStarted:
    """The run has its directory, and training is about to start, or to go on.

    Attributes:
        directory: the run's own.
        config: of the run; if it was extended, with the epochs that it is to have now.
        trainer: has the network, the data and the number of steps per epoch; to be read, not changed.
        goes_on: where, if the run was stopped before.
    """

    directory: Path
    config: Config
    trainer: Trainer = field(repr=False)
    goes_on: GoesOn | None = None


@dataclass(frozen=True)
class Notice:
    """Something worth a line."""

    text: str


@dataclass(frozen=True)
class Warned:
    """Something went wrong that does not stop the work."""

    text: str


@dataclass(frozen=True)
class RunEnded:
    """All of the run is recorded, be it finished or stopped; one that raises an error ends without this.

    Attributes:
        result: of the run.
        test_left_alone: whether there is a test split that was not evaluated, although the run finished.
    """

    result: RunResult
    test_left_alone: bool


RunEvent = RunStarted | TrainerEvent | Notice | Warned | RunEnded
