"""Initial values of parameters. Samples are drawn in float64, so that float32 and float64 networks start alike.

fan_in and fan_out are the rows and columns of a weight (features, units).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Protocol

import numpy as np
from numpy.typing import NDArray

from nnlab.check import Checked, Range
from nnlab.core.node import Shape

Sample = NDArray[np.float64]


class Initializer(Protocol):
    """Draws the initial values of a parameter."""

    def sample(self, shape: Shape, rng: np.random.Generator) -> Sample:
        """An array of this shape, float64."""


@dataclass(frozen=True)
class Zeros(Checked):
    """All zeros: the usual start of a bias."""

    def sample(self, shape: Shape, rng: np.random.Generator) -> Sample:
        """Zeros; draws nothing from `rng`."""
        return np.zeros(shape)


@dataclass(frozen=True)
class Normal(Checked):
    """N(0, std²), whatever the shape."""

    std: Annotated[float, Range(gt=0)] = 1.0

    def sample(self, shape: Shape, rng: np.random.Generator) -> Sample:
        """Draw from N(0, std²)."""
        return rng.normal(0.0, self.std, shape)


@dataclass(frozen=True)
class GlorotUniform(Checked):
    """U(−l, l) with l = √(6 / (fan_in + fan_out)). Keras' default.

    Reference: X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010, equation 16.
    """

    def sample(self, shape: Shape, rng: np.random.Generator) -> Sample:
        """Draw from U(−l, l)."""
        limit = math.sqrt(6.0 / sum(fans(shape)))
        return rng.uniform(-limit, limit, shape)


@dataclass(frozen=True)
class GlorotNormal(Checked):
    """N(0, 2 / (fan_in + fan_out)), not truncated (Keras truncates). Reference: as `GlorotUniform`, equation 12."""

    def sample(self, shape: Shape, rng: np.random.Generator) -> Sample:
        """Draw from N(0, 2 / (fan_in + fan_out))."""
        return rng.normal(0.0, math.sqrt(2.0 / sum(fans(shape))), shape)


@dataclass(frozen=True)
class HeNormal(Checked):
    """N(0, 2 / fan_in), not truncated (Keras truncates): keeps the variance through ReLU layers.

    Reference: K. He et al., "Delving Deep into Rectifiers", ICCV 2015, equation 10.
    """

    def sample(self, shape: Shape, rng: np.random.Generator) -> Sample:
        """Draw from N(0, 2 / fan_in)."""
        return rng.normal(0.0, math.sqrt(2.0 / fans(shape)[0]), shape)


@dataclass(frozen=True)
class HeUniform(Checked):
    """U(−l, l) with l = √(6 / fan_in): the variance of `HeNormal`."""

    def sample(self, shape: Shape, rng: np.random.Generator) -> Sample:
        """Draw from U(−l, l)."""
        limit = math.sqrt(6.0 / fans(shape)[0])
        return rng.uniform(-limit, limit, shape)


def fans(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight (features, units).

    Raises:
        ValueError: for a bias, which has no fans.
    """
    if len(shape) != 2:
        raise ValueError(
            f"Glorot and He initializers need a weight of shape (features, units), but got {shape}. "
            "Use Zeros or Normal for a bias."
        )
    return shape[0], shape[1]


BIAS_INITIALIZERS: dict[str, type[Initializer]] = {"zeros": Zeros, "normal": Normal}
"""The initializers that need no fans, which a bias does not have."""

INITIALIZERS: dict[str, type[Initializer]] = {
    **BIAS_INITIALIZERS,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_normal": HeNormal,
    "he_uniform": HeUniform,
}
