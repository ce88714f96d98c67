"""The points of a space at which something is smallest and largest, such as the network."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from nnlab.tuning.search.dimension import Dimension, Scalar
from nnlab.tuning.search.proposer import Accepts
from nnlab.tuning.search.searchable import GROUPS
from nnlab.tuning.search.space import Space

Values = dict[str, Any]
Params = dict[str, Scalar]
Cost = Callable[[Mapping[str, Any]], float]
MOST_BRANCHES = 256
"""Combinations of groups and depths that are gone through; of more, some."""
RANDOM_POINTS = 1000
"""Where not all values are accepted."""
MOST_DESCENTS = 10
BETWEEN = [place / 32 for place in range(33)]
"""Fractions of a dimension."""


def extremes(space: Space, cost: Cost, accepts: Accepts | None = None) -> tuple[Values, Values]:
    """The values at which a cost is smallest, and those at which it is largest.

    Exact where the cost rises or falls in each number if the others are held, as sizes and times do: it is looked for
    among the bounds of numbers and all choices. Where some values are not accepted it is about that.

    Args:
        space: any.
        cost: of values by key, see `Space.values`.
        accepts: which values count; None is all.
    """
    return _smallest(space, cost, accepts), _smallest(space, lambda values: -cost(values), accepts)


def _smallest(space: Space, cost: Cost, accepts: Accepts | None) -> Values:
    def of(params: Params) -> float:
        values = space.values(params)
        return cost(values) if accepts is None or accepts(values) else math.inf

    starts = _promising([*_branches(space), *(_random_points(space) if accepts else ())], of)
    ends = [_descended(space, start, of, by_edges=accepts is None) for start in starts]
    best: Params = min(ends, key=of)
    return space.values(best)


def _promising(starts: list[Params], cost: Callable[[Params], float]) -> list[Params]:
    """Those to begin with: all of a few, else the best."""
    return starts if len(starts) <= MOST_BRANCHES else sorted(starts, key=cost)[:MOST_DESCENTS]


def _random_points(space: Space) -> Iterator[Params]:
    """Points with a value for each dimension, also for those that are not asked."""
    rng = np.random.default_rng(0)
    for _ in range(RANDOM_POINTS):
        yield {dimension.name: dimension.at(rng.random()) for dimension in space.dimensions}


def _branches(space: Space) -> Iterator[Params]:
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


def _descended(space: Space, start: Params, cost: Callable[[Params], float], *, by_edges: bool) -> Params:
    """The point that no change of a single dimension makes cheaper: to its edges alone, or to some values between."""
    best, least = start, cost(start)
    while True:
        before = least
        for dimension in space.dimensions:
            for value in dimension.edges if by_edges else (*dimension.edges, *map(dimension.at, BETWEEN)):
                point = best | {dimension.name: value}
                if (found := cost(point)) < least:
                    best, least = point, found
        if least == before:
            return best
