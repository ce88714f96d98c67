"""The state of a training between two steps: what it takes to go on to the same bits in another process."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import numpy as np

from nnlab.check import Checked, Range
from nnlab.core.learner import Learner, Tally
from nnlab.core.node import Array
from nnlab.core.schedules import Horizon
from nnlab.training.selection import Selection

Count = Annotated[int, Range(ge=0)]


@dataclass(frozen=True)
class TrainerState:
    """What `Trainer.state` gives and `Trainer.restore` takes.

    Args:
        arrays: copies by name: `weights` (p,), `best_weights` (p,) where the best epoch is kept, and the optimizer's
            state, an array for each of its parts, as `optimizer.GROUP.PART`.
        facts: the rest as JSON has it, a `Facts`.
    """

    arrays: dict[str, Array]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Facts(Checked):
    """All of a training's state that is no array.

    Args:
        epochs: how many have ended.
        steps: how many have been taken in the one after.
        steps_per_epoch: how many an epoch has.
        batch_size: rows of a step.
        horizon: for how many epochs the schedule is planned in the last epoch that has begun.
        last_lr: the learning rate of the last step.
        loss: the sum of the losses of the epoch under way, as the next three of its `Tally`.
        rows: how many rows it has had.
        correct: how many of them were classified correctly.
        labelled: how many had a label.
        seconds: that its steps have taken.
        best_epoch: the best so far; 0 without one.
        best_score: its score, see `Selection`; None without one.
        shuffle: the state of the stream of orders, from which that of the epoch under way is drawn.
        dropout: the state of the stream of masks.
    """

    epochs: Count
    steps: Count
    steps_per_epoch: Annotated[int, Range(ge=1)]
    batch_size: Annotated[int, Range(ge=1)]
    horizon: Annotated[int, Range(ge=1)]
    last_lr: Annotated[float, Range(ge=0)]
    loss: float
    rows: Count
    correct: Count
    labelled: Count
    seconds: Annotated[float, Range(ge=0)]
    best_epoch: Count
    best_score: float | None
    shuffle: dict  # type: ignore[type-arg]  # a rule knows plain types
    dropout: dict  # type: ignore[type-arg]

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Facts:
        """Read them back.

        Raises:
            ValueError: if one is missing, unknown, or not what it has to be.
        """
        try:
            return cls(**facts)
        except TypeError as error:
            raise ValueError(f"The facts of a training's state must be those of `Facts`: {error}") from error

    def check(self, learner: Learner, horizon: Horizon) -> None:
        """Check that they are of this training, and agree with each other.

        Raises:
            ValueError: if not.
        """
        own = {
            "steps_per_epoch": horizon.steps_per_epoch,
            "batch_size": learner.batch_size,
            "horizon": horizon.epochs,
            "rows": self.steps * learner.batch_size,
        }
        for name, value in own.items():
            if getattr(self, name) != value:
                raise ValueError(f"`{name}` must be {value} here, but is {getattr(self, name)} in the state.")
        if not (self.steps < self.steps_per_epoch and self.best_epoch <= self.epochs):
            raise ValueError(f"A state of {self.epochs} epochs and {self.steps} steps cannot be: {asdict(self)}.")


@dataclass
class EpochUnderWay:
    """How far the epoch after those that have ended has come.

    Attributes:
        order_from: the state of the stream of orders, from which its order of rows is drawn.
        steps: how many have been taken.
        tally: of their losses and decisions.
        seconds: that they took.
    """

    order_from: Mapping[str, Any]
    steps: int = 0
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0


def arrays_of(learner: Learner, selection: Selection) -> dict[str, Array]:
    """The arrays that training changes, by name: not copies, so that what is written into them is restored."""
    arrays = {"weights": learner.objective.network.parameters.values_vector}
    for group, state in enumerate(learner.state):
        arrays |= {f"optimizer.{group}.{part}": array for part, array in state.items()}
    return arrays if selection.kept is None else arrays | {"best_weights": selection.kept}


def check_arrays(given: Mapping[str, Array], own: Mapping[str, Array]) -> None:
    """Check that arrays can be copied over a training's own.

    Raises:
        ValueError: if one is missing or unknown, or has another shape or dtype.
    """
    if set(given) != set(own):
        raise ValueError(f"The state of this training has the arrays {sorted(own)}, but got {sorted(given)}.")
    for name, array in own.items():
        if (given[name].shape, given[name].dtype) != (array.shape, array.dtype):
            raise ValueError(
                f"`{name}` must be {array.dtype} of shape {array.shape}, but is {given[name].dtype} of shape "
                f"{given[name].shape}: the state is of another training."
            )


def check_stream(name: str, stream: np.random.Generator, state: Mapping[str, Any]) -> None:
    """Check that a random stream can take a state.

    Raises:
        ValueError: if it is none of its kind of generator.
    """
    scratch = type(stream.bit_generator)()
    try:
        scratch.state = state
        fits = scratch.state == state
    except (ValueError, TypeError, KeyError, OverflowError):
        fits = False
    if not fits:
        raise ValueError(f"`{name}` must be a state of {type(scratch).__name__}, but is {str(state)[:200]}.")


def state_of(
    learner: Learner, selection: Selection, under_way: EpochUnderWay, epochs: int, horizon: Horizon
) -> TrainerState:
    """Copy all that training depends on, after `epochs` epochs and some steps of the next, with the horizon of the last
    one that has begun."""
    tally, score = under_way.tally, selection.best_score
    facts = Facts(
        epochs=epochs,
        steps=under_way.steps,
        steps_per_epoch=horizon.steps_per_epoch,
        batch_size=learner.batch_size,
        horizon=horizon.epochs,
        last_lr=learner.last_lr,
        loss=tally.loss,
        rows=tally.rows,
        correct=tally.correct,
        labelled=tally.labelled,
        seconds=under_way.seconds,
        best_epoch=selection.best_epoch,
        best_score=None if score is None or math.isnan(score) else score,  # NaN is beaten by any, as no score is
        shuffle=dict(under_way.order_from),
        dropout=dict(learner.objective.dropout.bit_generator.state),
    )
    return TrainerState({name: array.copy() for name, array in arrays_of(learner, selection).items()}, asdict(facts))
