"""The points of a space at which something is smallest and largest, such as the network."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nnlab.tuning.search.dimension import Dimension, Scalar
from nnlab.tuning.search.searchable import GROUPS
from nnlab.tuning.search.space import Space

Values = dict[str, Any]
MOST_BRANCHES = 256
"""Combinations of groups and depths that are gone through; of more, some."""


def extremes(space: Space, cost: Callable[[Mapping[str, Any]], float]) -> tuple[Values, Values]:
    """The values at which a cost is smallest, and those at which it is largest.

    Exact where the cost rises or falls in each number if the others are held, as sizes and times do: it is looked for
    among the bounds of numbers and all choices.

    Args:
        space: any.
        cost: of values by key, see `Space.values`.
    """
    found = []
    for sign in (1, -1):

        def signed(params: dict[str, Scalar], sign: int = sign) -> float:
            return sign * cost(space.values(params))

        best = min((_descended(space, start, signed) for start in _branches(space)), key=signed)
        found.append(space.values(best))
    return found[0], found[1]


def _branches(space: Space) -> Iterator[dict[str, Scalar]]:
    """A point for each combination of what other dimensions depend on."""
    keys = {dimension.condition.key for dimension in space.dimensions if dimension.condition} | set(GROUPS)
    deciding = [dimension for dimension in space.dimensions if dimension.name in keys]
    others = {dimension.name: dimension.edges[0] for dimension in space.dimensions}
    if math.prod(len(_tried(dimension)) for dimension in deciding) > MOST_BRANCHES:
        yield others
        return
    for values in itertools.product(*map(_tried, deciding)):
        yield others | dict(zip((dimension.name for dimension in deciding), values, strict=True))


def _tried(dimension: Dimension) -> list[Scalar]:
    """Every value of what has few, else the bounds."""
    count = dimension.count
    few = count is not None and count <= MOST_BRANCHES
    return [dimension.value(index) for index in range(count or 0)] if few else list(dimension.edges)


def _descended(space: Space, start: dict[str, Scalar], cost: Callable[[dict[str, Scalar]], float]) -> dict[str, Scalar]:
    """The point that no change of a single dimension to an edge makes cheaper."""
    best, least = start, cost(start)
    while True:
        before = least
        for dimension in space.dimensions:
            for edge in dimension.edges:
                point = best | {dimension.name: edge}
                if (found := cost(point)) < least:
                    best, least = point, found
        if least == before:
            return best
