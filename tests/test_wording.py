"""Counts in words."""

from __future__ import annotations

from nnlab.commands.reproduction_text import summary_lines
from nnlab.wording import number_of


def test_one_is_singular_and_all_others_are_not() -> None:
    assert [number_of(count, "run") for count in (0, 1, 2, 1000)] == ["0 runs", "1 run", "2 runs", "1,000 runs"]
    assert [number_of(count, "directory", "directories") for count in (1, 2)] == ["1 directory", "2 directories"]
    assert [number_of(count, "more seed is", "more seeds are") for count in (1, 12)] == [
        "1 more seed is",
        "12 more seeds are",
    ]


def test_a_single_reproduction_is_one_run() -> None:
    assert summary_lines([("a", "identical")])[-1] == "1 run: 1 identical"
    assert summary_lines([("a", "identical"), ("b", "different")])[-1] == "2 runs: 1 identical, 1 different"
