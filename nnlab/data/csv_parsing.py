"""From the cells of CSV files to numbers, exactly: fast where the file is plain, else cell by cell."""

from __future__ import annotations

import dataclasses
import functools
import math
import sys
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NoReturn

import numpy as np

from nnlab.core.rows import Array
from nnlab.data.csv_cells import COMMA_NUMBER, DECIMAL_COMMA, GROUPED, POINT_NUMBER, TRUTH, WHOLE_NUMBER, what_is_wrong
from nnlab.data.csv_index import likely_label
from nnlab.data.csv_text import CsvText
from nnlab.data.labels import LIKE_NUMBERS
from nnlab.data.limits import MemoryLimit
from nnlab.errors import UserError

Decimal = Literal["auto", "point", "comma"]
"""The decimal mark, in the words of `data.decimal`: `auto` takes the comma where no number has a point."""

EXACT = 2**53
"""Up to here float64 holds every whole number."""
IS_NUMBER, IS_TRUTH = 1, 2
"""What the cells of a column are, as bits."""
LONGEST_NUMBER = 309
"""Digits of the largest float64."""
GROWTH = 1.25
"""How much longer than its rows an array may be while it grows."""


def parse(
    file: Path,
    text: CsvText,
    columns: int,
    label: int,
    names: Sequence[str] | None,
    decimal: Decimal,
    limit: MemoryLimit,
) -> tuple[Array, list[str]]:
    """All rows, and how they were read, a sentence each.

    Args:
        file: for messages.
        text: its rows, and how cells are separated.
        columns: how many there are.
        label: the column of the label, from 0.
        names: of the columns, if the file names them.
        decimal: the decimal mark.
        limit: of the memory that the numbers may take beside the text.

    Returns:
        (n, columns): uint8 if all cells are whole numbers from 0 to 255, written without a point; else float64, each
        number the nearest to what is written, and whole ones exact; or int64 where those are all, and too large.

    Raises:
        UserError: a cell is not a finite number, a label not a whole one, lines differ in their number of cells, or it
            needs more memory than there may be.
    """
    load = functools.partial(_load, columns=columns, limit=limit)
    if decimal != "comma":
        if (table := load(text, np.uint8)) is not None:
            return table, []
        if (table := load(text, np.float64)) is not None and (largest := _largest(table, label)) is not None:
            if largest < EXACT:
                return table, []
            del table  # before the next
            if (table := load(text, np.int64)) is not None:
                return table, []
    if decimal != "point" and (pointed := _with_points(text, limit)):
        table = load(pointed, np.float64)
        if table is not None and (largest := _largest(table, label)) is not None and largest < EXACT:
            return table, ["decimal commas"]
    return _CellByCell(file, text, label, names, decimal).read()


