"""Gradient descent and its variants: frozen hyperparameters, explicit state.

`init` gives the state, a dict of arrays that can be saved and given back; `step` changes parameters and state
in place. Both see parameters as one flat vector. g is the gradient, η the learning rate of the step.

Each `step` is its formula, call by call. Where it can, training takes the same steps in fewer passes over memory: see
`fused`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Protocol

import numpy as np

from nnlab.check import Checked, Range
from nnlab.core.memory import aligned_zeros
from nnlab.core.node import Array

State = dict[str, Array]
Rate = Annotated[float, Range(gt=0)]
Decay = Annotated[float, Range(ge=0, lt=1)]


class Optimizer(Protocol):
    """A rule that turns gradients into steps."""

    @property
    def lr(self) -> float:
        """The base learning rate, before any schedule."""

    def init(self, parameters: Array) -> State:
        """The state before the first step, for parameters of shape (p,)."""

    def step(self, parameters: Array, gradients: Array, state: State, lr: float) -> None:
        """One step at learning rate `lr`, in place.

        Args:
            parameters: (p,), float32 or float64.
            gradients: (p,) of the same dtype, the penalties' included; overwritten.
            state: what `init` gave, as the steps before have left it.
            lr: the base rate times the schedule's factor.
        """


@dataclass(frozen=True)
class SGD(Checked):
    """w ← w − ηg.

    Reference: H. Robbins and S. Monro, "A Stochastic Approximation Method", 1951.
    """

    lr: Rate = 0.1

    def init(self, parameters: Array) -> State:
        """No state."""
        return {}

    def step(self, parameters: Array, gradients: Array, state: State, lr: float) -> None:
        """Take one step in place."""
        np.multiply(gradients, lr, out=gradients)
        np.subtract(parameters, gradients, out=parameters)


@dataclass(frozen=True)
class _Velocity(Checked):
    """What momentum and Nesterov's momentum share: the velocity v, and how much of it a step keeps."""

    lr: Rate = 0.01
    momentum: Decay = 0.9

    def init(self, parameters: Array) -> State:
        """The velocity v, zero."""
        return {"velocity": aligned_zeros(parameters.shape, parameters.dtype)}


@dataclass(frozen=True)
class Momentum(_Velocity):
    """v ← μv − ηg; w ← w + v. Keras' variant: the learning rate is inside the velocity.

    PyTorch's (v ← μv + g; w ← w − ηv) takes the same path as long as the learning rate does not change.

    Reference: I. Sutskever et al., "On the importance of initialization and momentum in deep learning",
    ICML 2013, equations 1-2, after B. Polyak, 1964.
    """

    def step(self, parameters: Array, gradients: Array, state: State, lr: float) -> None:
        """Take one step in place."""
        velocity = state["velocity"]
        np.multiply(velocity, self.momentum, out=velocity)
        np.multiply(gradients, lr, out=gradients)
        np.subtract(velocity, gradients, out=velocity)
        np.add(parameters, velocity, out=parameters)


@dataclass(frozen=True)
class Nesterov(_Velocity):
    """v ← μv − ηg; w ← w + μv − ηg. Keras' variant, in which w is the look-ahead point.

    PyTorch's `nesterov=True` takes the same path as long as the learning rate does not change.

    Reference: Y. Nesterov, 1983, in the form of Y. Bengio et al., "Advances in Optimizing Recurrent
    Networks", ICASSP 2013, equations 6-7.
    """

    def step(self, parameters: Array, gradients: Array, state: State, lr: float) -> None:
        """Take one step in place."""
        velocity = state["velocity"]
        np.multiply(velocity, self.momentum, out=velocity)
        np.multiply(gradients, lr, out=gradients)
        np.subtract(velocity, gradients, out=velocity)
        np.subtract(parameters, gradients, out=parameters)
        np.multiply(velocity, self.momentum, out=gradients)
        np.add(parameters, gradients, out=parameters)


@dataclass(frozen=True)
class Adam(Checked):
    """m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; w ← w − η m̂ / (√v̂ + ε), with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ).

    The published Algorithm 1, as in PyTorch: ε is added to the root of the corrected v̂. (Keras and the
    paper's faster form add it to the root of the uncorrected v, where it weighs more in the first steps.)

    Reference: D. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
    """

    lr: Rate = 0.001
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    epsilon: Annotated[float, Range(gt=0)] = 1e-8

    def init(self, parameters: Array) -> State:
        """The moments m and v, zero, and the count of steps t."""
        return {
            "m": aligned_zeros(parameters.shape, parameters.dtype),
            "v": aligned_zeros(parameters.shape, parameters.dtype),
            "t": np.zeros((), np.int64),
        }

    def step(self, parameters: Array, gradients: Array, state: State, lr: float) -> None:
        """Take one step in place."""
        m, v, t = state["m"], state["v"], state["t"]
        t += 1
        correction1 = 1.0 - self.beta1 ** int(t)
        correction2 = 1.0 - self.beta2 ** int(t)

        np.multiply(m, self.beta1, out=m)
        m += gradients * (1.0 - self.beta1)
        np.multiply(v, self.beta2, out=v)
        np.multiply(gradients, gradients, out=gradients)
        np.multiply(gradients, 1.0 - self.beta2, out=gradients)
        np.add(v, gradients, out=v)

        denominator = np.sqrt(v, out=gradients)
        denominator *= 1.0 / math.sqrt(correction2)
        denominator += self.epsilon_at(correction2)
        np.divide(m, denominator, out=gradients)
        np.multiply(gradients, lr / correction1, out=gradients)
        np.subtract(parameters, gradients, out=parameters)

    def epsilon_at(self, correction2: float) -> float:
        """ε, as it is added to the root of the corrected v̂; `correction2` is 1 − β₂ᵗ."""
        return self.epsilon


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adam": Adam,
}
