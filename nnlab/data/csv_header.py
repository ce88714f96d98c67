"""Whether the first line of a CSV file names the columns or is a row; where it could be either, the file is refused."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NoReturn

from nnlab.data.csv_cells import is_number, is_value
from nnlab.data.files import printable
from nnlab.errors import UserError

Cells = Sequence[str]

Header = Literal["auto", "yes", "no"]
"""Whether a file starts with names, in the words of `data.header`: `auto` decides by `is_header`."""

SOME, MANY = 3, 5
"""How many numbers make an order no coincidence: numbered from 0, and merely ascending."""
ENOUGH = 10
"""How many columns, and rows, make numbers outside a column's range no coincidence."""


def is_header(file: Path, line: int, first: Cells, rows: Sequence[Cells], label: int) -> bool:
    """Decide from the first line and some rows below it.

    Words are names, and numbers are a row. Numbers may be names where pandas numbers nameless columns (0, 1, 2, ...,
    perhaps after the nameless column of its index): among words, with a word for the label, or if the rows below show
    that the first line is of another kind. So may many numbers in ascending order after a word for the label.

    Args:
        file: for messages.
        line: the number of the first line, for messages.
        first: its cells.
        rows: cells of rows below it.
        label: the column of the label, from 0.

    Raises:
        UserError: it could be either.
    """
    words = [cell for cell in first if not is_value(cell)]
    numbers = [cell for cell in first if is_number(cell)]
    has_nameless = first[0] == ""
    if not words and len(numbers) < len(first) - has_nameless:
        return False  # a row with true or false, or with a missing value
    if not numbers:
        return True
    is_counted = _are_counted(first) or ((not is_value(first[0]) or has_nameless) and _are_counted(first[1:]))
    if words:
        names_label = not is_value(first[label])
        if (is_counted and (names_label or has_nameless or len(numbers) >= SOME)) or (
            names_label and len(numbers) >= MANY and _ascend(numbers)
        ):
            return True
        _ask(file, line, first, f"it has words ({words[0][:40]!r}) and numbers")
    is_labelled = not is_counted and _are_counted_with_a_label(first)
    if is_labelled and all(cell in "01" for row in rows for cell in row):
        return False  # bits
    if is_counted or is_labelled:
        if has_nameless or _are_of_another_kind(first, rows) or _are_out_of_range(first, rows, some=True):
            return True
        _ask(file, line, first, "pandas numbers nameless columns like this")
    if (
        all(cell.isdecimal() for cell in first)
        and _ascend(first)
        and (_are_of_another_kind(first, rows) or _are_out_of_range(first, rows, some=False))
    ):
        _ask(file, line, first, "its numbers ascend, and are of a different kind than those below")
    return False


def _are_counted(cells: Cells) -> bool:
    """Whether each cell is its own position, or a word; at least one is a position."""
    fits = (cell == str(position) or not is_value(cell) for position, cell in enumerate(cells))
    return all(fits) and any(map(is_number, cells))


def _are_counted_with_a_label(cells: Cells) -> bool:
    """Whether these are pandas' numbers for the features, and one for a label before or after them.

    `pd.concat([features, labels], axis=1)` makes 0, 1, ..., 0 of nameless ones, and `read_csv` a 0.1 of a second 0.
    """
    features = [str(position) for position in range(len(cells) - 1)]
    plain = ["0" if cell == "0.1" and "0" in cells else cell for cell in cells]
    return len(cells) > 2 and (
        (plain[1:] == features and plain[0] in ("0", str(len(features)))) or plain == [*features, "0"]
    )


def _ascend(cells: Cells) -> bool:
    """Whether they are unsigned numbers in ascending order, as names of columns are."""
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        return False
    return cells[0][:1] not in ("-", "+") and all(a < b for a, b in itertools.pairwise(values))


def _are_of_another_kind(first: Cells, rows: Sequence[Cells]) -> bool:
    """Whether columns have a whole number in the first line and nothing but decimals below.

    One column is not enough: spreadsheets write 1 for 1.0, so that a row may have a whole number by chance.
    """
    rows = [row for row in rows if len(row) == len(first)]
    if len(rows) < SOME:
        return False
    columns = zip(first, *rows, strict=True)
    return len([0 for head, *cells in columns if head.isdecimal() and all(map(_is_decimal, cells))]) > 1


def _is_decimal(cell: str) -> bool:
    return is_number(cell) and any(mark in cell for mark in ".,eE")


def _are_out_of_range(first: Cells, rows: Sequence[Cells], *, some: bool) -> bool:
    """Whether the first line is outside the range of the rows, in some column of many or in every column."""
    rows = [row for row in rows if len(row) == len(first) and all(map(is_number, row))]
    if len(rows) < ENOUGH or (some and len(first) < ENOUGH):
        return False
    numbers = [[float(cell.replace(",", ".")) for cell in row] for row in (first, *rows)]
    outside = [not min(values) <= head <= max(values) for head, *values in zip(*numbers, strict=True)]
    return any(outside) if some else all(outside)


def _ask(file: Path, line: int, first: Cells, because: str) -> NoReturn:
    shown = ", ".join(map(printable, first[:5])) + (", ..." if len(first) > 5 else "")
    raise UserError(
        f"The first line of a CSV file is a row or names the columns, but line {line} of {file} ({shown[:80]}) could "
        f"be either: {because}. Set `data.header=yes` for names, or `data.header=no` for a row."
    )
