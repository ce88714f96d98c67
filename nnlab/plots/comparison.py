"""Groups of runs side by side, and the differences between them: means, intervals, and a dot for each seed."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nnlab.core.rows import Array
from nnlab.plots.curves import LARGEST_DRAWN
from nnlab.plots.style import BLUE, GREY, PALE, SMALL, VERMILLION, look, new_figure
from nnlab.stats import Interval, Judged, Sample
from nnlab.table import letters

GROUPS_UP_TO = 40
PAIRS_UP_TO = 28
"""Of eight groups all pairs; of more, those with the best group."""

NAME_WIDTH, NAME_LONGEST = 36, 180
"""Characters of a name on one line, and in all; a longer one loses its middle, since names mostly differ at an end."""

LEAST_P = 1e-4

# Inches.
WIDTH = 8.5
ROW, LINE, DOTS = 0.36, 0.15, 0.2
HEADING = 1.15

STACKS = 90
"""Dots nearer than this part of an axis are stacked."""


@dataclass(frozen=True)
class _Row:
    """A line of the picture.

    Args:
        label: at its left, wrapped.
        remark: at its right.
        mean: of the interval.
        interval: NaN draws none.
        dots: the single values.
        colour: of all of it.
    """

    label: str
    remark: str
    mean: float
    interval: Interval
    dots: Sequence[float]
    colour: str

    @property
    def height(self) -> float:
        """In inches."""
        return ROW + LINE * self.label.count("\n")


@look()
def groups_and_differences(
    metric: str,
    groups: Mapping[str, Sequence[float]],
    pairs: Sequence[tuple[str, str, Judged]],
    *,
    lower_is_better: bool | None,
    margin: float | None = None,
) -> Figure:
    """Draw each group's mean with its 95 % interval and a dot for each seed; below, the same of the differences.

    Values that are not finite are no dots, and counted beside their group. Of more than 40 groups the best are shown,
    and of more than 28 pairs those with the best group; the headings say so. Long names are replaced by letters among
    the pairs.

    Args:
        metric: its name.
        groups: at least one: each group's values, one a seed, by its name.
        pairs: of groups, by their names, with what can be said of the first less the second; none leaves the lower
            half out.
        lower_is_better: of the metric; None where that is not known: the highest then count as the best.
        margin: differences within it are equal for practice: a band around zero.
    """
    ranked = sorted(groups, key=lambda name: _rank(Sample(tuple(groups[name])), lower_is_better))
    shown = [name for name in groups if name in ranked[:GROUPS_UP_TO]]
    best = "highest" if lower_is_better is None else "best"
    chosen = [pair for pair in pairs if {*pair[:2]} <= {*shown}]
    if len(chosen) > PAIRS_UP_TO:
        chosen = [pair for pair in chosen if ranked[0] in pair[:2]]
    short = letters(shown) if pairs and max(map(len, shown)) > NAME_WIDTH - 2 else {}
    upper = [_row_of_group(name, groups[name], short) for name in shown]
    lower = [_row_of_pair(*pair, short, lower_is_better) for pair in chosen]

    heights = [sum(row.height for row in rows) for rows in (upper, lower) if rows]
    figure = new_figure(WIDTH, sum(heights) + HEADING * len(heights))
    axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    direction = {True: " (lower is better)", False: " (higher is better)", None: ""}[lower_is_better]
    few = f", the {best} {len(shown)} of {len(groups)} groups" if len(shown) < len(groups) else ""
    _draw(axes[0], upper, f"{metric}{direction}{few}\nmean, 95 % interval, a dot per seed", metric)
    if lower:
        few = f" with the {best} group, {len(chosen)} of {len(pairs)} pairs" if len(chosen) < len(pairs) else ""
        corrected = f"; p corrected for {len(pairs)} pairs" if len(pairs) > 1 else ""
        _mark_zero(axes[1], margin)
        title = f"Differences{few}{_pairing(chosen)}\nmean, 95 % interval{corrected}"
        _draw(axes[1], lower, title, f"difference in {metric}")
    return figure


def _rank(sample: Sample, lower_is_better: bool | None) -> float:
    return math.inf if math.isnan(sample.mean) else sample.mean if lower_is_better else -sample.mean


def _pairing(pairs: Sequence[tuple[str, str, Judged]]) -> str:
    are_paired = {judged.difference.paired for _, _, judged in pairs}
    if len(are_paired) == 2:
        return ", paired by seed where dots are shown"
    return ", paired by seed" if are_paired == {True} else ", not paired"


def _row_of_group(name: str, values: Sequence[float], short: Mapping[str, str]) -> _Row:
    sample, n = Sample(tuple(values)), len(values)
    lost = sum(not math.isfinite(value) for value in values)
    remark = f"{lost} of {n} not finite" if lost else f"{_text(sample.mean, sample.interval)}, n = {n}"
    label = _wrapped(f"{short[name]}: {name}" if short else name)
    return _Row(label, remark, sample.mean, sample.interval, sample.values, BLUE)


def _row_of_pair(a: str, b: str, judged: Judged, short: Mapping[str, str], lower_is_better: bool | None) -> _Row:
    difference = judged.difference
    dots = [one - other for one, other in zip(difference.a, difference.b, strict=True)] if difference.paired else []
    remark = judged.for_people(lower_is_better=lower_is_better)
    is_sure = judged.verdict in ("higher", "lower")
    if math.isfinite(difference.mean):
        remark = f"{_text(difference.mean, difference.interval, '+')}: {remark}"
    if is_sure:
        remark += f", p = {judged.p_corrected:.2g}" if judged.p_corrected >= LEAST_P else f", p < {LEAST_P:g}"
    elif judged.more_seeds:
        remark += f",\nabout {judged.more_seeds:,} more seeds"
    names = (short.get(a, a), f"− {short.get(b, b)}")
    together = " ".join(" ".join(names).split())
    label = together if len(together) <= NAME_WIDTH else "\n".join(map(_wrapped, names))
    return _Row(label, remark, difference.mean, difference.interval, dots, VERMILLION if is_sure else GREY)


def _draw(axes: Axes, rows: Sequence[_Row], title: str, label: str) -> None:
    """The rows from top to bottom; the axis down is in inches."""
    tops = np.concatenate([[0.0], np.cumsum([row.height for row in rows])])
    centres = (tops[:-1] + tops[1:]) / 2
    axes.set_ylim(tops[-1], 0.0)
    drawn = [value for row in rows for value in (row.mean, *row.interval, *row.dots) if _is_drawn(value)]
    width = float(np.ptp(drawn)) if drawn else 0.0
    beside = axes.get_yaxis_transform()
    for row, centre in zip(rows, centres, strict=True):
        y = centre - (DOTS / 3 if row.dots else 0.0)
        if all(map(_is_drawn, row.interval)):
            axes.plot(row.interval, (y, y), "|-", color=row.colour, linewidth=2.2, markersize=8, markeredgewidth=1.6)
        if _is_drawn(row.mean):
            axes.plot(row.mean, y, "D", color=row.colour, markersize=5.5, markeredgecolor="white", zorder=4)
        places, depths = _stacked([value for value in row.dots if _is_drawn(value)], width / STACKS)
        axes.plot(places, y + depths, "o", color=row.colour, alpha=0.65, markersize=3.6, markeredgewidth=0.0, zorder=3)
        axes.text(1.015, centre, row.remark, transform=beside, va="center", fontsize=SMALL, color=GREY)
    if not drawn:
        axes.text(0.5, 0.5, "no finite values", transform=axes.transAxes, ha="center", va="center", color=GREY)
    axes.set_yticks(centres, [row.label for row in rows])
    axes.hlines(tops[1:-1], 0, 1, transform=beside, color=PALE, linewidth=0.8, zorder=0)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_title(title, loc="left")
    axes.set_xlabel(label)
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7))
    axes.grid(visible=True, axis="x")
    axes.set_axisbelow(True)


def _mark_zero(axes: Axes, margin: float | None) -> None:
    if margin:
        axes.axvspan(-margin, margin, color=PALE, zorder=0)
    axes.axvline(0.0, color="black", linewidth=1.0, zorder=1)


def _stacked(values: Sequence[float], nearness: float) -> tuple[Array, Array]:
    """The values in order, and how deep below their line each stands, in inches: those close together in a stack."""
    places = np.sort(np.array(values, dtype=np.float64))
    levels = np.zeros(len(places))
    start = 0
    for index in range(1, len(places)):
        if places[index] - places[start] <= nearness:
            levels[index] = levels[index - 1] + 1
        else:
            start = index
    step = min(0.045, 0.11 / levels.max()) if levels.any() else 0.0
    return places, DOTS / 2 + levels * step


def _is_drawn(value: float) -> bool:
    return abs(value) < LARGEST_DRAWN  # False for NaN


def _wrapped(name: str) -> str:
    """A name on lines that are short enough."""
    line = " ".join(name.split())
    half = NAME_LONGEST // 2
    whole = line if len(line) <= NAME_LONGEST else f"{line[:half]}…{line[-half:]}"
    return "\n".join(textwrap.wrap(whole, NAME_WIDTH))


def _text(mean: float, interval: Interval, sign: str = "") -> str:
    """A mean with two digits of its interval's half width."""
    half = (interval.high - interval.low) / 2
    is_plain = 0 < half < math.inf and abs(mean) < 1e6 and half > 1e-6
    digits = f".{max(0, 1 - math.floor(math.log10(half)))}f" if is_plain else ".4g"
    return f"{mean:{sign}{digits}}".replace("-", "−")
