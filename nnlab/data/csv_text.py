"""The text of a CSV file as rows of cells: its encoding, its delimiter, and lines that are not rows."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nnlab.data.csv_cells import is_comment, is_number, is_value
from nnlab.errors import UserError

DELIMITERS: dict[str, str] = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}
"""By their names in `data.delimiter`, in the order in which `auto` tries them; `space` is any run of spaces and
tabs."""

SAMPLE = 64
"""How many lines the delimiter and the header are found from."""

NOT_TEXT = {
    b"PK\x03\x04": "a ZIP archive, a spreadsheet (.xlsx) or a NumPy archive (`data=npz`)",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard",
    b"PAR1": "a Parquet file",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
    b"\xd0\xcf\x11\xe0": "a spreadsheet (.xls)",
}
UNICODE_MARKS = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
"""Byte order marks, which a file may start with; longer ones first."""


def decode(file: Path, contents: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 or UTF-32 if it starts with a byte order mark; lines end with \\n.

    Raises:
        UserError: it is not text, or in another encoding.
    """
    for magic, kind in NOT_TEXT.items():
        if contents.startswith(magic):
            raise UserError(f"{file} must be text, but it is {kind}. Extract it, or export it as CSV.")
    encoding = next((name for mark, name in UNICODE_MARKS.items() if contents.startswith(mark)), "utf-8-sig")
    try:
        text = contents.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{file} must be text in UTF-8, but its byte {error.start} is not. If a spreadsheet on Windows saved it: "
            f"`iconv -f WINDOWS-1252 -t UTF-8 '{file}' > utf8.csv`, then `data.root=utf8.csv`."
        ) from error
    if "\0" in text:
        raise UserError(
            f"{file} must be text, but has a NUL character at position {text.index(chr(0))}: it is binary, cut off, "
            f"or in UTF-16 without a mark. Export it as CSV in UTF-8."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


@dataclass
class CsvText:
    """A text as lines and cells.

    Blank lines and comments (`#`) are skipped, as is a first line `sep=;`, which Excel writes.

    Args:
        text: of the whole file.
        delimiter: what stands between cells.
        skipped: lines at the start that are not rows.
        ends_with_delimiter: whether the lines of rows end with a delimiter that no cell follows.
    """

    text: str
    delimiter: str = ","
    skipped: int = 0
    ends_with_delimiter: bool = False
    line: int = 0
    """The number of the line that was read last, counted from 1."""
    comments: int = 0
    """How many comments were skipped."""
    first_comment: tuple[int, str] | None = None

    def lines(self) -> Iterator[str]:
        """The lines of rows, and the header's unless it is skipped."""
        self.line, self.comments, self.first_comment = 0, 0, None
        start = 0
        while start < len(self.text):
            end = self.text.find("\n", start) + 1 or len(self.text)
            line = self.text[start:end]
            start = end
            self.line += 1
            if line.isspace() and not (self.delimiter == "\t" and "\t" in line):
                continue
            if is_comment(line):
                self.comments += 1
                self.first_comment = self.first_comment or (self.line, line.strip())
                continue
            if self.line <= self.skipped or (self.line == 1 and re.fullmatch(r'"?sep=.?"?\s*', line)):
                continue
            if self.ends_with_delimiter:
                line = line.rstrip("\n ").removesuffix(self.delimiter)
            yield line

    def records(self) -> Iterator[list[str]]:
        """The cells of each row, stripped; `line` is where the row ends."""
        yield from cells_of(self.lines(), self.delimiter)


def cells_of(lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """The cells of lines by RFC 4180: quoted ones may contain delimiters, line breaks and doubled quotes."""
    if delimiter == " ":
        lines = (re.sub(r"[ \t]+", " ", line.strip()) for line in lines)
    try:
        for cells in csv.reader(lines, delimiter=delimiter, skipinitialspace=True):
            yield [cell.strip() for cell in cells]
    except csv.Error:  # a cell longer than the module allows, as after a quote that is not closed
        yield ["\n"]


def find_delimiter(text: str, chosen: str) -> str:
    """The delimiter with which most lines are rows of equally many numbers."""
    if chosen != "auto":
        return DELIMITERS[chosen]
    lines = _first_lines(text)
    rows = lines[1:] or lines
    delimiter, best = ",", (0.0, 0.0)
    for each in DELIMITERS.values() if rows else ():
        if best < (1.0, 1.0) and (score := _score(rows, each)) > best:
            delimiter, best = each, score
    return delimiter


def _first_lines(text: str) -> list[str]:
    lines = CsvText(text).lines()
    return [line for line, _ in zip(lines, range(SAMPLE), strict=False)]


def _score(rows: list[str], delimiter: str) -> tuple[float, float]:
    """The shares of lines with the usual number of cells (two or more): those of values alone, and all of them."""
    records = [next(cells_of(iter([line]), delimiter), []) for line in rows]
    usual = Counter(len(cells) for cells in records if len(cells) > 1).most_common(1)
    if not usual:
        return 0.0, 0.0
    regular = [cells for cells in records if len(cells) == usual[0][0]]
    numeric = [cells for cells in regular if all(map(is_value, cells)) and any(map(is_number, cells))]
    return len(numeric) / len(rows), len(regular) / len(rows)
