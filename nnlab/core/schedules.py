"""How the learning rate changes during training.

A schedule gives a factor for every update (one batch); it multiplies the optimizer's own learning rate.
Updates are counted from 0; where training continues with batches of another size, epochs keep their place.
Warm-up multiplies any schedule by a ramp that reaches 1 after `warmup` epochs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

from nnlab.check import Checked, Range


class Horizon(NamedTuple):
    """How long training is, for schedules that count in epochs or need to know the end.

    Args:
        steps_per_epoch: updates per epoch. Update `step` of a schedule lies at `step / steps_per_epoch` epochs.
        epochs: how many there will be in total.
        more_updates: how many more updates than `step` have been made: some, where earlier epochs had more.
    """

    steps_per_epoch: int
    epochs: int
    more_updates: int = 0


@dataclass(frozen=True)
class Schedule(Checked):
    """The constant schedule, and the base of the others."""

    ends: ClassVar[bool] = False
    """Whether it is planned for a last epoch, and is not defined after it."""

    warmup: Annotated[float, Range(ge=0)] = 0.0
    """Epochs of linear warm-up; 0 is none."""

    def factor(self, step: int, horizon: Horizon) -> float:
        """What the learning rate is multiplied by in update `step`."""
        ramp = self.warmup * horizon.steps_per_epoch
        return min(1.0, (step + 1) / ramp if ramp > 0 else 1.0) * self.shape(step, horizon)

    def shape(self, step: int, horizon: Horizon) -> float:
        """The factor without warm-up."""
        return 1.0


@dataclass(frozen=True)
class Constant(Schedule):
    """Factor 1."""


@dataclass(frozen=True)
class TimeDecay(Schedule):
    """1 / (1 + decay · t), t in updates, of whatever size: Keras' former `SGD(decay=...)`."""

    decay: Annotated[float, Range(ge=0)] = 1e-4

    def shape(self, step: int, horizon: Horizon) -> float:
        """1 / (1 + decay · updates)."""
        return 1.0 / (1.0 + self.decay * (step + horizon.more_updates))


@dataclass(frozen=True)
class StepDecay(Schedule):
    """drop^⌊epoch / every⌋: a drop after every so many epochs."""

    drop: Annotated[float, Range(gt=0, le=1)] = 0.5
    every: Annotated[int, Range(ge=1)] = 5

    def shape(self, step: int, horizon: Horizon) -> float:
        """drop^⌊epoch / every⌋, with epochs counted from 0."""
        drops = step // (horizon.steps_per_epoch * self.every)
        return float(self.drop**drops)


@dataclass(frozen=True)
class Exponential(Schedule):
    """decay^epoch, continuous in the updates: after each epoch the factor has shrunk by `decay`."""

    decay: Annotated[float, Range(gt=0, le=1)] = 0.9

    def shape(self, step: int, horizon: Horizon) -> float:
        """decay^(step / steps per epoch)."""
        return float(self.decay ** (step / horizon.steps_per_epoch))


@dataclass(frozen=True)
class Cosine(Schedule):
    """From 1 down to `floor` along half a cosine, ending with the last update; no restarts.

    Reference: I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, eq. 5.
    """

    ends: ClassVar[bool] = True

    floor: Annotated[float, Range(ge=0, le=1)] = 0.0

    def shape(self, step: int, horizon: Horizon) -> float:
        """floor + (1 − floor) · ½ (1 + cos(π t / T)), T the last update."""
        last = max(1, horizon.steps_per_epoch * horizon.epochs - 1)
        return self.floor + (1.0 - self.floor) * 0.5 * (1.0 + math.cos(math.pi * min(step, last) / last))


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "time_decay": TimeDecay,
    "step": StepDecay,
    "exponential": Exponential,
    "cosine": Cosine,
}
