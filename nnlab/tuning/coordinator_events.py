"""What the coordinator says as a study proceeds."""

from __future__ import annotations

from dataclasses import dataclass

from optuna.trial import FrozenTrial

from nnlab.errors import MachineError
from nnlab.tuning.trial import Task


@dataclass(frozen=True)
class Started:
    """A worker has received a trial; `again` if it was started before."""

    trial: FrozenTrial
    task: Task
    again: bool


@dataclass(frozen=True)
class Ended:
    """A trial has ended, and is stored as it is here."""

    trial: FrozenTrial


@dataclass(frozen=True)
class Lost:
    """A trial was lost, for a reason in words; it waits for its `attempt`-th retry."""

    trial: FrozenTrial
    attempt: int
    reason: str


@dataclass(frozen=True)
class Halted:
    """The machine fails. Whoever takes this event returns for the next one when the machine may be well again."""

    error: MachineError


@dataclass(frozen=True)
class Tick:
    """Nothing has happened for a moment."""


Event = Started | Ended | Lost | Halted | Tick
