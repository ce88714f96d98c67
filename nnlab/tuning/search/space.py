"""What a sweep searches: one dimension per key, some of them conditional on the value of another."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna import Trial

from nnlab.config.problems import ConfigProblem
from nnlab.tuning.search.dimension import HIDDEN, Dimension, Scalar
from nnlab.tuning.search.dimension_reading import DimensionReader
from nnlab.tuning.search.searchable import DEPTH, GROUPS, is_width


@dataclass(frozen=True)
class Space:
    """A search space.

    Args:
        dimensions: in the order in which they are sampled: groups, `model.depth`, the widths by layer, then the rest
            as written. A condition refers to an earlier one.
    """

    dimensions: tuple[Dimension, ...]

    def suggest(self, trial: Trial) -> dict[str, Any]:
        """Sample the parameters of a trial; returns what goes into its config (see `values`)."""
        return self.values(self.draw(trial))

    def draw(self, trial: Trial) -> dict[str, Scalar]:
        """Sample the parameters of a trial; returns them as Optuna stores them."""
        return self._point(lambda dimension: dimension.suggest(trial))

    def random_point(self, rng: np.random.Generator) -> dict[str, Scalar]:
        """The parameters of a random point: each uniform, or log-uniform on a log scale."""
        return self._point(lambda dimension: dimension.at(rng.random()))

    def points(self) -> Iterator[dict[str, Scalar]]:
        """The parameters of every point; the space has to be finite."""
        points: Iterable[dict[str, Scalar]] = [{}]
        for dimension in self.dimensions:
            points = _extended(points, dimension)
        yield from points

    def _point(self, choose: Callable[[Dimension], Scalar]) -> dict[str, Scalar]:
        params: dict[str, Scalar] = {}
        for dimension in self.dimensions:
            if dimension.is_asked(params):
                params[dimension.name] = choose(dimension)
        return params

    def is_whole(self, params: Mapping[str, Any]) -> bool:
        """Whether parameters have a value for each dimension that is asked of them."""
        return all(dimension.name in params for dimension in self.dimensions if dimension.is_asked(params))

    def values(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """What a trial's parameters mean: plain values by config key, and choices by config group.

        Depth and widths are one value, `model.hidden`.

        Args:
            params: as Optuna stores them.
        """
        asked = [dimension.name for dimension in self.dimensions if dimension.is_asked(params)]
        values: dict[str, Any] = {name: params[name] for name in asked if name in GROUPS}
        if self._has_widths:
            values[HIDDEN] = [params[name] for name in asked if is_width(name)]
        others = (name for name in asked if name not in GROUPS and name != DEPTH and not is_width(name))
        # The choices of lists are texts in Optuna.
        return values | {name: json.loads(params[name]) if name == HIDDEN else params[name] for name in others}

    def corners(self) -> Iterator[dict[str, Any]]:
        """Assignments (see `values`) that together have every choice and both bounds of every dimension."""
        left = {dimension.name: list(dimension.edges) for dimension in self.dimensions}
        while any(left.values()):
            params: dict[str, Scalar] = {}
            for dimension in self.dimensions:
                if dimension.is_asked(params):
                    edges = left[dimension.name]
                    params[dimension.name] = edges.pop(0) if edges else self._opening(dimension, left)
            yield self.values(params)

    def _opening(self, dimension: Dimension, left: Mapping[str, list[Scalar]]) -> Scalar:
        """A value under which a dimension that has values left is sampled."""
        for other in self.dimensions:
            if left[other.name] and other.condition and other.condition.key == dimension.name:
                return other.condition.values[0]
        return dimension.edges[0]

    def to_dict(self) -> dict[str, str]:
        """The canonical text of each key, from which the same space reads back."""
        return {dimension.name: str(dimension) for dimension in self.dimensions}

    @property
    def is_conditional(self) -> bool:
        """Whether some dimension is sampled in some trials only."""
        return any(dimension.condition for dimension in self.dimensions)

    @property
    def size(self) -> int | None:
        """The number of different assignments; None if a dimension is continuous."""
        if any(dimension.count is None for dimension in self.dimensions):
            return None
        keys = {dimension.condition.key for dimension in self.dimensions if dimension.condition}
        deciding = [dimension for dimension in self.dimensions if dimension.name in keys]
        others = [dimension for dimension in self.dimensions if dimension.name not in keys]
        size = 0
        for indices in itertools.product(*(range(dimension.count or 0) for dimension in deciding)):
            params = {d.name: d.value(index) for d, index in zip(deciding, indices, strict=True)}
            size += math.prod(dimension.count or 0 for dimension in others if dimension.is_asked(params))
        return size

    @property
    def _has_widths(self) -> bool:
        return any(is_width(dimension.name) for dimension in self.dimensions)


def _extended(points: Iterable[dict[str, Scalar]], dimension: Dimension) -> Iterator[dict[str, Scalar]]:
    """Each of the points with each value of the next dimension, where that is asked for."""
    for point in points:
        if dimension.is_asked(point):
            for index in range(dimension.count or 0):
                yield {**point, dimension.name: dimension.value(index)}
        else:
            yield point


NOTHING = ConfigProblem(
    "sweep.space",
    "is empty: there is nothing to search",
    nearest="'optimizer.lr=tag(log, interval(1e-3, 1))', or a preset such as sweep=mlp",
)


def read_space(texts: Mapping[str, Any]) -> tuple[Space | None, list[ConfigProblem]]:
    """The space that texts in the sweep grammar describe.

    Args:
        texts: by key or config group; nested, or flat with dots. The last value of a key counts.

    Returns:
        the space, or None if there are problems; and the problems.
    """
    flat = dict(_flat(texts))
    if not flat:
        return None, [NOTHING]
    reader = DimensionReader(flat)
    space = Space(tuple(reader.dimensions()))
    return (None if reader.problems else space), reader.problems


def _flat(texts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, text in texts.items():
        if isinstance(text, Mapping):
            yield from _flat(text, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", text
