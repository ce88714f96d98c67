"""Penalties on the size of parameters. Each is a pair, value beside gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol

import numpy as np

from nnlab.check import Checked, Range
from nnlab.core.node import Array


class Regularizer(Protocol):
    """A penalty that is added to the loss."""

    @property
    def strength(self) -> float:
        """λ."""

    def value(self, w: Array) -> float:
        """The penalty of parameter `w`, any shape."""

    def add_gradient(self, w: Array, dw: Array, scratch: Array, scale: float = 1.0) -> None:
        """Add the penalty's derivative, times `scale`, to `dw`; all three arrays of one shape."""


@dataclass(frozen=True)
class L2(Checked):
    """λ Σ w², with gradient 2λw: Keras' variant.

    Others write ½λ Σ w² (PyTorch's `weight_decay`), or shrink weights by 1 − ηλ/n per step (Nielsen): those
    are this one at strength λ/2 and λ/(2n).
    """

    strength: Annotated[float, Range(ge=0)]

    def value(self, w: Array) -> float:
        """λ Σ w²."""
        return self.strength * float(np.vdot(w, w))

    def add_gradient(self, w: Array, dw: Array, scratch: Array, scale: float = 1.0) -> None:
        """dw ← dw + 2λw."""
        np.multiply(w, 2.0 * self.strength * scale, out=scratch)
        np.add(dw, scratch, out=dw)


@dataclass(frozen=True)
class L1(Checked):
    """λ Σ |w|, with gradient λ sign(w), taken to be 0 at 0."""

    strength: Annotated[float, Range(ge=0)]

    def value(self, w: Array) -> float:
        """λ Σ |w|."""
        return self.strength * float(np.abs(w).sum())

    def add_gradient(self, w: Array, dw: Array, scratch: Array, scale: float = 1.0) -> None:
        """dw ← dw + λ sign(w)."""
        np.sign(w, out=scratch)
        np.multiply(scratch, self.strength * scale, out=scratch)
        np.add(dw, scratch, out=dw)
