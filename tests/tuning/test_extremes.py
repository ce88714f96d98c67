"""The smallest and the largest point of a space are those that looking at all of its points finds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from searching import CONDITIONAL, FINITE, space_of

from nnlab.tuning.search.extremes import extremes
from nnlab.tuning.search.space import Space


def multiplications(values: Mapping[str, Any]) -> float:
    widths: list[int] = [64, *values["model.hidden"], 10]
    return sum(a * b for a, b in itertools.pairwise(widths))


def steps(values: Mapping[str, Any]) -> float:
    return float(values.get("trainer.epochs", 10) / values["trainer.batch_size"])


def everywhere(space: Space) -> list[dict[str, Any]]:
    """Every point, by every value of every dimension, whether it is asked or not."""
    all_values = [[axis.value(index) for index in range(axis.count or 0)] for axis in space.dimensions]
    names = [axis.name for axis in space.dimensions]
    return [space.values(dict(zip(names, values, strict=True))) for values in itertools.product(*all_values)]


@pytest.mark.parametrize(
    ("texts", "cost"),
    [
        ({"model.depth": "range(1, 4)", "model.width": "choice(2, 5, 60)"}, multiplications),
        # Deeper is smaller here: narrow layers stand between wide ends.
        ({"model.depth": "range(1, 3)", "model.width.0": "choice(30, 40)", "model.width.1": "1,2"}, multiplications),
        ({"model.hidden": "choice([8], [64, 2], [16, 16])"}, multiplications),
        ({"trainer.batch_size": "range(16, 65, 16)", "trainer.epochs": "choice(5, 3, 9)"}, steps),
    ],
)
def test_they_are_those_of_all_points(texts: dict[str, Any], cost: Callable[[Mapping[str, Any]], float]) -> None:
    space = space_of(texts)
    costs = [cost(values) for values in everywhere(space)]
    smallest, largest = extremes(space, cost)
    assert (cost(smallest), cost(largest)) == (min(costs), max(costs))


def test_a_point_has_the_keys_that_are_asked_there() -> None:
    smallest, largest = extremes(CONDITIONAL, lambda values: len(values) + len(values["model.hidden"]))
    assert smallest["optimizer"] == "sgd"
    assert "optimizer.momentum" not in smallest
    assert len(smallest["model.hidden"]) == 1
    assert largest["optimizer"] == "momentum"
    assert "optimizer.momentum" in largest
    assert len(largest["model.hidden"]) == 3


def test_a_cost_that_is_everywhere_the_same_has_some_point() -> None:
    smallest, largest = extremes(FINITE, lambda values: 1.0)
    assert smallest.keys() == largest.keys() == {axis.name for axis in FINITE.dimensions}


def test_where_not_all_is_accepted_they_are_those_of_the_accepted_points() -> None:
    space = space_of({"model.depth": "range(1, 4)", "model.width": "choice(2, 5, 30, 60)", "model.dropout": "0,0.5"})

    def accepts(values: Mapping[str, Any]) -> bool:
        return 500 < multiplications(values) < 4000

    costs = [multiplications(values) for values in everywhere(space) if accepts(values)]
    smallest, largest = extremes(space, multiplications, accepts)
    assert (multiplications(smallest), multiplications(largest)) == (min(costs), max(costs))
