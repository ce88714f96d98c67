"""How far training has come, from one call of `fit` to the next."""

from __future__ import annotations

from dataclasses import dataclass, field

from nnlab.core.keras_arguments import CompileArguments, FitArguments
from nnlab.core.optimizers import State
from nnlab.core.schedules import Horizon


@dataclass
class Progress:
    """Where a further call continues, besides the weights and the random streams.

    Args:
        epochs: whole epochs done: the schedule's place.
        updates: updates done, those of an interrupted epoch included.
        end: the epoch that a schedule that ends is planned towards; None before the first call.
        state: of the optimizer; None before the first call.
    """

    epochs: int = 0
    updates: int = 0
    end: int | None = None
    state: list[State] | None = field(default=None, repr=False)

    def horizon(self, compiled: CompileArguments, asked: FitArguments, steps_per_epoch: int) -> tuple[int, Horizon]:
        """The epoch of the schedule at which a call starts, and how long training is.

        Raises:
            ValueError: if the call would train after the end of a schedule.
        """
        first = asked.initial_epoch or self.epochs
        last = first + asked.epochs - asked.initial_epoch
        end = (compiled.schedule_epochs or self.end or last) if compiled.schedule.ends else last
        if last > end:
            raise ValueError(
                f"{compiled.schedule} ends with epoch {end}, and this call would train from epoch {first} to {last}. "
                f"Call `compile` again to start a new schedule, or plan ahead: `compile(..., schedule_epochs={last})`."
            )
        return first, Horizon(steps_per_epoch, end, more_updates=self.updates - first * steps_per_epoch)
