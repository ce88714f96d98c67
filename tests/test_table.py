"""Tables of text: no column is cut, and each name has a letter of its own."""

from __future__ import annotations

import pytest

from nnlab.table import Column, fitting, letters

COLUMNS = [
    Column("name", ["a", "bc"], is_left=True),
    Column("lr", ["0.1", "0.25"], leaves=2, name="optimizer.lr"),
    Column("seconds", ["1.5", "12.5"], leaves=1),
]


@pytest.mark.parametrize(
    ("width", "lines", "left"),
    [
        (19, ["name    lr  seconds", "a      0.1      1.5", "bc    0.25     12.5"], []),
        (18, ["name    lr", "a      0.1", "bc    0.25"], ["seconds"]),
        (9, ["name", "a", "bc"], ["seconds", "optimizer.lr"]),
        (1, ["name", "a", "bc"], ["seconds", "optimizer.lr"]),
    ],
)
def test_columns_leave_whole_and_in_their_order(width: int, lines: list[str], left: list[str]) -> None:
    assert fitting(COLUMNS, width) == (lines, left)


def test_every_name_has_a_letter_of_its_own_after_z_too() -> None:
    found = letters([f"name {place}" for place in range(60)])
    assert len(set(found.values())) == 60
    assert [found[f"name {place}"] for place in (0, 25, 26, 53)] == ["A", "Z", "AA", "BBB"]
