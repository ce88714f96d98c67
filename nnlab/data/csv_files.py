"""CSV files: one row per line, a label column and feature columns, as Kaggle publishes MNIST and pandas writes them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from nnlab.core.rows import Array
from nnlab.data.csv_cells import is_number
from nnlab.data.csv_columns import CsvFile, check_columns, check_comment, check_names, label_column
from nnlab.data.csv_encoding import read_text
from nnlab.data.csv_header import Header, is_header
from nnlab.data.csv_index import Index, index_to_drop
from nnlab.data.csv_parsing import EXACT, Decimal, parse
from nnlab.data.csv_pixels import are_pixels
from nnlab.data.csv_text import DELIMITERS, CsvText, at_most, find_delimiter
from nnlab.data.files import first_file, listing, printable, resolve_root
from nnlab.data.limits import ROW_BYTES, MemoryLimit, checking
from nnlab.data.number_types import CHUNK
from nnlab.data.source import Part, RawTable, Source, assemble
from nnlab.errors import UserError

FILES: dict[Part, tuple[str, str]] = {
    "train": ("train.csv", "mnist_train.csv"),
    "test": ("test.csv", "mnist_test.csv"),
}


class CsvSettings(Protocol):
    """The part of `DataSettings` that is about files."""

    @property
    def max_gigabytes(self) -> float:
        """What reading one file may take in memory."""

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
    label, names, name = train.label, train.names, train.file.name
    del train  # and with each table below: its memory is for what comes
    limit = MemoryLimit(settings.max_gigabytes)
    raw = {part: _as_raw(tables.pop(part), [label, *dropped], limit) for part in files}
    kept = None if names is None else [each for column, each in enumerate(names) if column not in dropped]
    source = assemble(raw, is_image=are_pixels(kept, name))
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
    limit = MemoryLimit(settings.max_gigabytes)
    contents = read_text(file, limit)
    text = CsvText(file, contents, find_delimiter(file, contents, settings.delimiter))
    records = text.records()
    first = next(records, [])
    line, comment = text.line, text.first_comment
    rows = list(at_most(records, lambda cells: sum(map(len, cells))))
    if rows and all(row[-1] == "" for row in rows) and (first[-1] == "" or len(first) == len(rows[0]) - 1):
        text.ends_with_delimiter = True
        first = first if len(first) == len(rows[0]) - 1 else first[:-1]
        rows = [row[:-1] for row in rows]
    check_columns(file, line, first, settings.delimiter, like)
    label = label_column(file, line, first, settings.label_column)
    if settings.header == "auto":
        known = like is not None and like.names == tuple(first)
        has_header = known or (bool(first) and is_header(file, line, first, rows, label))
    else:
        has_header = settings.header == "yes"
        if has_header and comment and all(map(is_number, first)):
            check_comment(file, comment, line, first, text.delimiter)
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
        check_names(file, names, like)
    text.skipped = line if has_header else 0
    table, marks = parse(file, text, len(first), label, names, settings.decimal, limit)
    return CsvFile(file, table, names, label, (*_notes(text, line, names, label), *marks))


def _notes(text: CsvText, line: int, names: tuple[str, ...] | None, label: int) -> list[str]:
    """How the file was read, in words."""
    if names:
        shown = ", ".join(map(printable, names[:6])) + (f", ... ({len(names)} in all)" if len(names) > 6 else "")
        notes = [
            f"line {line} read as column names: {shown[:200]}",
            f"labels from column {label} ({names[label][:40]!r})",
        ]
    else:
        notes = [f"no column names; labels from column {label} (counted from 0)"]
    if text.delimiter != ",":
        name = next(name for name, each in DELIMITERS.items() if each == text.delimiter)
        notes.append(f"cells separated by {name} (data.delimiter={name})")
    if text.ends_with_delimiter:
        notes.append("the delimiter at the end of each line is ignored")
    if text.first_comment:
        count, (number, words) = text.comments, text.first_comment
        notes.append(
            f"{count} comment{'s' if count > 1 else ''} skipped, the first in line {number}: {printable(words[:60])}"
        )
    return notes


def _as_raw(file: CsvFile, dropped: Sequence[int], limit: MemoryLimit) -> RawTable:
    """The features and the labels of a file, as copies: the table that they come from can go."""
    table, (rows, columns) = file.table, file.table.shape
    facts = f"it has {rows:,} rows of {columns:,} columns, of type {table.dtype}"
    needed = 2 * table.nbytes + ROW_BYTES * rows + (0 if table.dtype == np.uint8 else checking(table.shape))
    limit.check(file.file, needed, facts, held=table.nbytes)
    return RawTable(_without(table, dropped), table[:, file.label].copy(), str(file.file))


def _without(table: Array, columns: Sequence[int]) -> Array:
    """The other columns, whole numbers as bytes or int64, all else as it is; never a second copy of all."""
    chunks = [slice(start, start + CHUNK) for start in range(0, len(table), CHUNK)]
    dtype = table.dtype
    if dtype == np.float64:
        low, high = math.inf, -math.inf
        for each in chunks:
            part = np.delete(table[each], columns, axis=1)
            low, high = min(low, part.min()), max(high, part.max())
            if max(-low, high) >= EXACT or not (part == np.trunc(part)).all():
                break
        else:
            dtype = np.dtype(np.uint8 if low >= 0 and high <= 255 else np.int64)
    kept = np.empty((len(table), table.shape[1] - len(columns)), dtype)
    for each in chunks:
        kept[each] = np.delete(table[each], columns, axis=1)
    return kept
