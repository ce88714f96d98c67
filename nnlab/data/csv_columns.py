"""The columns of a CSV file: that there are enough, that one is the label, and that a test file has the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from nnlab.core.rows import Array
from nnlab.data.csv_text import DELIMITERS, cells_of
from nnlab.data.files import printable
from nnlab.errors import UserError


@dataclasses.dataclass(frozen=True)
class CsvFile:
    """What one file holds.

    Args:
        file: its path.
        table: (n, columns) uint8, float64 or int64.
        names: of the columns, if the file names them.
        label: the column of the label, from 0.
        notes: how the file was read, a sentence each.
    """

    file: Path
    table: Array
    names: tuple[str, ...] | None
    label: int
    notes: tuple[str, ...]


def check_columns(file: Path, line: int, first: Sequence[str], delimiter: str, like: CsvFile | None) -> None:
    """Check that there are a label and a feature, and in a test file the columns of the training file."""
    if len(first) == 1:
        tried = f"none of {', '.join(DELIMITERS)}" if delimiter == "auto" else f"not {delimiter}"
        raise UserError(
            f"A CSV file needs a label column and at least one more, but line {line} of {file}, "
            f"{first[0][:60]!r}, is one cell: the delimiter is {tried}. `data.delimiter=auto` tries all that nnlab "
            "reads; write the file with one of them."
        )
    if not first or like is None or len(first) == like.table.shape[1]:
        return
    if len(first) == like.table.shape[1] - 1:
        raise UserError(
            f"A test file needs the columns of the training file, but {file} has one fewer: like "
            f"Kaggle's it seems to have no labels. Use `data.root={like.file}` alone; `data.split.test` then holds out "
            "some of its rows."
        )
    raise UserError(
        f"A test file needs the columns of the training file, but {file} has {len(first)} and {like.file} has "
        f"{like.table.shape[1]}. Give files of one data set."
    )


def label_column(file: Path, line: int, first: Sequence[str], column: int) -> int:
    """The column of the label, counted from 0."""
    if first and not -len(first) <= column < len(first):
        raise UserError(
            f"`data.label_column={column}` must be one of the columns, 0 to {len(first) - 1} (-1 is the last), but "
            f"line {line} of {file} has {len(first)} columns. Name the label's column."
        )
    return column if column >= 0 else len(first) + column


def check_comment(file: Path, comment: tuple[int, str], line: int, first: Sequence[str], delimiter: str) -> None:
    """Refuse to use the first row as a header where the header is a comment."""
    number, words = comment
    if number < line and len(next(cells_of(iter([words]), delimiter))) == len(first):
        raise UserError(
            f"`data.header=yes` reads the first line that is not a comment as column names, but in {file} that is line "
            f"{line}, all numbers, and line {number} is a comment that names them: {printable(words[:60])}. "
            "Comments are skipped, so set `data.header=no`."
        )


def check_names(file: Path, names: Sequence[str], like: CsvFile) -> None:
    """Check that a test file's columns are in the order of the training file's."""
    for column, (name, theirs) in enumerate(zip(names, like.names or (), strict=True)):
        if name != theirs:
            raise UserError(
                f"A test file needs the columns of the training file in the same order, but column {column} is "
                f"{name[:40]!r} in {file} and {theirs[:40]!r} in {like.file}. Write both in the same order."
            )
