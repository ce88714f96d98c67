"""A search space in words, for people who look at it before they search it."""

from __future__ import annotations

from collections.abc import Iterable

from optuna.distributions import FloatDistribution

from nnlab.config.naming import value_text
from nnlab.tuning.search.dimension import Condition, Dimension
from nnlab.tuning.search.searchable import GROUPS
from nnlab.tuning.search.space import Space
from nnlab.wording import either, number_of

MOST_NAMED = 8
"""Values that are all named."""


def space_lines(space: Space) -> list[tuple[str, str]]:
    """Each searched key with what it may be, and when it is searched."""
    return [(dimension.name, values_in_words(dimension) + when(dimension)) for dimension in space.dimensions]


def values_in_words(dimension: Dimension) -> str:
    """`16, 32 or 64`, `0.003 to 0.3 on a log scale`, `256 to 1,024 in steps of 128`."""
    axis, count = dimension.distribution, dimension.count
    if dimension.is_categorical or (count is not None and count <= MOST_NAMED and not getattr(axis, "log", False)):
        return _any_of([dimension.value(index) for index in range(count or 0)])
    low, high = dimension.edges
    text = f"{value_text(low)} to {value_text(high)}"
    if isinstance(axis, FloatDistribution):
        if axis.step is not None:
            return f"{text} in steps of {value_text(axis.step)}"
        return f"{text} on a log scale" if axis.log else text
    if getattr(axis, "log", False):
        return f"{text}, whole numbers on a log scale"
    step = getattr(axis, "step", 1)
    return f"{text}, whole numbers" if step == 1 else f"{text} in steps of {step}"


def when(dimension: Dimension) -> str:
    """The condition of a dimension, after a comma; nothing where there is none."""
    return "" if dimension.condition is None else f", only with {condition_in_words(dimension.condition)}"


def condition_in_words(condition: Condition) -> str:
    """`optimizer=adam`, `model.depth 2 or 3`."""
    joint = "=" if condition.key in GROUPS else " "
    return f"{condition.key}{joint}{_any_of(condition.values)}"


def combinations_in_words(space: Space) -> str:
    """How many different settings the space has."""
    size = space.size
    return "infinitely many combinations" if size is None else number_of(size, "combination")


def _any_of(values: Iterable[object]) -> str:
    return either(list(map(value_text, values)))
