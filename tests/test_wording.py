"""Counts in words."""

from __future__ import annotations

from nnlab.commands.reproduction_text import summary_lines
from nnlab.wording import bytes_in_words, duration, number_of


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


def test_a_time_has_two_units_at_most() -> None:
    seconds = [0.04, 1.25, 9.96, 12, 59.4, 60, 70, 3599, 3600, 12_000, 86_400, 187_200, 86_399]
    words = "0.04 s|1.2 s|10.0 s|12 s|59 s|1 min|1 min 10 s|59 min 59 s|1 h|3 h 20 min|1 day|2 days 4 h|24 h"
    assert list(map(duration, seconds)) == words.split("|")


def test_bytes_have_the_unit_of_their_size() -> None:
    counts = [400, 340_000, 1_500_000, 25_400_000, 1_240_000_000, 61e9]
    assert list(map(bytes_in_words, counts)) == ["0 kB", "340 kB", "1.5 MB", "25 MB", "1.2 GB", "61 GB"]
