"""Which scores can be drawn, and whether their axis is linear or logarithmic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from optuna.trial import FrozenTrial

from nnlab.plots.curves import LARGEST_DRAWN
from nnlab.tuning.report.ranking import ranking

# Beyond this ratio an axis is logarithmic: on a linear one a few bad trials would press all others together.
WIDE = 10.0


def is_drawable(value: float) -> bool:
    """Whether an axis can be drawn through `value`: a diverging loss passes through numbers too large for that."""
    return abs(value) < LARGEST_DRAWN


def drawable_ranking(trials: Iterable[FrozenTrial], objectives: Sequence[str]) -> list[FrozenTrial]:
    """The `ranking`, without trials of which a value cannot be drawn."""
    return [trial for trial in ranking(trials, objectives) if all(map(is_drawable, trial.values))]


def needs_log_axis(values: Sequence[float]) -> bool:
    """Whether scores, all drawable, are positive and differ by more than a factor of `WIDE`."""
    low, high = min(values), max(values)
    return 0 < low * WIDE < high


def set_score_axis(axes: Axes, values: Sequence[float]) -> None:
    """Make the vertical axis one for these scores."""
    axis, high = axes.yaxis, max(values)
    if not needs_log_axis(values):
        axis.set_major_locator(MaxNLocator(nbins=5))
        if high >= 1000:
            axis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
        return
    axes.set_yscale("log")
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * min(values) else (1.0,)))
    axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(FuncFormatter(lambda value, _: _number(value) if high >= 1000 else f"{value:g}"))


def _number(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"