def _load(text: CsvText, dtype: type[np.generic], *, columns: int, limit: MemoryLimit) -> Array | None:
    """All rows as one array (n, columns); None if a cell does not fit, or a line has other cells."""
    held, size = sys.getsizeof(text.text), GROWTH * np.dtype(dtype).itemsize
    # A cell has two characters or more, so that lines need not be counted where even that many cells fit.
    if not limit.allows_at_once(held + size * (len(text.text) // 2 + columns), held=held):
        rows = text.text.count("\n") + 1
        facts = f"it has up to {rows:,} rows of {columns:,} numbers"
        limit.check(text.file, held + size * rows * columns, facts, held=held)
    delimiter = None if text.delimiter == " " else text.delimiter
    try:
        lines = text.lines() if text.text.isascii() else _ascii(text.lines())
        table = np.loadtxt(lines, delimiter=delimiter, dtype=dtype, comments=None, quotechar='"', ndmin=2)
    except UserError:
        raise
    except ValueError:
        return None
    return table if table.shape[1] == columns else None


def _ascii(lines: Iterator[str]) -> Iterator[str]:
    """Lines in ASCII: other characters are spaces to NumPy, or digits, as the last of 1㕦, which it reads as 64.

    Raises:
        ValueError: at a line that is not.
    """
    for line in lines:
        if not line.isascii():
            raise ValueError
        yield line


def _largest(table: Array, label: int) -> float | None:
    """The largest absolute value of a table of floats; None if it is not finite, or a label is not whole."""
    low, high = float(table.min()), float(table.max())
    labels = table[:, label]
    is_table = math.isfinite(low) and math.isfinite(high) and bool((labels == np.trunc(labels)).all())
    return max(-low, high) if is_table else None


def _with_points(text: CsvText, limit: MemoryLimit) -> CsvText | None:
    """The text with decimal points for commas, where these can be nothing else: a fast path for long files."""
    if text.delimiter == "," or "," not in text.text:
        return None
    limit.check(text.file, 4 * sys.getsizeof(text.text), "its text has decimal commas", held=sys.getsizeof(text.text))
    start = 0
    for _ in range(text.skipped):
        start = text.text.find("\n", start) + 1
    body = text.text[start:]
    if "." in body or '"' in body or not DECIMAL_COMMA.search(body):
        return None
    return dataclasses.replace(text, text=text.text[:start] + body.replace(",", "."))


class _CellByCell:
    """Reads one cell after another, with its place for messages, and decides what points and commas mean."""

    def __init__(self, file: Path, text: CsvText, label: int, names: Sequence[str] | None, decimal: Decimal) -> None:
        self.file = file
        self.text = text
        self.label = label
        self.names = names
        self.decimal = decimal
        self.places: dict[str, str] = {}
        """Where a decimal point, a decimal comma, and a comma that must be decimal were first seen."""

    def read(self) -> tuple[Array, list[str]]:
        """As `parse` does."""
        numbers = array("d")
        columns, first_line = 0, 0
        kinds = bytearray()
        for cells in self.text.records():
            if not columns:
                columns, first_line = len(cells), self.text.line
                kinds = bytearray(columns)
            if len(cells) != columns:
                place = f"line {self.text.line} of {self.file}"
                self._reject(
                    f"{place} has {len(cells)} columns where line {first_line} has {columns}",
                    "Correct the line; a cell that holds the delimiter needs quotes",
                )
            for column, cell in enumerate(cells):
                kind = IS_TRUTH if cell in TRUTH else IS_NUMBER
                value = TRUTH[cell] if kind == IS_TRUTH else self._number(cell, column)
                kinds[column] |= kind
                if kinds[column] != kind:
                    self._reject_cell(cell, column, "is a truth value or a number, while others in its column are not")
                numbers.append(value)
        if "grouped" in self.places and "comma" not in self.places and self.decimal == "auto":
            self._reject(
                f"{self.places['grouped']}, which could be a decimal comma or a thousands separator",
                "Set `data.decimal=comma` for decimals, or write the file without thousands separators",
            )
        truths = [str(column) for column, kind in enumerate(kinds) if kind == IS_TRUTH]
        notes = ["decimal commas"] if {"comma", "grouped"} & self.places.keys() else []
        if truths:
            notes.append(f"true and false read as 1 and 0 in column {', '.join(truths)}")
        return np.frombuffer(numbers, dtype=np.float64).reshape(-1, columns), notes

    def _number(self, cell: str, column: int) -> float:
        if POINT_NUMBER.fullmatch(cell):
            if "." in cell:
                self._note_mark("point", cell, column)
            written = cell
        elif self.decimal != "point" and COMMA_NUMBER.fullmatch(cell):
            self._note_mark("grouped" if GROUPED.fullmatch(cell) else "comma", cell, column)
            written = cell.replace(",", ".")
        else:
            fact, remedy = what_is_wrong(cell, is_label=column == self.label)
            if COMMA_NUMBER.fullmatch(cell):
                fact, remedy = "has a decimal comma", "Set `data.decimal=comma`"
            self._reject_cell(cell, column, fact, remedy)
        value = float(written)
        if not math.isfinite(value):
            self._reject_cell(cell, column, "is beyond the largest float64, 1.8e308", "Write it in another unit")
        if column == self.label and value != int(value):
            named = likely_label(self.names)
            other = f"; `data.label_column={named}` is {self.names[named][:40]!r}" if self.names and named >= 0 else ""
            self._reject_cell(cell, column, "is the label but not a whole number", LIKE_NUMBERS + other)
        if abs(value) >= EXACT and (whole := WHOLE_NUMBER.fullmatch(written)) and not _is_same(whole[1], value):
            self._reject_cell(
                cell,
                column,
                "is a whole number that float64 cannot hold exactly (only those up to 2^53)",
                "Drop the column if it is an identifier, or subtract a constant from it",
            )
        return value

    def _note_mark(self, mark: str, cell: str, column: int) -> None:
        if mark not in self.places:
            self.places[mark] = self._place(cell, column)
        commas = next((self.places[each] for each in ("comma", "grouped") if each in self.places), None)
        if "point" in self.places and (commas or self.decimal == "comma"):
            self._reject(
                f"{self.places['point']} with a decimal point"
                + (f", and {commas} with a comma" if commas else ", and `data.decimal=comma` is set"),
                "Use one decimal mark, and no thousands separators",
            )

    def _place(self, cell: str, column: int) -> str:
        name = f", {self.names[column][:40]!r}" if self.names and column < len(self.names) else ""
        return f"line {self.text.line} of {self.file} has {cell[:40]!r} in column {column} (counted from 0{name})"

    def _reject_cell(self, cell: str, column: int, fact: str, remedy: str = "Correct the cell") -> NoReturn:
        self._reject(f"{self._place(cell, column)}, which {fact}", remedy)

    def _reject(self, facts: str, remedy: str) -> NoReturn:
        raise UserError(f"A CSV file must be a table of finite numbers, but {facts}. {remedy}.")


def _is_same(digits: str, value: float) -> bool:
    """Whether a whole number as it is written is that of a float."""
    significant = digits.lstrip("+-0")
    return len(significant) <= LONGEST_NUMBER and int(significant) == int(abs(value))
