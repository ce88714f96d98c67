"""The nearest value of a dimension: by ratio where numbers are positive, on a step where there are steps."""

from __future__ import annotations

import math
from typing import Any

import pytest
from searching import space_of

from nnlab.tuning.search.nearest import Nearest, nearest


@pytest.mark.parametrize(
    ("key", "text", "value", "found"),
    [
        ("optimizer.lr", "interval(0.1, 1)", 0.25, 0.25),
        ("optimizer.lr", "interval(0.1, 1)", 1, 1.0),
        ("optimizer.lr", "tag(log, interval(0.1, 1))", 0.01, 0.1),
        ("optimizer.lr", "tag(log, interval(0.1, 1))", 30, 1.0),
        ("model.dropout", "range(0, 0.5, 0.1)", 0.3, 0.3),  # 3 * 0.1 is 0.30000000000000004
        ("model.dropout", "range(0, 0.5, 0.1)", 0.29, 0.3),
        ("model.dropout", "range(0, 0.5, 0.1)", 0.9, 0.4),
        ("trainer.batch_size", "range(16, 65, 16)", 32, 32),
        ("trainer.batch_size", "range(16, 65, 16)", 41, 48),
        ("trainer.batch_size", "range(16, 65, 16)", 1, 16),
        ("trainer.batch_size", "tag(log, range(16, 65))", 17, 17),
        ("trainer.batch_size", "choice(10, 20, 40)", 32, 40),  # 40/32 < 32/20
        ("trainer.batch_size", "choice(10, 40)", 20, 10),  # as near as 40: the smaller
        ("optimizer.lr", "choice(0.1, 0.001)", 0.02, 0.1),  # 5 times, not 20 times; the differences say otherwise
        ("model.dropout", "choice(0, 0.5)", 0.2, 0),  # by difference, as 0 has no ratio
        ("trainer.batch_size", "choice(full, 16, 32)", 64, 32),
        ("trainer.batch_size", "choice(full, 16, 32)", "full", "full"),
        ("model.activation", "choice(relu, tanh)", "tanh", "tanh"),
        ("model.bias", "choice(true, false)", False, False),
        ("model.hidden", "choice([64], [128, 64])", "[128,64]", "[128,64]"),
    ],
)
def test_the_nearest_value(key: str, text: str, value: Any, found: Any) -> None:
    (dimension,) = space_of({key: text}).dimensions
    is_exact = value == found
    assert nearest(dimension, value) == Nearest(found, is_exact)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("model.activation", "choice(relu, tanh)", "sigmoid"),
        ("model.hidden", "choice([64], [128, 64])", "[32]"),
        ("model.bias", "choice(true, false)", 1),  # equal to true in Python
    ],
)
def test_without_an_order_the_first_choice_stands_for_all_others(key: str, text: str, value: Any) -> None:
    (dimension,) = space_of({key: text}).dimensions
    assert nearest(dimension, value) == Nearest(dimension.edges[0], False)


@pytest.mark.parametrize("value", [None, "full", True, math.nan, [1]])
def test_no_number_is_nearest_to_what_is_none(value: Any) -> None:
    (dimension,) = space_of({"trainer.clip_norm": "interval(0.1, 10)"}).dimensions
    assert nearest(dimension, value) is None
