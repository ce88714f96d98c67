"""The value of a dimension that is nearest to one from elsewhere: the preset's own, or another run's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import CategoricalDistribution

from nnlab.tuning.search.dimension import Dimension, Scalar


@dataclass(frozen=True)
class Nearest:
    """A value of a dimension, and whether it is the one that was looked for."""

    value: Scalar
    is_exact: bool


def nearest(dimension: Dimension, value: Any) -> Nearest | None:
    """The value of a dimension that is nearest to `value`; None if none is nearer than the others.

    Positive numbers are compared by their ratio, others by their difference. Of choices without an order, the first
    one listed stands for those that are not among them.

    Args:
        dimension: of a search space.
        value: a plain one; of `model.hidden` its text (see `HIDDEN`).
    """
    if isinstance(dimension.distribution, CategoricalDistribution):
        return _choice(dimension.edges, value)
    if not is_number(value):
        return None
    axis = dimension.distribution
    if dimension.count is None:
        found: Scalar = min(max(float(value), axis.low), axis.high)
    else:
        place = round((min(max(value, axis.low), axis.high) - axis.low) / (axis.step or 1))
        found = dimension.value(min(place, dimension.count - 1))
    return Nearest(found, found == value)


def _choice(choices: Sequence[Scalar], value: Any) -> Nearest:
    for choice in choices:
        # true and 1 are equal to Python.
        if choice == value and isinstance(choice, bool) == isinstance(value, bool):
            return Nearest(choice, True)
    numbers = [choice for choice in choices if is_number(choice)]
    if not is_number(value) or not numbers:
        return Nearest(choices[0], False)
    is_ratio = value > 0 and min(numbers) > 0  # type: ignore[type-var, operator]
    return Nearest(min(numbers, key=lambda choice: _distance(choice, value, is_ratio=is_ratio)), False)


def _distance(one: Any, other: Any, *, is_ratio: bool) -> tuple[float, float]:
    """And the number itself, so that of two equally near ones the smaller is taken."""
    return (abs(math.log(one / other)) if is_ratio else abs(one - other)), one


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
