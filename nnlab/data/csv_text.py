"""The text of a CSV file as rows of cells: its delimiter, and lines that are not rows."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from nnlab.data.csv_cells import is_comment, is_number, is_value
from nnlab.errors import UserError

DELIMITERS: dict[str, str] = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}
"""By their names in `data.delimiter`, in the order in which `auto` tries them; `space` is any run of spaces and
tabs."""

BLANK_LINES = re.compile(r"\n+")
"""There may be very many."""

SAMPLE = 64
"""How many lines the delimiter and the header are found from."""

LONGEST_LINE = 2**21
"""Characters: some 100,000 numbers of 20 digits. The cells of a line in memory take up to 30 times as much."""
LINE_RULE = f"A line of a CSV file may have {LONGEST_LINE:,} characters"
LONGEST_CELL = 2**17
"""Characters between quotes, where a cell may have several lines: 131,072, as in Python's module csv."""


@dataclass
class CsvText:
    """A text as lines and cells.

    Blank lines and comments (`#`) are skipped, as is a first line `sep=;`, which Excel writes.

    Args:
        file: for messages.
        text: of the whole file.
        delimiter: what stands between cells.
        skipped: lines at the start that are not rows.
        ends_with_delimiter: whether the lines of rows end with a delimiter that no cell follows.
    """

    file: Path
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
        """The lines of rows, and the header's unless it is skipped.

        Raises:
            UserError: a line, or a cell of several lines, is too long.
        """
        self.line, self.comments, self.first_comment = 0, 0, None
        start, quoted = 0, 0
        while start < len(self.text):
            end = self.text.find("\n", start) + 1 or len(self.text)
            self.line += 1
            if end - start > LONGEST_LINE:
                raise UserError(
                    f"{LINE_RULE}, but line {self.line} of {self.file} has {end - start:,}. Write a row per line."
                )
            line = self.text[start:end]
            start = end
            if line.isspace() and not (self.delimiter == "\t" and "\t" in line):
                if (blank := BLANK_LINES.match(self.text, end)) is not None:
                    start = blank.end()
                    self.line += start - end
                continue
            if is_comment(line):
                self.comments += 1
                self.first_comment = self.first_comment or (self.line, line.strip())
                continue
            if self.line <= self.skipped or (self.line == 1 and re.fullmatch(r'"?sep=.?"?\s*', line)):
                continue
            if self.ends_with_delimiter:
                line = line.rstrip("\n ").removesuffix(self.delimiter)
            if quoted or '"' in line:
                quoted = self._quoted(line, quoted)
            yield line

    def _quoted(self, line: str, quoted: int) -> int:
        """How many characters stand in lines since a quote was opened, `quoted` of them before this line."""
        is_open = bool(quoted) ^ (line.count('"') % 2 == 1)
        if not is_open:
            return 0
        if quoted and quoted + len(line) > LONGEST_CELL:
            raise UserError(
                f"A cell of a CSV file may have {LONGEST_CELL:,} characters, but a quote that is open in line "
                f"{self.line} of {self.file} was opened {quoted:,} characters before. Correct the quotes."
            )
        return quoted + len(line)

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


def find_delimiter(file: Path, text: str, chosen: str) -> str:
    """The delimiter with which most lines are rows of equally many numbers."""
    if chosen != "auto":
        return DELIMITERS[chosen]
    lines = _first_lines(CsvText(file, text))
    rows = lines[1:] or lines
    delimiter, best = ",", (0.0, 0.0)
    for each in DELIMITERS.values() if rows else ():
        if best < (1.0, 1.0) and (score := _score(rows, each)) > best:
            delimiter, best = each, score
    return delimiter


def _first_lines(text: CsvText) -> list[str]:
    return list(at_most(text.lines(), len))


Item = TypeVar("Item")


def at_most(items: Iterator[Item], size: Callable[[Item], int]) -> Iterator[Item]:
    """The first `SAMPLE` items, fewer if they are large: at least one, and no more than a line may have in all."""
    left = LONGEST_LINE
    for item in itertools.islice(items, SAMPLE):
        yield item
        left -= size(item)
        if left < 0:
            return


def _score(rows: list[str], delimiter: str) -> tuple[float, float]:
    """The shares of lines with the usual number of cells (two or more): those of values alone, and all of them."""
    records = [next(cells_of(iter([line]), delimiter), []) for line in rows]
    usual = Counter(len(cells) for cells in records if len(cells) > 1).most_common(1)
    if not usual:
        return 0.0, 0.0
    regular = [cells for cells in records if len(cells) == usual[0][0]]
    numeric = [cells for cells in regular if all(map(is_value, cells)) and any(map(is_number, cells))]
    return len(numeric) / len(rows), len(regular) / len(rows)
