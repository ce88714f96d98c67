"""Counts in words."""

from __future__ import annotations

from nnlab.commands.reproduction_text import summary_lines
from nnlab.wording import about, bytes_in_words, duration, number_of


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
    seconds = [0.0421, 1.25, 12.34, 60, 99, 200, 600, 3600, 7512, 360_000, 6.3e8]
    words = "0.0421 s|1.25 s|12.3 s|60 s|99 s|3 min 20 s|10 min|1 h|2 h 5 min|100 h|20 years"
    assert list(map(duration, seconds)) == words.split("|")


def test_an_estimate_has_two_digits() -> None:
    assert list(map(about, [0.0421, 1.25, 12.34, 81.4, 352, 1039])) == [
        "0.042 s",
        "1.2 s",
        "12 s",
        "81 s",
        "5 min 50 s",
        "16 min 40 s",
    ]


def test_bytes_have_the_unit_of_their_size() -> None:
    counts = [400, 340_000, 1_500_000, 25_400_000, 1_240_000_000, 61e9]
    assert list(map(bytes_in_words, counts)) == ["0 kB", "340 kB", "1.5 MB", "25 MB", "1.2 GB", "61 GB"]
