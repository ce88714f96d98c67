"""The same steps in fewer passes over memory: chosen here, in one place, and held to the plain forms by tests.

On a network of any size a step takes as long as memory needs to bring the vectors by, so passes are what counts. Two
devices save passes where nothing stands between a gradient and the step that it makes, that is, without clipping:

- **The folded rate.** SGD and both momenta use the learning rate and the gradient only as a product r = ηg, and
  backpropagation is linear. So the derivative of the loss by itself is set to η instead of 1, and every gradient comes
  out as r: no pass multiplies it.
- **Decay.** The gradient 2λw of an L2 penalty adds c w to r, with c = 2λη. SGD can shrink w by 1 − c instead, in one
  pass; for momentum that takes the algebra of `FusedMomentum`.

The plain forms, in `optimizers` and `Learner.update`, are the definition; these differ from them by rounding alone.
Which form is taken when: `docs/design/determinism.md`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from nnlab.core.node import Array
from nnlab.core.objective import Objective
from nnlab.core.optimizers import SGD, Momentum, Nesterov, Optimizer, State
from nnlab.core.regularizers import L2

SMALLEST_DECAY = 1e-5
"""Of a step: 1 − c is rounded to a multiple of 6e-8 in float32, so that a smaller decay would be wrong by more than
0.3 %: in a step at such a rate the penalty goes into the gradient."""

LARGEST_SHARE = 0.1
"""Of a penalty, that momentum leaves out of its velocity: the divisions by 1 − s stay far from zero."""


class FusedStep(Protocol):
    """An optimizer's step, from gradients that hold the learning rate."""

    def init(self, parameters: Array) -> State:
        """The state before the first step, for parameters of shape (p,)."""

    def step(self, parameters: Array, r: Array, state: State) -> None:
        """One step in place; `r` (p,) is ηg, and is overwritten."""


@runtime_checkable
class DecayingStep(FusedStep, Protocol):
    """One that can also take an L2 penalty, as a decay of the parameters."""

    def decaying_step(self, parameters: Array, r: Array, state: State, decay: float) -> None:
        """One step in place: that of r + cw, where `r` (p,) is ηg and is overwritten, and c is `decay`."""


class FusedSGD:
    """w ← (1 − c) w − r."""

    def __init__(self, rule: SGD) -> None:
        self.init = rule.init

    def step(self, parameters: Array, r: Array, state: State) -> None:
        """w ← w − r."""
        np.subtract(parameters, r, out=parameters)

    def decaying_step(self, parameters: Array, r: Array, state: State, decay: float) -> None:
        """w ← (1 − c) w − r."""
        if decay:
            np.multiply(parameters, 1.0 - decay, out=parameters)
        np.subtract(parameters, r, out=parameters)


class FusedMomentum:
    """v ← μv − r − cw; w ← w + v, without the copy of w and the two more passes that cw would need.

    The velocity is kept without the last penalty's share, u = v + s w₋ (w₋: where it started), by which the share
    is a shrinking of w alone::

        s ← c + μ s / (1 − s);   u ← μ u / (1 − s₋) − r;   w ← (1 − s) w + u

    The same w in exact arithmetic: from w = (1 − s₋) w₋ + u₋ follows v = u₋ − s₋ w₋ = (u₋ − s₋ w) / (1 − s₋), and with
    it μv − r − cw = u − s w. s settles near c / (1 − μ); where penalty and momentum are so strong that it does not,
    the share is put back into the velocity, and s starts again at zero. So it is in a step without decay: what is left
    of the share would soon be a factor that float32 cannot tell from 1.
    """

    def __init__(self, rule: Momentum) -> None:
        self._rule = rule

    def init(self, parameters: Array) -> State:
        """The velocity u and its missing share s, zero."""
        return {**self._rule.init(parameters), "share": np.zeros((), np.float64)}

    def step(self, parameters: Array, r: Array, state: State) -> None:
        """v ← μv − r; w ← w + v."""
        self.decaying_step(parameters, r, state, 0.0)

    def decaying_step(self, parameters: Array, r: Array, state: State, decay: float) -> None:
        """v ← μv − r − cw; w ← w + v."""
        momentum, velocity, share = self._rule.momentum, state["velocity"], float(state["share"])
        if (share and not decay) or decay + momentum * share / (1.0 - share) > LARGEST_SHARE:
            velocity -= share * parameters
            velocity *= 1.0 / (1.0 - share)
            if decay:
                r += decay * parameters
            decay = share = 0.0
        np.multiply(velocity, momentum / (1.0 - share), out=velocity)
        np.subtract(velocity, r, out=velocity)
        share = decay + momentum * share / (1.0 - share)
        if share:
            np.multiply(parameters, 1.0 - share, out=parameters)
        np.add(parameters, velocity, out=parameters)
        state["share"][...] = share


