"""One dimension of a search space: a key, its distribution, and the condition under which it is sampled."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from hydra.core.override_parser.types import Quote, QuotedString
from optuna import Trial
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from nnlab.config.problems import as_typed

Scalar = bool | int | float | str | None
Distribution = FloatDistribution | IntDistribution | CategoricalDistribution

HIDDEN = "model.hidden"
"""The one key that takes lists. Optuna knows no lists, so their texts (`[128,64]`) are its choices."""


@dataclass(frozen=True)
class Condition:
    """A dimension is sampled only in trials where another one has one of some values."""

    key: str
    values: Sequence[Scalar]

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Whether it holds in the trial with `params`."""
        return self.key in params and params[self.key] in self.values


@dataclass(frozen=True)
class Dimension:
    """A searched key.

    Args:
        name: the config key, and the parameter's name in Optuna.
        distribution: Optuna's, of its values.
        condition: when it is sampled; None is always.
    """

    name: str
    distribution: Distribution
    condition: Condition | None = None

    def is_asked(self, params: Mapping[str, Any]) -> bool:
        """Whether it is sampled in the trial with `params` so far."""
        return self.condition is None or self.condition.holds(params)

    def suggest(self, trial: Trial) -> Scalar:
        """The trial's value."""
        axis = self.distribution
        if isinstance(axis, CategoricalDistribution):
            return trial.suggest_categorical(self.name, axis.choices)
        if isinstance(axis, IntDistribution):
            return trial.suggest_int(self.name, axis.low, axis.high, step=axis.step, log=axis.log)
        return trial.suggest_float(self.name, axis.low, axis.high, step=axis.step, log=axis.log)

    @property
    def is_categorical(self) -> bool:
        """Whether the values have no order."""
        return isinstance(self.distribution, CategoricalDistribution)

    @property
    def count(self) -> int | None:
        """The number of values; None if it is continuous."""
        axis = self.distribution
        if isinstance(axis, CategoricalDistribution):
            return len(axis.choices)
        return None if axis.step is None else round((axis.high - axis.low) / axis.step) + 1

    def value(self, index: int) -> Scalar:
        """One of the `count` values, in order."""
        axis = self.distribution
        if isinstance(axis, CategoricalDistribution):
            return axis.choices[index]
        if isinstance(axis, IntDistribution):
            return axis.low + index * axis.step
        # In decimals, so that the third of 0.1, 0.2, ... is 0.3.
        return float(Decimal(str(axis.low)) + index * Decimal(str(axis.step)))

    @property
    def edges(self) -> Sequence[Scalar]:
        """Both bounds of numbers, or every choice."""
        axis = self.distribution
        if isinstance(axis, CategoricalDistribution):
            return axis.choices
        return axis.low, axis.high

    def at(self, fraction: float) -> Scalar:
        """The value at a fraction of the range, such that equal shares of [0, 1] map to equal shares of the values
        (of their logarithms on a log scale).

        Args:
            fraction: within [0, 1].
        """
        axis = self.distribution
        if not isinstance(axis, CategoricalDistribution) and axis.log:
            start, end = self._log_bounds
            value = math.exp(start + fraction * (end - start))
            nearest = round(value) if isinstance(axis, IntDistribution) else value
            return min(max(nearest, axis.low), axis.high)
        if isinstance(axis, FloatDistribution) and axis.step is None:
            return min(max(axis.low + fraction * (axis.high - axis.low), axis.low), axis.high)
        count = self.count or 1
        return self.value(min(int(fraction * count), count - 1))

    def fraction(self, value: float) -> float:
        """The inverse of `at`: the middle of the share of [0, 1] that maps to the number."""
        axis = self.distribution
        if isinstance(axis, CategoricalDistribution):
            raise TypeError(f"`{self.name}` has choices, which are unordered.")
        if axis.log:
            start, end = self._log_bounds
            return (math.log(value) - start) / (end - start)
        if axis.step is None:
            return (value - axis.low) / (axis.high - axis.low)
        return (round((value - axis.low) / axis.step) + 0.5) / (self.count or 1)

    @property
    def _log_bounds(self) -> tuple[float, float]:
        """As logarithms; those of whole numbers reach half a number further, so that the ends get their share."""
        axis = cast(FloatDistribution | IntDistribution, self.distribution)
        margin = 0.5 if isinstance(axis, IntDistribution) else 0.0
        return math.log(axis.low - margin), math.log(axis.high + margin)

    def __str__(self) -> str:
        """Its canonical text in the sweep grammar: equal dimensions have equal texts, which read back as equal."""
        axis = self.distribution
        if isinstance(axis, CategoricalDistribution):
            choices = [choice if self.name == HIDDEN else quoted(choice) for choice in axis.choices]
            # Hydra's choice() takes no null; its plain list does.
            return ",".join(map(str, choices)) if None in axis.choices else f"choice({', '.join(map(str, choices))})"
        if axis.step is None:
            text = f"interval({axis.low}, {axis.high})"
        elif axis.step == 1 and isinstance(axis, IntDistribution):
            text = f"range({axis.low}, {axis.high + 1})"
        else:
            text = f"range({axis.low}, {Decimal(str(axis.high)) + Decimal(str(axis.step))}, {axis.step})"
        return f"tag(log, {text})" if axis.log else text


def quoted(value: Scalar) -> str:
    """A value as the sweep grammar reads it back."""
    if isinstance(value, str) and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.\-]*", as_typed(value)):
        return QuotedString(value, Quote.single).with_quotes()
    return as_typed(value)
