"""Whole training steps, checked against the reference: loss, gradient, penalties, clipping, schedule and optimizer."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlab.core import reference, reference_steps
from nnlab.core.batches import BatchLoader
from nnlab.core.learner import Learner, Tally, evaluate
from nnlab.core.node import Array
from nnlab.core.objective import Objective
from nnlab.core.optimizers import Optimizer
from nnlab.core.rows import Rows
from nnlab.core.schedules import Horizon, Schedule

TOLERANCE = 1e4
"""How many units of rounding (2e-16 in float64, 1e-7 in float32) a loss or a step may be off, by its own size."""

ROUNDINGS = 16.0
"""How many units of rounding a parameter may be off after a step, by its size, whatever the size of the step."""


@dataclass(frozen=True)
class StepCheck:
    """How far one part of training is from the reference.

    Attributes:
        name: the part.
        compared: how many numbers were compared, each a loss or a change of one parameter in one step.
        error: the largest relative error among them.
        tolerance: the largest that is right.
    """

    name: str
    compared: int
    error: float
    tolerance: float

    @property
    def is_right(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance


def check_steps(
    objective: Objective,
    rows: Rows,
    optimizer: Optimizer,
    schedule: Schedule,
    *,
    dropout: np.random.Generator,
    batch_size: int,
    epochs: int,
    clip_norm: float | None = None,
) -> list[StepCheck]:
    """Check steps of training in the first, the middle and the last epoch: losses, and the change of each parameter.

    Each step starts where the one before it ended, and the reference's starts from the same weights, so that
    rounding does not add up. The gradient is the one that `check_gradients` checks.

    Args:
        objective: of either dtype; its parameters are restored.
        rows: a few rows, to be divided into batches; the last is smaller where they do not divide evenly.
        optimizer: the rule.
        schedule: of the learning rate.
        dropout: the objective's stream of masks.
        batch_size: rows per batch.
        epochs: how many the schedule is planned for.
        clip_norm: the largest global norm of a gradient.

    Returns:
        Losses of training and evaluation, gradients (both if the reference knows the layers), steps, and epochs made
        of them.
    """
    horizon = Horizon(-(-len(rows) // batch_size), epochs)
    learner = Learner(
        objective, optimizer, schedule, horizon, rows=rows, batch_size=batch_size, clip_norm=clip_norm
    )  # fmt: skip
    vector = objective.network.parameters.values_vector
    initial = vector.copy()
    steps = _Steps(learner, rows, schedule, dropout, clip_norm)
    for epoch in sorted({0, (epochs - 1) // 2, epochs - 1}):
        steps.learn(epoch)
    vector[...] = initial
    dtype = objective.network.dtype
    tolerance = TOLERANCE * float(np.finfo(dtype).eps)
    return [
        StepCheck(f"{part}, {dtype}, batches of {batch_size}", len(errors), _largest(errors), tolerance)
        for part, errors in steps.errors.items()
        if errors
    ]


class _Steps:
    """Training and its reference, side by side."""

    def __init__(
        self,
        learner: Learner,
        rows: Rows,
        schedule: Schedule,
        dropout: np.random.Generator,
        clip_norm: float | None,
    ) -> None:
        self._learner = learner
        self._objective = objective = learner.objective
        self._rows = rows
        self._schedule = schedule
        self._dropout = dropout
        self._clip_norm = clip_norm
        self._loader = BatchLoader(rows, objective, objective.new_training_graph(), learner.batch_size)
        self._steppers = {name: reference_steps.Stepper(learner.optimizer) for name in objective.network.parameters}
        self._tiny = float(np.finfo(objective.network.dtype).tiny)
        self._rounded = dict.fromkeys(objective.network.parameters, 0.0)
        self._is_known = reference.has_reference_form(objective)
        self._epsilon = float(np.finfo(objective.network.dtype).eps)
        self.errors: dict[str, list[float]] = {"losses": [], "gradients": [], "steps": [], "epochs": []}

    def learn(self, epoch: int) -> None:
        """One epoch of both, step by step, and the same epoch again as a whole."""
        learner, size = self._learner, self._learner.batch_size
        learner.step = first = epoch * learner.horizon.steps_per_epoch
        values, masks = self._objective.network.parameters.values_vector, self._dropout.bit_generator.state
        initial, state = values.copy(), copy.deepcopy(learner.state)
        if self._is_known:
            loss = self._loss(self._rows, None)
            self.errors["losses"].append(_relative(evaluate(self._objective, self._rows).mean_loss, loss))
        for i, start in enumerate(range(0, len(self._rows), size)):
            self._step(self._rows.index[start : start + size], first + i)

        by_batches = values.copy()
        values[...], learner.state, learner.step = initial, state, first
        self._dropout.bit_generator.state = masks
        tally = Tally()
        learner.learn(self._rows.index, tally)
        is_same = np.array_equal(by_batches, values, equal_nan=True) and tally.rows == len(self._rows)
        self.errors["epochs"].append(0.0 if is_same else 1.0)

    def _step(self, ids: NDArray[np.intp], step: int) -> None:
        parameters, masks = self._objective.network.parameters, self._dropout.bit_generator.state
        batch = Rows(self._rows.x, self._rows.y, ids, self._rows.scaling)
        before = {name: part.value.astype(np.float64) for name, part in parameters.items()}
        changes = self._reference_changes(batch, masks, step)
        expected = self._loss(batch, masks) if self._is_known else math.nan

        self._dropout.bit_generator.state = masks
        tally = Tally()
        self._learner.learn(ids, tally)

        if self._is_known:
            self.errors["losses"].append(_relative(tally.mean_loss, expected))
        for name, part in parameters.items():
            change = part.value.astype(np.float64) - before[name]
            rounded = float(np.linalg.norm(before[name])) + self._rounded[name]
            self.errors["steps"].append(self._error(change, changes[name], rounded))

    def _reference_changes(self, batch: Rows, masks: Any, step: int) -> dict[str, Array]:
        """What one step should add to each parameter. Its gradient is checked against the reference here."""
        network = self._objective.network
        program, _ = self._loader.load(batch.index)
        self._dropout.bit_generator.state = masks
        with np.errstate(over="ignore"):
            program.forward()
            program.backward()
        gradients = {name: part.gradient.astype(np.float64) for name, part in network.parameters.items()}
        at_most = self._check_gradients(gradients, batch, masks) if self._is_known else gradients
        values = {name: part.value.astype(np.float64) for name, part in network.parameters.items()}
        for name, rule in network.regularizers.items():
            gradients[name] += reference.penalty_gradient(rule, values[name])
        clipped = reference_steps.clipped(gradients, self._clip_norm)
        rate = self._learner.optimizer.lr * reference_steps.factor(self._schedule, step, self._learner.horizon)
        momentum = getattr(self._learner.optimizer, "momentum", 0.0)
        for name, gradient in at_most.items():  # Of the rate times the loss, gradients are other sums of the same.
            self._rounded[name] = momentum * self._rounded[name] + rate * float(np.linalg.norm(gradient))
        return {name: self._steppers[name].step(values[name], g, rate) for name, g in clipped.items()}

    def _check_gradients(self, gradients: Mapping[str, Array], batch: Rows, masks: Any) -> dict[str, Array]:
        """A gradient that has vanished is right if it is off by no more than the rounding of its terms."""
        self._dropout.bit_generator.state = masks
        there = reference.Pass(self._objective, batch, self._dropout)
        exact, at_most = there.gradients(), there.gradients_at_most()
        for name, gradient in gradients.items():
            self.errors["gradients"].append(self._error(gradient, exact[name], float(np.linalg.norm(at_most[name]))))
        return at_most

    def _error(self, found: Array, expected: Array, rounded: float) -> float:
        """How far off something is, by its size; where that is too much, without the rounding of what it comes from."""
        off, size = float(np.linalg.norm(found - expected)), float(np.linalg.norm(expected))
        explained = ROUNDINGS * self._epsilon * rounded + TOLERANCE * self._tiny
        if not math.isfinite(explained):
            return math.nan
        if off <= TOLERANCE * self._epsilon * size:
            return off / size if size > 0 else 0.0
        return max(off - explained, 0.0) / size if size > 0 else float(not off <= explained)

    def _loss(self, rows: Rows, masks: Any) -> float:
        """The reference's loss, with the penalty if that is reported; `masks` is the state of their stream, or None."""
        if masks is not None:
            self._dropout.bit_generator.state = masks
        loss = reference.Pass(self._objective, rows, None if masks is None else self._dropout).loss()
        if not self._objective.reports_penalty:
            return loss
        network = self._objective.network
        return loss + sum(
            reference.penalty(rule, network.parameters[name].value) for name, rule in network.regularizers.items()
        )


def _relative(one: float, other: float) -> float:
    """|one − other|, by the size of the larger, or of 1 where both are smaller: a loss has terms of that size."""
    return abs(one - other) / max(abs(one), abs(other), 1.0)


def _largest(errors: list[float]) -> float:
    """The largest; NaN if any is."""
    return float(np.max(errors, initial=0.0))
