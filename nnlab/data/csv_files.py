"""CSV files: one row per line, a label column and feature columns, as Kaggle publishes MNIST and pandas writes them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from nnlab.core.rows import Array
from nnlab.data.csv_cells import is_number
from nnlab.data.csv_header import Header, is_header
from nnlab.data.csv_index import Index, index_to_drop
from nnlab.data.csv_parsing import EXACT, Decimal, parse
from nnlab.data.csv_pixels import are_pixels
from nnlab.data.csv_text import DELIMITERS, SAMPLE, CsvText, cells_of, decode, find_delimiter
from nnlab.data.files import first_file, listing, read_bytes, resolve_root
from nnlab.data.source import Part, RawTable, Source, assemble
from nnlab.errors import UserError

FILES: dict[Part, tuple[str, str]] = {
    "train": ("train.csv", "mnist_train.csv"),
    "test": ("test.csv", "mnist_test.csv"),
}


class CsvSettings(Protocol):
    """The part of `DataSettings` that is about files."""

    @property
    def root(self) -> str | None:
        """The file or folder."""

    @property
    def label_column(self) -> int:
        """Counted from 0; -1 is the last."""

    @property
    def header(self) -> Header:
        """Whether the first line names the columns."""

    @property
    def delimiter(self) -> str:
        """A name in `DELIMITERS`, or `auto`."""

    @property
    def decimal(self) -> Decimal:
        """The decimal mark."""

    @property
    def index(self) -> Index:
        """What to do with an index."""


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


def load_csv(settings: CsvSettings) -> Source:
    """One file, or a folder with `train.csv` (or `mnist_train.csv`) and perhaps a test file; gzip or not.

    Cells are read as RFC 4180 and pandas read them. Whole numbers from 0 to 255 become bytes, other whole numbers
    int64, all else float64. What was read as a header, a delimiter or an index is in the source's notes.

    Args:
        settings: where the files are, and how they are written.

    Raises:
        UserError: a file is missing or malformed, or can be read in more than one way; the message names the line.
    """
    path = resolve_root(settings.root, "csv")
    files: dict[Part, Path] = {"train": path}
    if path.is_dir():
        found = {part: first_file(path, names) for part, names in FILES.items()}
        files = {part: file for part, file in found.items() if file is not None}
        if "train" not in files:
            raise UserError(
                f"A folder of CSV files needs train.csv or mnist_train.csv (or .gz), but {path} holds "
                f"{listing(path)}. Name the file itself as `data.root`."
            )
    train = read_csv(files["train"], settings)
    tables: dict[Part, CsvFile] = {"train": train}
    if "test" in files:
        tables["test"] = read_csv(files["test"], settings, like=train)
    notes = [
        f"{file.file.name}: {note}" if len(tables) > 1 else note for file in tables.values() for note in file.notes
    ]
    dropped, more = index_to_drop(train.file, train.table, train.names, train.label, settings.index)
    raw = {
        part: RawTable(
            _smallest(np.delete(each.table, [train.label, *dropped], axis=1)), each.table[:, each.label], str(each.file)
        )
        for part, each in tables.items()
    }
    names = None if train.names is None else [name for column, name in enumerate(train.names) if column not in dropped]
    source = assemble(raw, is_image=are_pixels(names, train.file.name))
    as_pandas = np.result_type(
        source.row_type, np.int64
    )  # the type that pandas gives whole numbers, whatever their size
    return dataclasses.replace(source, notes=(*notes, *more, *source.notes), row_type=as_pandas)


def read_csv(file: Path, settings: CsvSettings, like: CsvFile | None = None) -> CsvFile:
    """All of one file.

    Args:
        file: its path.
        settings: how it is written.
        like: the training file that it must match, unless it is that itself.

    Raises:
        UserError: it cannot be read, or in more than one way.
    """
    contents = decode(file, read_bytes(file))
    text = CsvText(contents, find_delimiter(contents, settings.delimiter))
    records = text.records()
    first = next(records, [])
    line, comment = text.line, text.first_comment
    rows = list(itertools.islice(records, SAMPLE))
    if rows and all(row[-1] == "" for row in rows) and (first[-1] == "" or len(first) == len(rows[0]) - 1):
        text.ends_with_delimiter = True
        first, rows = first[: len(rows[0]) - 1], [row[:-1] for row in rows]
    _check_columns(file, line, first, settings, like)
    label = _label_column(file, line, first, settings.label_column)
    if settings.header == "auto":
        known = like is not None and like.names == tuple(first)
        has_header = known or (bool(first) and is_header(file, line, first, rows, label))
    else:
        has_header = settings.header == "yes"
        if has_header and comment and all(map(is_number, first)):
            _check_comment(file, comment, line, first, text.delimiter)
    if not (rows if has_header else first):
        comments = f" (its {text.comments} lines that start with # are comments)" if text.comments else ""
        raise UserError(
            f"A CSV file needs at least one row, but {file} has none{comments}. Add rows, or name another file."
        )
    names = tuple(first) if has_header else None
    if names and len(names) != len(rows[0]):
        raise UserError(
            f"The first line of a CSV file must name every column, but line {line} of {file} has {len(names)} names "
            f"where the line below has {len(rows[0])} cells. Add the missing names (or `data.header=no` if it "
            "is a row); pandas leaves its index out with `df.to_csv(file, index=False)`."
        )
    if names and like is not None and like.names:
        _check_names(file, names, like)
    text.skipped = line if has_header else 0
    table, marks = parse(file, text, label, names, settings.decimal)
    return CsvFile(file, table, names, label, (*_notes(text, line, names, label), *marks))


def _check_columns(file: Path, line: int, first: Sequence[str], settings: CsvSettings, like: CsvFile | None) -> None:
    """Check that there are a label and a feature, and in a test file the columns of the training file."""
    if len(first) == 1:
        tried = f"none of {', '.join(DELIMITERS)}" if settings.delimiter == "auto" else f"not {settings.delimiter}"
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


def _label_column(file: Path, line: int, first: Sequence[str], column: int) -> int:
    """The column of the label, counted from 0."""
    if first and not -len(first) <= column < len(first):
        raise UserError(
            f"`data.label_column={column}` must be one of the columns, 0 to {len(first) - 1} (-1 is the last), but "
            f"line {line} of {file} has {len(first)} columns. Name the label's column."
        )
    return column if column >= 0 else len(first) + column


def _check_comment(file: Path, comment: tuple[int, str], line: int, first: Sequence[str], delimiter: str) -> None:
    """Refuse to use the first row as a header where the header is a comment."""
    number, words = comment
    if number < line and len(next(cells_of(iter([words]), delimiter))) == len(first):
        raise UserError(
            f"`data.header=yes` reads the first line that is not a comment as column names, but in {file} that is line "
            f"{line}, all numbers, and line {number} is a comment that names them: {words[:60]}. Comments are "
            "skipped, so set `data.header=no`."
        )


def _check_names(file: Path, names: Sequence[str], like: CsvFile) -> None:
    """Check that a test file's columns are in the order of the training file's."""
    for column, (name, theirs) in enumerate(zip(names, like.names or (), strict=True)):
        if name != theirs:
            raise UserError(
                f"A test file needs the columns of the training file in the same order, but column {column} is "
                f"{name!r} in {file} and {theirs!r} in {like.file}. Write both in the same order."
            )


def _notes(text: CsvText, line: int, names: tuple[str, ...] | None, label: int) -> list[str]:
    """How the file was read, in words."""
    if names:
        shown = ", ".join(names[:6]) + (f", ... ({len(names)} in all)" if len(names) > 6 else "")
        notes = [f"line {line} read as column names: {shown[:200]}", f"labels from column {label} ({names[label]!r})"]
    else:
        notes = [f"no column names; labels from column {label} (counted from 0)"]
    if text.delimiter != ",":
        name = next(name for name, each in DELIMITERS.items() if each == text.delimiter)
        notes.append(f"cells separated by {name} (data.delimiter={name})")
    if text.ends_with_delimiter:
        notes.append("the delimiter at the end of each line is ignored")
    if text.first_comment:
        count, (number, words) = text.comments, text.first_comment
        notes.append(f"{count} comment{'s' if count > 1 else ''} skipped, the first in line {number}: {words[:60]}")
    return notes


def _smallest(x: Array) -> Array:
    """Whole numbers as bytes or int64, all else as it is."""
    if x.dtype != np.float64 or not (x == np.trunc(x)).all() or np.abs(x).max() >= EXACT:
        return x
    return x.astype(np.uint8 if x.min() >= 0 and x.max() <= 255 else np.int64)