class FusedNesterov:
    """v ← μv − r; w ← w + μv − r."""

    def __init__(self, rule: Nesterov) -> None:
        self._momentum = rule.momentum
        self.init = rule.init

    def step(self, parameters: Array, r: Array, state: State) -> None:
        """v ← μv − r; w ← w + μv − r."""
        velocity = state["velocity"]
        np.multiply(velocity, self._momentum, out=velocity)
        np.subtract(velocity, r, out=velocity)
        np.subtract(parameters, r, out=parameters)
        np.multiply(velocity, self._momentum, out=r)
        np.add(parameters, r, out=parameters)


FUSED: dict[type[Optimizer], Callable[[Any], FusedStep]] = {
    SGD: FusedSGD,
    Momentum: FusedMomentum,
    Nesterov: FusedNesterov,
}
"""By an optimizer's own type: a subclass may step otherwise. Adam divides by the gradient's size: it has no r."""


class ParameterGroup(NamedTuple):
    """Neighbouring parameters with the same penalty, which are stepped together.

    Args:
        values: (m,), a view of all parameters' values.
        gradients: (m,), the same of their gradients.
        decay: 2λ, by which w is multiplied in the penalty's gradient; 0 without a penalty.
    """

    values: Array
    gradients: Array
    decay: float


class FusedUpdate:
    """A fused step for all parameters of a network, after a backward pass of the loss times the rate.

    Args:
        objective: whose network it changes.
        lr: the optimizer's base rate, which decides once how parameters are grouped.
        fused: the step.
    """

    def __init__(self, objective: Objective, lr: float, fused: FusedStep) -> None:
        self._objective = objective
        self._fused = fused
        self._decaying: DecayingStep | None = None
        self._slowest = _slowest_rate(objective)
        if isinstance(fused, DecayingStep) and lr > self._slowest:
            self._decaying = fused
        self._groups = _groups(objective, by_decay=self._decaying is not None)

    def init(self) -> list[State]:
        """The state before the first step: one for each group of parameters."""
        return [self._fused.init(group.values) for group in self._groups]

    def apply(self, states: list[State], lr: float) -> None:
        """Change the parameters and `states` in place, at the learning rate that the gradients hold already."""
        if self._decaying is not None and lr > self._slowest:
            for (values, gradients, decay), state in zip(self._groups, states, strict=True):
                self._decaying.decaying_step(values, gradients, state, decay * lr)
            return
        self._objective.add_penalty_gradients(lr)
        for (values, gradients, _), state in zip(self._groups, states, strict=True):
            self._fused.step(values, gradients, state)


def fused_update(objective: Objective, optimizer: Optimizer, clip_norm: float | None) -> FusedUpdate | None:
    """The update in fewer passes; None where there is none: with clipping, which needs the gradients themselves, and
    for optimizers without a fused step."""
    fused = FUSED.get(type(optimizer))
    if fused is None or clip_norm is not None:
        return None
    return FusedUpdate(objective, optimizer.lr, fused(optimizer))


def _slowest_rate(objective: Objective) -> float:
    """Up to which rate a penalty's decay would be smaller than `SMALLEST_DECAY`; infinite where one is no decay."""
    rules = objective.network.regularizers.values()
    rates = [SMALLEST_DECAY / (2.0 * rule.strength) if isinstance(rule, L2) else math.inf for rule in rules]
    return max(rates, default=math.inf)


def _groups(objective: Objective, *, by_decay: bool) -> list[ParameterGroup]:
    """All parameters in as few groups as can be: one, or one for each change of the decay along the vector."""
    parameters, rules = objective.network.parameters, objective.network.regularizers
    if not by_decay:
        return [ParameterGroup(parameters.values_vector, parameters.gradients_vector, 0.0)]
    found: list[tuple[slice, float]] = []
    for name, part in parameters.parts.items():
        decay = 2.0 * rules[name].strength if name in rules else 0.0
        if found and found[-1][1] == decay:
            part = slice(found.pop()[0].start, part.stop)
        found.append((part, decay))
    return [
        ParameterGroup(parameters.values_vector[part], parameters.gradients_vector[part], decay)
        for part, decay in found
    ]
