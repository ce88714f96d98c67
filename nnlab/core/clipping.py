"""Clipping a gradient by its global norm."""

from __future__ import annotations

import math

import numpy as np

from nnlab.core.node import Array

BORDERLINE = 1e-3
"""How near a norm has to be to the limit, as a fraction, for the digits that a float32 sum loses to decide."""


def clip_global_norm(gradients: Array, limit: float) -> float:
    """Scale `gradients` (p,) in place so that their Euclidean norm is at most `limit`; returns the norm before.

    A gradient within the limit keeps its bits, and so does one that is not finite: it has no direction to keep.

    Reference: R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks", ICML 2013.
    """
    smallest = float(np.finfo(gradients.dtype).tiny)
    square = float(np.vdot(gradients, gradients))
    # Below this, squares that underflow are missed. Infinity and NaN go the long way too.
    if math.sqrt(smallest) < square < math.inf:
        norm = math.sqrt(square)
        if norm <= limit * (1.0 - BORDERLINE):
            return norm
        if norm >= limit * (1.0 + BORDERLINE) and limit / norm > smallest:
            np.multiply(gradients, limit / norm, out=gradients)
            return norm
    peak, relative = _norm(gradients)
    norm = peak * relative
    # In float64 the norm itself is rounded: as much beyond the limit is not beyond it.
    if math.isfinite(peak) and norm > limit * (1.0 + 4.0 * np.finfo(np.float64).eps):
        np.divide(gradients, peak, out=gradients)
        np.multiply(gradients, limit / relative, out=gradients)
    return norm


def _norm(gradients: Array) -> tuple[float, float]:
    """The norm as a product: of the largest element's size, and of the norm in units of it, which cannot overflow."""
    peak = float(np.abs(gradients).max(initial=0.0))
    if peak == 0.0 or not math.isfinite(peak):
        return peak, 1.0
    scaled = np.divide(gradients, peak, dtype=np.float64)
    return peak, math.sqrt(float(np.vdot(scaled, scaled)))
