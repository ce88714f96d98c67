"""How a searched parameter or a score is laid along an axis: evenly, by magnitude, or choice by choice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial

from nnlab.core.rows import Array
from nnlab.plots.curves import LARGEST_DRAWN
from nnlab.plots.style import short
from nnlab.tuning.report.ranking import ranking
from nnlab.tuning.report.trial_facts import natural_order, value_text

# Losses that differ more than that are compared by magnitude: a few bad trials would press all others together.
WIDE = 10.0
CHOICES_NAMED = 12
LABEL = 16


@dataclass(frozen=True)
class Scale:
    """An axis and where values lie on it.

    Attributes:
        kind: `choice` lays the choices at 0, 1, 2 ...
        low: the lower end in the axis's own coordinates, before any logarithm.
        high: the upper end.
        is_whole: whether only whole numbers lie on it.
        choices: their names, for `choice` alone.
        values: (trials,) where each trial lies, NaN for one that lacks the parameter.
    """

    kind: Literal["linear", "log", "choice"]
    low: float
    high: float
    is_whole: bool
    choices: tuple[str, ...]
    values: Array

    def fractions(self, values: Array) -> Array:
        """Where `values` lie between the ends: 0 at the lower, 1 at the upper one; all at 1/2 if they are equal."""
        low, high = self.low, self.high
        if self.kind == "log":
            low, high, values = math.log(low), math.log(high), np.log(values)
        return np.full_like(values, 0.5) + 0.0 * values if low == high else (values - low) / (high - low)

    def ticks(self) -> list[tuple[float, str]]:
        """A few places along the axis, with their names."""
        if self.kind == "choice":
            return [(float(place), short(name, LABEL)) for place, name in self._named_choices()]
        if self.low == self.high:
            return [(self.low, _number(self.low))]
        if self.kind == "linear":
            places = np.linspace(self.low, self.high, 5)
        elif self.high >= 100 * self.low:
            decades = 10.0 ** np.arange(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
            places = np.unique([self.low, *decades, self.high])
        else:
            places = np.geomspace(self.low, self.high, 5)
        if self.is_whole:
            places = np.unique(places.round())
        return [(float(place), _number(place)) for place in places]

    def set_up(self, axes: Axes, which: Literal["x", "y"]) -> None:
        """Make an axis of a picture one of this scale."""
        axis = axes.xaxis if which == "x" else axes.yaxis
        if self.kind == "choice":
            named = self._named_choices()
            axis.set_ticks([place for place, _ in named], [short(name, LABEL) for _, name in named])
        elif self.kind == "log":
            axes.set(**{f"{which}scale": "log"})
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if self.high < 100 * self.low else (1.0,)))
            axis.set_minor_formatter(NullFormatter())
        else:
            axis.set_major_locator(MaxNLocator(nbins=5, integer=self.is_whole))
        if self.kind != "choice" and self.high >= 1000:
            axis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
        elif self.kind == "log":
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))

    def _named_choices(self) -> list[tuple[int, str]]:
        stride = -(-len(self.choices) // CHOICES_NAMED)
        return list(enumerate(self.choices))[::stride]


def searched_keys(trials: Sequence[FrozenTrial]) -> list[str]:
    """Every parameter that any of the trials has."""
    return natural_order(key for trial in trials for key in trial.params)


def is_drawable(value: float) -> bool:
    """Whether an axis can be drawn through `value`: a diverging loss passes through numbers too large for that."""
    return abs(value) < LARGEST_DRAWN


def drawable_ranking(trials: Iterable[FrozenTrial], objectives: Sequence[str]) -> list[FrozenTrial]:
    """The `ranking`, without trials of which a value cannot be drawn."""
    return [trial for trial in ranking(trials, objectives) if all(map(is_drawable, trial.values))]


def parameter_scale(key: str, trials: Sequence[FrozenTrial]) -> Scale:
    """The scale of a parameter over the whole range that was searched; some of the trials must have it."""
    distribution = next(trial.distributions[key] for trial in trials if key in trial.params)
    if isinstance(distribution, CategoricalDistribution):
        choices = _in_order(distribution.choices)
        places = {choice: float(place) for place, choice in enumerate(choices)}
        values = np.array([places[trial.params[key]] if key in trial.params else np.nan for trial in trials])
        return Scale("choice", 0.0, float(len(choices) - 1), True, tuple(map(value_text, choices)), values)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return Scale(
        kind="log" if distribution.log else "linear",
        low=float(distribution.low),
        high=float(distribution.high),
        is_whole=isinstance(distribution, IntDistribution),
        choices=(),
        values=np.array([trial.params.get(key, np.nan) for trial in trials], dtype=np.float64),
    )


def score_scale(values: Sequence[float]) -> Scale:
    """The scale of an objective over its values, all drawable: by magnitude if they are positive and differ widely."""
    low, high = min(values), max(values)
    return Scale("log" if 0 < low * WIDE < high else "linear", low, high, False, (), np.array(values, dtype=np.float64))


def complete_trials(count: int) -> str:
    """`1 complete trial`, `2 complete trials`."""
    return f"{count} complete trial" + ("" if count == 1 else "s")


def spread(count: int) -> Array:
    """`count` numbers from -1 to 1 that look random and are always the same: multiples of the golden ratio.

    They keep apart what would be drawn on one spot.
    """
    return np.asarray(2.0 * (np.arange(count) * 0.6180339887498949 % 1.0) - 1.0)


def _number(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"


def _in_order(choices: Sequence[Any]) -> list[Any]:
    """Numbers by size, everything else as it was written."""
    numbers = all(isinstance(choice, int | float) and not isinstance(choice, bool) for choice in choices)
    return sorted(choices) if numbers else list(choices)
