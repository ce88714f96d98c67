"""What choosing by the same rows costs: numbers worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from nnlab.tuning.report.choice_cost import ChoiceCost, cost_lines, over_others


def test_the_epoch_that_the_others_find_best_is_found_without_the_run() -> None:
    curves = [{1: 5.0, 2: 1.0, 3: 2.0}, {1: 5.0, 2: 3.0, 3: 1.0}, {1: 5.0, 2: 2.0, 3: 1.5, 4: 0.1}]
    # By the others: run 1 at epoch 3 (mean 1.25 of 1.0 and 1.5), run 2 at 2 (1.5), run 3 at 2 (2.0) or 3 (1.5): at 3.
    # Of what they kept, epochs 2, 3 and 4, they lose 1.0, 2.0 and 1.4.
    assert over_others(curves, [2, 3, 4], "val/loss") == pytest.approx((1.0 + 2.0 + 1.4) / 3)
    turned = [{epoch: -value for epoch, value in curve.items()} for curve in curves]
    assert over_others(turned, [2, 3, 4], "val/accuracy") == pytest.approx((1.0 + 2.0 + 1.4) / 3)


def test_runs_with_one_curve_lose_nothing_by_each_others_epoch() -> None:
    assert over_others([{1: 2.0, 2: 1.0, 3: 1.5}] * 4, [2] * 4, "val/loss") == 0


def cost(**changes: object) -> ChoiceCost:
    facts: dict[str, object] = {
        "objective": "val/loss",
        "rows": (300, 200),
        "chooses_epoch": True,
        "over_last": 0.01,
        "over_others": 0.002,
        "validation": {"val/loss": 0.2, "val/accuracy": 0.95},
        "test": {"test/loss": 0.25, "test/accuracy": 0.9},
    }
    return ChoiceCost(**(facts | changes))  # type: ignore[arg-type]


def test_accuracies_of_two_splits_differ_by_the_chance_of_their_rows() -> None:
    # Two proportions of 0.9: variances 0.09/300 and 0.09/200.
    assert cost().rows_alone == pytest.approx(1.96 * math.sqrt(0.0003 + 0.00045))
    assert cost(test={"test/loss": 0.1, "test/accuracy": 1.0}).rows_alone == 0
    assert math.isnan(cost(test={}).rows_alone)
    assert math.isnan(cost(rows=(300, 0)).rows_alone)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({}, {"epoch", "rows"}),
        ({"over_others": None}, {"epoch", "rows"}),
        ({"chooses_epoch": False}, {"rows"}),
        ({"test": {}}, {"epoch"}),
    ],
)
def test_only_what_was_chosen_and_is_known_is_said(changes: dict[str, object], parts: set[str]) -> None:
    lines = list(cost(**changes).lines(None))
    assert {line.split()[1] for line in lines[1:]} == parts
    assert ("sweep.at=last" in " ".join(lines)) == ("epoch" in parts)
    assert any("sweep.confirm" in line for line in cost().lines("python -m nnlab.sweep sweep.confirm=3"))


def test_of_a_study_that_cannot_be_read_nothing_is_said(tmp_path: Path) -> None:
    assert cost_lines(tmp_path, ["val/loss"], 3) == []
