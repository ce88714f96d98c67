"""The training step, the epoch around it, and evaluation: the loop that every way of training shares."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnlab.core.batches import BatchLoader, chunks
from nnlab.core.clipping import clip_global_norm
from nnlab.core.fused import fused_update
from nnlab.core.network import ROWS_AT_ONCE
from nnlab.core.node import Array
from nnlab.core.objective import Objective
from nnlab.core.optimizers import Optimizer, State
from nnlab.core.profile import Profile
from nnlab.core.rows import Rows
from nnlab.core.schedules import Horizon, Schedule


@dataclass
class Tally:
    """Sums over rows, from which means are made.

    Attributes:
        loss: the sum of the rows' losses.
        rows: how many rows there were.
        correct: how many rows were classified correctly.
        labelled: how many rows had a label; the others have real-valued targets.
    """

    loss: float = 0.0
    rows: int = 0
    correct: int = 0
    labelled: int = 0

    @property
    def mean_loss(self) -> float:
        """The loss per row; NaN if there are none."""
        return self.loss / self.rows if self.rows else math.nan

    @property
    def accuracy(self) -> float:
        """The fraction of labelled rows that were classified correctly; NaN if there are none."""
        return self.correct / self.labelled if self.labelled else math.nan

    def add(self, loss: float, rows: int, correct: int | None) -> None:
        """Add a batch: its mean loss, how many rows it had, and how many were right (None without labels)."""
        self.loss += loss * rows
        self.rows += rows
        if correct is not None:
            self.correct += correct
            self.labelled += rows


class Learner:
    """Trains: forward, backward, penalties, clipping, one step of the optimizer, batch after batch.

    Attributes:
        state: of the optimizer, for each group of parameters that it steps at once. With `step` and the parameters it
            is all that training depends on, besides the random streams.
        step: the next update's place in the schedule: from `first_step` on, one more with each.
        last_lr: the learning rate of the last of them.

    Args:
        objective: the loss to minimize, and its network, which is changed in place.
        optimizer: the rule.
        schedule: of the learning rate.
        horizon: how long training will be, for the schedule.
        rows: the training split.
        batch_size: rows per batch.
        clip_norm: the largest global norm of a gradient, the penalties' included; None leaves gradients alone.
        profile: adds up where the time goes; None costs nothing.
        first_step: where in the schedule training starts.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer: Optimizer,
        schedule: Schedule,
        horizon: Horizon,
        *,
        rows: Rows,
        batch_size: int,
        clip_norm: float | None = None,
        profile: Profile | None = None,
        first_step: int = 0,
    ) -> None:
        self.objective = objective
        self.optimizer = optimizer
        self.schedule = schedule
        self.horizon = horizon
        self.batch_size = batch_size
        self.step = first_step
        self.last_lr = self.lr
        self._clip_norm = clip_norm
        self._fused = fused_update(objective, optimizer, clip_norm)
        all_values = objective.network.parameters.values_vector
        self.state: list[State] = self._fused.init() if self._fused else [optimizer.init(all_values)]

        loader = BatchLoader(rows, objective, objective.training, batch_size, profile)
        self._load, self._penalty, self._update = loader.load, objective.reported_penalty, self.update
        if profile is not None:
            self._load = profile.timed("batch", "gather and scale", self._load)
            self._penalty = profile.timed("report", "penalty", self._penalty)
            self._update = profile.timed("update", type(optimizer).__name__, self._update)

    @property
    def lr(self) -> float:
        """The learning rate of the next step: the optimizer's base rate times the schedule's factor."""
        return self.optimizer.lr * self.schedule.factor(self.step, self.horizon)

    def learn(self, ids: NDArray[np.intp], tally: Tally) -> None:
        """Train on the rows at positions `ids` (n,), in batches, in their order.

        Adds to `tally` the losses and decisions as they were just before each update. A loss that is not
        finite shows there; nothing is raised.
        """
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for batch in chunks(ids, self.batch_size):
                program, correct = self._load(batch)
                loss = float(program.forward()) + self._penalty()
                tally.add(loss, len(batch), correct() if correct else None)
                self.last_lr = lr = self.lr
                program.backward(lr if self._fused else 1.0)
                self._update(lr)
                self.step += 1

    def update(self, lr: float) -> None:
        """Change the parameters at learning rate `lr`, after a backward pass: penalties, clipping, a step.

        A fused update, where there is one, does the same in fewer passes, from gradients that hold the rate already.
        """
        if self._fused:
            self._fused.apply(self.state, lr)
            return
        parameters = self.objective.network.parameters
        self.objective.add_penalty_gradients()
        if self._clip_norm is not None:
            clip_global_norm(parameters.gradients_vector, self._clip_norm)
        self.optimizer.step(parameters.values_vector, parameters.gradients_vector, self.state[0], lr)


def evaluate(objective: Objective, rows: Rows, predictions: Array | None = None, classes: Array | None = None) -> Tally:
    """The loss and the decisions of the network as it is, on a split; dropout is off.

    Args:
        objective: whose network it is.
        rows: the n rows of the split.
        predictions: (n, outputs) gets the loss's first input, for `Objective.outputs`; None keeps nothing.
        classes: (n,) integers, gets the classes that the rows are decided for; None keeps nothing.
    """
    loader = BatchLoader(rows, objective, objective.evaluation, min(ROWS_AT_ONCE, max(1, len(rows))))
    tally = Tally()
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        penalty = objective.reported_penalty()
        for ids in chunks(rows.index, ROWS_AT_ONCE):
            program, correct = loader.load(ids)
            loss = float(program.forward()) + penalty
            done = slice(tally.rows, tally.rows + len(ids))
            if predictions is not None:
                predictions[done] = program.values[program.output.inputs[0]]
            if classes is not None:
                classes[done] = objective.classes(program.values[program.output.inputs[0]])
            tally.add(loss, len(ids), correct() if correct else None)
    return tally
