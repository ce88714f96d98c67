"""Tables of text: one row a line, a label column and pixel columns, as Kaggle publishes MNIST."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Literal, NoReturn

import numpy as np

from nnlab.core.rows import Array
from nnlab.data.csv_pixels import are_pixels
from nnlab.data.files import first_file, listing, read_bytes, resolve_root
from nnlab.data.source import Part, RawTable, Source, assemble
from nnlab.errors import UserError

Header = Literal["auto", "yes", "no"]

FILES: dict[Part, tuple[str, str]] = {
    "train": ("train.csv", "mnist_train.csv"),
    "test": ("test.csv", "mnist_test.csv"),
}


def load_csv(root: str | None, *, label_column: int = 0, header: Header = "auto") -> Source:
    """One file, or a folder with `train.csv` (or `mnist_train.csv`) and perhaps a test file; gzip or not.

    Whole numbers from 0 to 255 become bytes, all else float64.

    Args:
        root: the file or folder.
        label_column: the column of the label, counted from 0; every other column is a feature.
        header: whether the first line names the columns; `auto` takes it for names if its label column
            holds no number.

    Raises:
        UserError: a file is missing or malformed; the message names the line.
    """
    path = resolve_root(root, "csv")
    files: dict[Part, Path] = {"train": path}
    if path.is_dir():
        found = {part: first_file(path, names) for part, names in FILES.items()}
        files = {part: file for part, file in found.items() if file is not None}
        if "train" not in files:
            raise UserError(
                f"A folder of CSV files needs train.csv or mnist_train.csv (or .gz), but {path} holds "
                f"{listing(path)}. Name the file itself as `data.root`."
            )
    raw = {part: read_csv(file, label_column, header) for part, file in files.items()}
    if "test" in raw and raw["test"].x.shape[1] == raw["train"].x.shape[1] - 1:
        raise UserError(
            f"A test file needs the columns of the training file, but {files['test']} has one fewer: it seems "
            f"to have no labels, as Kaggle's has none. Use `data.root={files['train']}` alone; "
            "`data.split.test` then holds out some of its rows."
        )
    text = _Text(files["train"], read_bytes(files["train"]), label_column, header)
    return assemble(raw, is_image=are_pixels(text.names, files["train"].name))


def read_csv(file: Path, label_column: int, header: Header) -> RawTable:
    """The rows of one file: `x` (n, columns - 1) uint8 or float64, `labels` (n,) the same type.

    Raises:
        UserError: it cannot be read, or a line is malformed.
    """
    text = _Text(file, read_bytes(file), label_column, header)
    try:
        table = text.parse(np.uint8)
    except ValueError:
        table = text.parse_floats()
    x = np.delete(table, label_column, axis=1)
    if x.dtype != np.uint8 and bool(((x >= 0) & (x <= 255) & (x == np.trunc(x))).all()):
        x = x.astype(np.uint8)
    return RawTable(x, table[:, label_column], str(file))


class _Text:
    """The contents of a file, and where its rows begin.

    Raises:
        UserError: it is no text, has no rows, or has no such label column.
    """

    def __init__(self, file: Path, contents: bytes, label_column: int, header: Header) -> None:
        self.file = file
        self.contents = contents
        self.label_column = label_column
        try:
            contents.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{file} must be text in UTF-8, but its byte {error.start} is not. Export it as CSV again."
            ) from error
        with self.lines() as lines:
            first = lines.readline()
            second = next((line for line in lines if line.strip()), "")
        cells = first.split(",")
        if label_column >= len(cells):
            raise UserError(
                f"`data.label_column={label_column}` (counted from 0) needs at least {label_column + 1} columns "
                f"separated by commas, but line 1 of {file} has {len(cells)}. Name the column of the label."
            )
        is_header = header == "yes" or (header == "auto" and _number(cells[label_column]) is None)
        if not (second if is_header else first).strip():
            raise UserError(
                f"A CSV file needs at least one row, but {file} has none. Give one with rows, or name another."
            )
        self.skipped = int(is_header)
        self.names = cells if is_header else None

    def lines(self) -> io.TextIOWrapper:
        """Read from the start; a byte order mark is passed over."""
        return io.TextIOWrapper(io.BytesIO(self.contents), encoding="utf-8-sig")

    def parse(self, dtype: type[np.generic]) -> Array:
        """All rows as one array (n, columns).

        Raises:
            ValueError: a cell does not fit the type, or a line has another number of cells.
        """
        with self.lines() as lines:
            return np.loadtxt(lines, delimiter=",", dtype=dtype, comments=None, skiprows=self.skipped, ndmin=2)

    def parse_floats(self) -> Array:
        """All rows as float64, finite, with whole labels.

        Raises:
            UserError: anything else is in there.
        """
        try:
            table = self.parse(np.float64)
        except ValueError as error:
            self.explain(str(error))
        labels = table[:, self.label_column]
        if not np.isfinite(table).all() or (labels != np.trunc(labels)).any():
            self.explain("a number is out of range")
        return table

    def explain(self, otherwise: str) -> NoReturn:
        """Find the first malformed line and say what is wrong with it.

        Raises:
            UserError: always; with the text `otherwise` if every line looks right.
        """
        columns = 0
        with self.lines() as lines:
            for number, line in enumerate(lines, start=1):
                if number <= self.skipped or not line.strip():
                    continue
                cells = line.rstrip("\r\n").split(",")
                columns = columns or len(cells)
                if len(cells) != columns:
                    self._reject(number, f"has {len(cells)} columns where the lines above have {columns}")
                for column, cell in enumerate(cells):
                    value = _number(cell)
                    place = f"has {cell.strip()[:40]!r} in column {column} (counted from 0), which is"
                    if value is None:
                        self._reject(number, f"{place} not a number")
                    if not math.isfinite(value):
                        self._reject(number, f"{place} not a finite number")
                    if column == self.label_column and value != int(value):
                        self._reject(number, f"{place} the label but not a whole number")
        raise UserError(f"{self.file} must be a table of numbers, but: {otherwise}. Correct the file.")

    def _reject(self, line: int, fact: str) -> NoReturn:
        raise UserError(
            f"A CSV file must be a table of finite numbers, but line {line} of {self.file} {fact}. "
            "Correct the line; `data.label_column` and `data.header` say how the file is read."
        )


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
