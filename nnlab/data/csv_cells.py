"""What a cell of a CSV file is: a number, true or false, missing, or something else."""

from __future__ import annotations

import re

# Of two patterns beside each other, only one may match a digit: else a long cell takes its length squared to refuse.
POINT_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
"""With a decimal comma. A number without one is the same with either decimal mark."""
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
"""1,234 is 1.234 if the comma is a decimal mark, and 1234 if it separates thousands."""
DECIMAL_COMMA = re.compile(r"(?<![\d,])0?,\d|,\d{1,2}(?![\d,])|,\d{4}|\d{4},\d", re.ASCII)
"""In a text without points, a comma that cannot separate thousands."""
WHOLE_NUMBER = re.compile(r"([+-]?\d+)(\.0*)?", re.ASCII)

TRUTH = {"true": 1.0, "True": 1.0, "TRUE": 1.0, "false": 0.0, "False": 0.0, "FALSE": 0.0}
"""As pandas reads and writes them."""

MISSING = frozenset(
    ["", "?", "#N/A", "#N/A N/A", "#NA", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
) | frozenset(["-nan", "-NaN", "-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN"])
"""What pandas reads as missing, and the question mark of the UCI repository."""

EXCEL_ERROR = re.compile(r"#(N/A|NA\b|DIV/0!|REF!|VALUE!|NAME\?|NUM!|NULL!)")

OTHERS = (
    (re.compile(r"[+-]?inf(inity)?", re.IGNORECASE), "is not a finite number"),
    (re.compile(r"[+-]?\d{1,3}(([,.' _\u00a0\u202f’])\d{3})(\2\d{3})*([.,]\d+)?"), "has thousands separators"),
    (re.compile(r"[+-]?\d[\d_]*(\.\d[\d_]*)?"), "is not a number in plain digits from 0 to 9"),
    (re.compile(r"[+-]?0[xX][0-9a-fA-F]+"), "is not a decimal number"),
    (re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?|\d{1,2}:\d{2}(:\d{2}.*)?"), "is a date or a time"),
    (re.compile(r"[^\w\s]?\s*[+-]?\d[\d.,]*\s*[^\d\s]{1,4}|[€$£¥]\s*[\d.,]+"), "is a number with a unit"),
)


def is_number(cell: str) -> bool:
    """Whether it is a finite decimal number, with a point or a comma."""
    return bool(POINT_NUMBER.fullmatch(cell) or COMMA_NUMBER.fullmatch(cell))


def is_value(cell: str) -> bool:
    """Whether it is a value, not a column's name: a number, true or false, infinity, or missing."""
    return is_number(cell) or cell in TRUTH or cell in MISSING or bool(OTHERS[0][0].fullmatch(cell))


def is_comment(line: str) -> bool:
    """Whether a line starts with a hash sign that is not a spreadsheet's error value."""
    start = line.lstrip()
    return start.startswith("#") and not EXCEL_ERROR.match(start)


def what_is_wrong(cell: str, *, is_label: bool) -> tuple[str, str]:
    """What a cell that is not a finite number is instead, and what to do about it."""
    if cell in MISSING or EXCEL_ERROR.fullmatch(cell):
        return "is a missing value", "Fill it in, or drop the row (in pandas: `df.dropna()`)"
    if "\n" in cell or len(cell) > 1000:
        return "opens a quote that is closed elsewhere", "Correct the quotes"
    if cell in TRUTH:
        return "is not a number, while others in its column are", "Write 1 for true and 0 for false"
    for pattern, fact in OTHERS:
        if pattern.fullmatch(cell):
            return fact, "Write it as a plain number (in pandas: `pd.read_csv(file, thousands=...)`, then `df.to_csv`)"
    if is_label:
        return "is not a number", "Number the classes (in pandas: `df[column].astype('category').cat.codes`)"
    return "is not a number", "Replace text by numbers, or drop the column; `data.header` says whether line 1 has names"
