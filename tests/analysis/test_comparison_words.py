"""The sentences: who is better, by how much and how often, whichever way is better and whoever is named first."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs_to_compare import a_group

from nnlab.analysis import compare
from nnlab.analysis.comparison.comparison import Comparison
from nnlab.analysis.comparison.words import mcnemar_sentence, sentence
from nnlab.stats import McNemar

GOOD = [0.1, 0.12, 0.14, 0.11, 0.13, 0.15, 0.12, 0.14, 0.1, 0.13]
BAD = [0.31, 0.36, 0.4, 0.33, 0.38, 0.13, 0.35, 0.37, 0.34, 0.39]
"""Losses; the accuracies are what is left of 1. With one seed the good one is the worse."""


def compared(folder: Path, *, metric: str, good_is_first: bool, paired: bool) -> Comparison:
    runs = [a_group(folder, GOOD, optimizer__lr=0.1 if good_is_first else 0.3), a_group(folder, BAD, optimizer__lr=0.2)]
    return compare(runs[0] + runs[1], by="optimizer.lr", metric=metric, pair="seed" if paired else None)


@pytest.mark.parametrize("good_is_first", [True, False])
@pytest.mark.parametrize(("metric", "way"), [("val/loss", "lower"), ("val/accuracy", "higher")])
def test_the_better_one_is_named_and_how_often_it_is(
    tmp_path: Path, metric: str, way: str, good_is_first: bool
) -> None:
    good = "lr=0.1" if good_is_first else "lr=0.3"
    cases = f"a run of {good} is better than one of lr=0.2 in 96 % of the cases"  # 96 of 100, counted by hand
    for paired, often in ((True, "it is better in 9 of 10 seeds"), (False, cases)):
        found = compared(tmp_path / often[:2], metric=metric, good_is_first=good_is_first, paired=paired)
        said = sentence(found.judged[0], found)
        assert said.startswith(f"{good} is better than lr=0.2: {metric} {way} by 0.21"), said
        assert often in said, said
        assert found.best.name == good


@pytest.mark.parametrize(
    ("only_a", "only_b", "p", "says"),
    [
        (20, 5, 0.004, "the model of lr=0.1 is right more often"),
        (5, 20, 0.004, "the model of lr=0.2 is right more often"),
        (12, 8, 0.5, "cannot tell these two models apart"),
    ],
)
def test_of_two_models_the_one_that_alone_is_right_more_often_is_named(
    tmp_path: Path, only_a: int, only_b: int, p: float, says: str
) -> None:
    found = compared(tmp_path, metric="val/loss", good_is_first=True, paired=True)
    said = mcnemar_sentence(McNemar(only_a, only_b, 70, 5, p), found)
    assert says in said
    assert f"lr=0.1 alone is right on {only_a}, lr=0.2 alone on {only_b}" in said
