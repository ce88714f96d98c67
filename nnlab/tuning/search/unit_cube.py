"""A space as points of the unit cube, many at a time: what a model of the trials computes with.

A point has a number in [0, 1] for each dimension, its *place*; the places of a dimension with few values are those of
its values. Where a dimension is not sampled, its place says nothing, and the model sees the middle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from nnlab.tuning.search.dimension import Dimension, Scalar
from nnlab.tuning.search.space import Space

FEW = 1000
"""Values, of which each has its place; a dimension with more is taken as continuous."""

Floats = np.ndarray[Any, np.dtype[np.float64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]


class UnitCube:
    """The places of a space.

    Args:
        space: any.
    """

    def __init__(self, space: Space) -> None:
        self._dimensions = space.dimensions
        self._columns = {dimension.name: column for column, dimension in enumerate(self._dimensions)}
        self._values = [_places(dimension) for dimension in self._dimensions]

    def point(self, params: Mapping[str, Any]) -> Floats:
        """The places (d,) of a trial's parameters."""
        return np.array([self._place(dimension, params) for dimension in self._dimensions])

    def params(self, point: Floats) -> dict[str, Scalar]:
        """The parameters of a point; without those of dimensions that are not sampled there."""
        params: dict[str, Scalar] = {}
        for dimension, values, place in zip(self._dimensions, self._values, point, strict=True):
            if dimension.is_asked(params):
                index = None if values is None else int(np.abs(values - place).argmin())
                params[dimension.name] = dimension.at(float(place)) if index is None else dimension.value(index)
        return params

    def random(self, rng: np.random.Generator, count: int) -> Floats:
        """Random points (count, d), uniform on each dimension's scale."""
        return self._snapped(rng.random((count, len(self._dimensions))))

    def near(self, points: Floats, rng: np.random.Generator, *, share: float, step: float) -> Floats:
        """For each of the points (n, d) one nearby.

        Args:
            points: where to start.
            rng: decides.
            share: of the dimensions that change.
            step: the standard deviation of a change; a dimension with few values moves by one at least, and unordered
                choices are drawn anew.
        """
        moved = points + step * rng.normal(size=points.shape)
        anew = rng.random((len(points), len(self._dimensions)))
        signs = rng.choice(np.array([-1, 1]), points.shape)
        for column, (dimension, values) in enumerate(zip(self._dimensions, self._values, strict=True)):
            if dimension.is_categorical:
                moved[:, column] = anew[:, column]
            elif values is not None:
                before = _nearest(values, points[:, column])
                after = _nearest(values, np.clip(moved[:, column], 0, 1))
                after = np.where(after == before, before + signs[:, column], after)
                moved[:, column] = values[np.clip(after, 0, len(values) - 1)]
        changes = rng.random(points.shape) < share
        return self._snapped(np.where(changes, np.clip(moved, 0, 1), points))

    def embedded(self, points: Floats) -> Floats:
        """The points (n, d) as a model sees them (n, e): choices are as far from each other as the ends of a range."""
        columns: list[Floats] = []
        sampled: dict[str, Bools] = {}
        for column, (dimension, values) in enumerate(zip(self._dimensions, self._values, strict=True)):
            places = points[:, column]
            asked = sampled[dimension.name] = self._is_asked(dimension, points, sampled)
            if dimension.is_categorical and values is not None and len(values) > 2:
                hot = (_nearest(values, places)[:, None] == np.arange(len(values))) & asked[:, None]
                columns += list(hot.T / np.sqrt(2))
            else:
                low, high = (0.0, 1.0) if values is None else (values[0], values[-1])
                columns.append(np.where(asked, (places - low) / (high - low), 0.5))
        return np.column_stack(columns)

    def _is_asked(self, dimension: Dimension, points: Floats, sampled: Mapping[str, Bools]) -> Bools:
        if dimension.condition is None:
            return np.ones(len(points), bool)
        column = self._columns[dimension.condition.key]
        decisive, values = self._dimensions[column], self._values[column]
        assert values is not None
        indices = [index for index in range(len(values)) if decisive.value(index) in dimension.condition.values]
        return np.isin(_nearest(values, points[:, column]), indices) & sampled[decisive.name]

    def _snapped(self, points: Floats) -> Floats:
        points = points.copy()
        for column, values in enumerate(self._values):
            if values is not None:
                points[:, column] = values[_nearest(values, points[:, column])]
        return points

    def _place(self, dimension: Dimension, params: Mapping[str, Any]) -> float:
        if dimension.name not in params:
            return 0.5
        value = params[dimension.name]
        if dimension.is_categorical:
            choices: Sequence[Any] = dimension.edges
            return (choices.index(value) + 0.5) / len(choices)
        return dimension.fraction(value)


def _places(dimension: Dimension) -> Floats | None:
    """The places of a dimension's values, ascending; None if they are many."""
    if dimension.count is None or dimension.count > FEW:
        return None
    indices = range(dimension.count)
    if dimension.is_categorical:
        return (np.array(indices) + 0.5) / dimension.count
    return np.array([dimension.fraction(cast(float, dimension.value(index))) for index in indices])


def _nearest(values: Floats, places: Floats) -> np.ndarray[Any, np.dtype[np.intp]]:
    """The indices of the nearest of ascending values."""
    return np.searchsorted((values[1:] + values[:-1]) / 2, places)
