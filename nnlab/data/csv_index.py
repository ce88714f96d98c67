"""Columns that count or name the rows, as `DataFrame.to_csv` writes one: they are no features, and no labels."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from nnlab.core.rows import Array
from nnlab.errors import UserError

Index = Literal["auto", "drop", "keep"]
"""What becomes of an index, as `data.index` says it: `auto` refuses the file."""

NAMELESS = re.compile(r"Unnamed: 0(\.\d+)*")
"""What pandas calls the nameless column of an index that it has written and read again."""
IDENTIFIER = re.compile(r"index|level_0|id|row[_ ]?(id|names?|number)?", re.IGNORECASE)
"""What pandas' `reset_index()`, Kaggle and R call one; it is one if no number occurs twice."""
FEW = 10
"""Rows below which a first column that counts may well be a feature."""
LABEL_NAME = re.compile(r"label|labels|class|target|y|species|category|outcome", re.IGNORECASE)


def index_to_drop(
    file: Path, table: Array, names: Sequence[str] | None, label: int, wish: Index
) -> tuple[list[int], list[str]]:
    """The columns to leave out, and a note on what was done.

    Args:
        file: for messages.
        table: (n, columns), all cells.
        names: of the columns, if the file names them.
        label: the column of the label, from 0.
        wish: `data.index`.

    Raises:
        UserError: there is an index and no wish, or a wish that cannot be met.
    """
    found = _index_columns(table, names)
    facts = "; ".join(f"column {column} of {file} {why}" for column, why in found.items())
    if wish == "keep":
        return [], [f"kept though it may be an index: column {', '.join(map(str, found))}"] if found else []
    if not found:
        if wish == "drop":
            raise UserError(f"`data.index=drop` needs an index, but {file} has none. Leave it out.")
        return [], []
    needed = f" with `data.label_column={likely_label(names)}` (or where the label is)" if label in found else ""
    if wish == "auto":
        raise UserError(
            f"An index is neither a feature nor a label, but {facts}. Add `data.index=drop`{needed} to leave it out, "
            "`data.index=keep` if it is none; or write the file without it: `df.to_csv(file, index=False)`."
        )
    if label in found:
        raise UserError(
            f"`data.index=drop` leaves out the index, but the label is to come from it: {facts}. Name the column of "
            f"the label, counted with the index: `data.label_column={likely_label(names)}`, for one."
        )
    if table.shape[1] < len(found) + 2:
        raise UserError(f"A row needs a feature, but without its index {file} has none. Give a file with features.")
    return list(found), [f"left out as an index: column {', '.join(map(str, found))}"]


def _index_columns(table: Array, names: Sequence[str] | None) -> dict[int, str]:
    """The columns that are an index, each with the reason in words."""
    found = {column: f"is {name!r}" for column, name in enumerate(names or ()) if NAMELESS.fullmatch(name)}
    nameless = itertools.takewhile(lambda pair: pair[1] == "", enumerate(names or ()))
    found |= {column: "has no name" for column, _ in nameless}
    if 0 not in found and _is_distinct(table[:, 0]):
        if names and IDENTIFIER.fullmatch(names[0]):
            found[0] = f"is {names[0]!r} and has another number in each row"
        elif len(table) >= FEW and table[:, 0].max() - table[:, 0].min() == len(table) - 1:
            found[0] = "counts the rows"
    return dict(sorted(found.items()))


def _is_distinct(column: Array) -> bool:
    """Whether it has a whole number of its own in each row."""
    return bool((column == np.trunc(column)).all()) and len(np.unique(column)) == len(column)


def likely_label(names: Sequence[str] | None) -> int:
    """The column whose name is one for labels, else the last."""
    return next((column for column, name in enumerate(names or ()) if LABEL_NAME.fullmatch(name)), -1)
