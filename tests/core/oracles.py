"""Where expected numbers come from: differences of values, and arithmetic with more digits than a float has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlab.core import Input, Mul, Node, value, value_and_grad

Array = NDArray[Any]

STEP = float(np.cbrt(np.finfo(np.float64).eps))
"""Truncation error grows as h², rounding error as eps / h: their sum is least near h = eps^(1/3), at about 4e-11."""


def central_differences(function: Callable[[], float], array: Array) -> Array:
    """(f(a + h) − f(a − h)) / 2h for each element of `array`, which `function` reads and which is restored."""
    slopes = np.empty(array.shape)
    for position in np.ndindex(array.shape):
        kept = array[position]
        h = STEP * max(1.0, abs(kept))  # type: ignore[operator]
        array[position] = kept + h
        above = function()
        array[position] = kept - h
        below = function()
        array[position] = kept
        slopes[position] = (above - below) / (2.0 * h)
    return slopes


def assert_gradients_match_differences(
    node: Node, feed: Mapping[Any, Any], wrt: Sequence[Node], *, seed: int = 0
) -> None:
    """Hold every gradient of Σ r ⊙ node, r random, against central differences of that sum.

    Random weights, not a plain sum: the elements of a softmax sum to one, whatever its gradient.
    """
    r = Input("r")
    weighted = Mul(node, r)
    arrays = {key: np.array(number, dtype=np.float64) if key in wrt else number for key, number in feed.items()}
    arrays[r] = np.random.default_rng(seed).normal(size=np.shape(value(node, arrays)))

    _, gradients = value_and_grad(weighted, arrays, wrt)
    for by, gradient in zip(wrt, gradients, strict=True):
        expected = central_differences(lambda: float(np.sum(value(weighted, arrays))), arrays[by])
        assert np.shape(gradient) == np.shape(arrays[by])
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


def exact_softmax(logits: Sequence[float]) -> list[Decimal]:
    """exp(z_i) / Σ_j exp(z_j) as it is defined, with sixty digits and an exponent without end."""
    with localcontext(prec=60):
        powers = [Decimal(z).exp() for z in logits]
        return [power / sum(powers) for power in powers]


def exact_cross_entropy(logits: Sequence[float], label: int) -> float:
    """−log softmax(z)[label] of one row, as it is defined."""
    with localcontext(prec=60):
        return float(-exact_softmax(logits)[label].ln())


def exact_binary_cross_entropy(logit: float, target: float) -> float:
    """−t log σ(z) − (1 − t) log(1 − σ(z)) of one element, as it is defined."""
    # 1 − σ(1000) differs from 1 in its 435th digit, so sixty digits would not do.
    with localcontext(prec=1000):
        power = (-Decimal(logit)).exp()
        probability = 1 / (1 + power)
        rest = power / (1 + power)
        t = Decimal(target)
        return float(-t * probability.ln() - (1 - t) * rest.ln())
