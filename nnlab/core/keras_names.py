"""Keras' names for initializers, penalties and optimizers, with the meaning that they have in Keras 3.

nnlab's own choices under such names (in a config) differ: its he_normal and glorot_normal are not truncated, its
normal has a standard deviation of 1, its sgd a rate of 0.1, and its adam a smaller ε in another place. Where a network
is written as in Keras, a name means what it means there; nnlab's own are given as objects: `HeNormal()`, `SGD(lr=0.1)`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from nnlab.check import Range
from nnlab.core.initializers import GlorotNormal, GlorotUniform, HeNormal, HeUniform, Initializer, Normal, Sample, Zeros
from nnlab.core.initializers import fans as fans_of
from nnlab.core.node import Shape
from nnlab.core.optimizers import SGD, Adam, Momentum, Nesterov, Optimizer
from nnlab.core.regularizers import L1, L2, Regularizer

DEVIATION_LEFT = 0.87962566103423978
"""The standard deviation of N(0, 1) cut off at −2 and 2."""


@dataclass(frozen=True)
class TruncatedGlorotNormal(GlorotNormal):
    """N(0, 2 / (fan_in + fan_out)), cut off at two standard deviations and widened to that variance again."""

    def sample(self, shape: Shape, rng: np.random.Generator) -> Sample:
        """Draw; what lies outside is drawn again."""
        return _truncated(math.sqrt(2.0 / sum(fans_of(shape))), shape, rng)


@dataclass(frozen=True)
class TruncatedHeNormal(HeNormal):
    """N(0, 2 / fan_in), cut off at two standard deviations and widened to that variance again."""

    def sample(self, shape: Shape, rng: np.random.Generator) -> Sample:
        """Draw; what lies outside is drawn again."""
        return _truncated(math.sqrt(2.0 / fans_of(shape)[0]), shape, rng)


def _truncated(deviation: float, shape: Shape, rng: np.random.Generator) -> Sample:
    drawn = rng.normal(size=shape)
    while np.any(outside := np.abs(drawn) > 2.0):
        drawn[outside] = rng.normal(size=np.count_nonzero(outside))
    return drawn * (deviation / DEVIATION_LEFT)


@dataclass(frozen=True)
class KerasAdam(Adam):
    """Adam with ε added to the root of the uncorrected v: the faster form at the end of the paper's section 2.

    w ← w − η √(1−β₂ᵗ) / (1−β₁ᵗ) · m / (√v + ε)
    """

    epsilon: Annotated[float, Range(gt=0)] = 1e-7

    def epsilon_at(self, correction2: float) -> float:
        """The equivalent ε at the root of the corrected v̂."""
        return self.epsilon / math.sqrt(correction2)


KERAS_INITIALIZERS: dict[str, Initializer] = {
    "zeros": Zeros(),
    "normal": Normal(std=0.05),
    "random_normal": Normal(std=0.05),
    "glorot_uniform": GlorotUniform(),
    "glorot_normal": TruncatedGlorotNormal(),
    "he_normal": TruncatedHeNormal(),
    "he_uniform": HeUniform(),
}

KERAS_PENALTIES: dict[str, Regularizer] = {"l1": L1(0.01), "l2": L2(0.01)}

KERAS_OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": SGD(lr=0.01),
    "momentum": Momentum(),
    "nesterov": Nesterov(),
    "adam": KerasAdam(),
}
"""And two that Keras writes `SGD(momentum=0.9)`, at Keras' rate."""
