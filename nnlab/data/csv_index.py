"""Columns that number or name the rows, as `DataFrame.to_csv` writes one: neither features nor labels."""

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
"""What to do with an index, in the words of `data.index`: `auto` refuses the file."""

NAMELESS = re.compile(r"Unnamed: 0(\.\d+)*")
"""What pandas calls a nameless index that it has written and read back."""
IDENTIFIER = re.compile(r"index|level_0|id|row[_ ]?(id|names?|number)?", re.IGNORECASE)
"""What pandas' `reset_index()`, Kaggle and R call one; it is one if no number occurs twice."""
FEW = 10
"""With fewer rows, a first column that numbers them may well be a feature."""
LABEL_NAME = re.compile(r"label|labels|class|target|y|species|category|outcome", re.IGNORECASE)


def index_to_drop(
    file: Path, table: Array, names: Sequence[str] | None, label: int, wish: Index
) -> tuple[list[int], list[str]]:
    """The columns to drop, and a note on what was done.

    Args:
        file: for messages.
        table: (n, columns), all cells.
        names: of the columns, if the file names them.
        label: the column of the label, from 0.
        wish: `data.index`.

    Raises:
        UserError: there is an index and the wish is `auto`, or the wish cannot be met.
    """
    found = _index_columns(table, names)
    facts = "; ".join(f"column {column} of {file} {why}" for column, why in found.items())
    if wish == "keep":
        return [], [f"kept although it may be an index: column {', '.join(map(str, found))}"] if found else []
    if not found:
        if wish == "drop":
            raise UserError(f"`data.index=drop` needs an index, but {file} has none. Leave the setting out.")
        return [], []
    needed = f" with `data.label_column={likely_label(names)}` (or the label's column)" if label in found else ""
    if wish == "auto":
        raise UserError(
            f"An index is neither a feature nor a label, but {facts}. Add `data.index=drop`{needed} to drop it, "
            "or `data.index=keep` if it is not an index; or write the file without it: `df.to_csv(file, index=False)`."
        )
    if label in found:
        raise UserError(
            f"`data.index=drop` drops the index, but the label is read from it: {facts}. Name the label's column, "
            f"counted with the index, as in `data.label_column={likely_label(names)}`."
        )
    if table.shape[1] < len(found) + 2:
        raise UserError(f"A row needs a feature, but without its index {file} has none. Give a file with features.")
    return list(found), [f"dropped as an index: column {', '.join(map(str, found))}"]


def _index_columns(table: Array, names: Sequence[str] | None) -> dict[int, str]:
    """The columns that are an index, each with the reason in words."""
    found = {column: f"is {name[:40]!r}" for column, name in enumerate(names or ()) if NAMELESS.fullmatch(name)}
    nameless = itertools.takewhile(lambda pair: pair[1] == "", enumerate(names or ()))
    found |= {column: "has no name" for column, _ in nameless}
    if 0 not in found and _is_distinct(table[:, 0]):
        if names and IDENTIFIER.fullmatch(names[0]):
            found[0] = f"is {names[0]!r} and has a different number in each row"
        elif len(table) >= FEW and int(table[:, 0].max()) - int(table[:, 0].min()) == len(table) - 1:
            found[0] = "numbers the rows"
    return dict(sorted(found.items()))


def _is_distinct(column: Array) -> bool:
    """Whether it has a different whole number in each row."""
    return bool((column == np.trunc(column)).all()) and len(np.unique(column)) == len(column)


def likely_label(names: Sequence[str] | None) -> int:
    """The column whose name is one for labels, else the last."""
    return next((column for column, name in enumerate(names or ()) if LABEL_NAME.fullmatch(name)), -1)
