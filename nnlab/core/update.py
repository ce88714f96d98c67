"""The update: from the gradients of a loss to the next parameters, with penalties and clipping."""

from __future__ import annotations

import math
from typing import NamedTuple

from nnlab.core.clipping import clip_global_norm
from nnlab.core.node import Array
from nnlab.core.objective import Objective
from nnlab.core.optimizers import Optimizer, State
from nnlab.core.regularizers import L2

SMALLEST_DECAY = 1e-5
"""Of a step: 1 − c is rounded to whole 6e-8 in float32, so that a decay of less would be wrong by more than 0.3 %. In a
step at such a rate the penalty goes into the gradient."""


class _Stretch(NamedTuple):
    """Neighbouring parameters with the same penalty: their values and gradients, and the L2 gradient by w."""

    values: Array
    gradients: Array
    decay: float


class Update:
    """The optimizer, applied to all parameters of a network.

    Attributes:
        state: of the optimizer, for each stretch of parameters that it steps at once.

    Args:
        objective: whose network it changes.
        optimizer: the rule.
        clip_norm: the largest global norm of a gradient, the penalties' included; None leaves gradients alone.
    """

    def __init__(self, objective: Objective, optimizer: Optimizer, clip_norm: float | None) -> None:
        self._objective = objective
        self._step = optimizer.step
        self._clip_norm = clip_norm
        self._is_linear = optimizer.is_linear and clip_norm is None
        slowest = self._slowest_rate(optimizer)
        by_decay = optimizer.lr > slowest
        self._slowest = slowest if by_decay else math.inf
        self._stretches = _stretches(objective, by_decay=by_decay)
        self.state: list[State] = [optimizer.init(stretch.values) for stretch in self._stretches]

    def loss_scale(self, lr: float) -> float:
        """By what the loss is to be multiplied before its backward pass.

        Where the rate would be multiplied into every gradient, it is multiplied into the loss instead.
        """
        return lr if self._is_linear else 1.0

    def step(self, lr: float) -> None:
        """Change the parameters at learning rate `lr`, after a backward pass of the loss times `loss_scale(lr)`."""
        decays = lr > self._slowest
        if not decays:
            self._objective.add_penalty_gradients(self.loss_scale(lr))
        if self._clip_norm is not None:
            clip_global_norm(self._objective.network.parameters.gradients_vector, self._clip_norm)
        rate = 1.0 if self._is_linear else lr
        for (values, gradients, decay), state in zip(self._stretches, self.state, strict=True):
            self._step(values, gradients, state, rate, decay * lr if decays else 0.0)

    def _slowest_rate(self, optimizer: Optimizer) -> float:
        """Up to which rate penalties go into the gradient; above it, all of them are decays of the parameters."""
        rules = list(self._objective.network.regularizers.values())
        if not (self._is_linear and optimizer.takes_decay and all(isinstance(rule, L2) for rule in rules)):
            return math.inf
        return max((SMALLEST_DECAY / (2.0 * rule.strength) for rule in rules), default=math.inf)


def _stretches(objective: Objective, *, by_decay: bool) -> list[_Stretch]:
    """All parameters as few stretches: one, or one for each change of the decay from a parameter to the next."""
    parameters, rules = objective.network.parameters, objective.network.regularizers
    if not by_decay:
        return [_Stretch(parameters.values_vector, parameters.gradients_vector, 0.0)]
    found: list[tuple[slice, float]] = []
    for name, part in parameters.parts.items():
        decay = 2.0 * rules[name].strength if name in rules else 0.0
        if found and found[-1][1] == decay:
            part = slice(found.pop()[0].start, part.stop)
        found.append((part, decay))
    return [_Stretch(parameters.values_vector[part], parameters.gradients_vector[part], decay) for part, decay in found]
