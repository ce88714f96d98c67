"""A space in words names its values, its ends, its scale and its conditions."""

from __future__ import annotations

import pytest
from searching import CONDITIONAL, space_of

from nnlab.tuning.search.words import combinations_in_words, space_lines


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("trainer.batch_size", "choice(16, 32, 64)", "16, 32 or 64"),
        ("trainer.batch_size", "choice(16, full)", "16 or full"),
        ("trainer.epochs", "range(3, 5)", "3 or 4"),
        ("trainer.epochs", "range(1, 101)", "1 to 100, whole numbers"),
        ("trainer.epochs", "range(10, 201, 10)", "10 to 200 in steps of 10"),
        ("trainer.epochs", "tag(log, range(16, 129))", "16 to 128, whole numbers on a log scale"),
        ("optimizer.lr", "tag(log, interval(0.003, 0.3))", "0.003 to 0.3 on a log scale"),
        ("model.dropout", "interval(0.1, 0.5)", "0.1 to 0.5"),
        ("model.dropout", "range(0, 0.3, 0.1)", "0, 0.1 or 0.2"),
        ("model.dropout", "range(0, 0.5, 0.05)", "0 to 0.45 in steps of 0.05"),
        ("model.hidden", "choice([8], [16, 16])", "[8] or [16,16]"),
        ("trainer.patience", "null,3", "null or 3"),
    ],
)
def test_values(key: str, text: str, words: str) -> None:
    assert space_lines(space_of({key: text})) == [(key, words)]


def test_conditions() -> None:
    lines = dict(space_lines(CONDITIONAL))
    assert lines["optimizer.momentum"] == "0 to 0.9, only with optimizer=momentum"
    assert lines["model.width.1"] == "16 or 32, only with model.depth 2 or 3"
    assert lines["model.width.0"] == "16 or 32"


def test_how_many_combinations() -> None:
    assert combinations_in_words(space_of({"trainer.epochs": "range(1, 5)"})) == "4 combinations"
    assert combinations_in_words(CONDITIONAL) == "infinitely many combinations"
