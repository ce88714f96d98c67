"""`--dry-run` of a sweep and of runs: what they would do, in words. Nothing is written, and nothing trained is kept."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnlab.commands.arguments import DRY_RUN
from nnlab.config.naming import natural_order, short_names, value_text
from nnlab.streams import folded, width_of
from nnlab.table import Column, fitting
from nnlab.wording import bytes_in_words, number_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnlab.config.size import NetworkSize
    from nnlab.data.dataset import Dataset
    from nnlab.execution.forecast import Kept

NOTHING_DONE = f"nothing was written, and nothing that was trained was kept; without {DRY_RUN} it starts"
LABEL = 10
"""Characters of the first column."""


def write(blocks: Iterable[str]) -> None:
    """Print blocks of lines, with an empty line between them, as wide as the screen."""
    width = width_of(sys.stdout)
    sys.stdout.write("\n\n".join(folded(block, width) for block in blocks) + "\n")


def labelled(label: str, lines: Iterable[str]) -> str:
    """Lines below one another, after a label, as wide as the screen."""
    width = width_of(sys.stdout)
    text = "\n".join(folded(line, None if width is None else max(20, width - LABEL - 1)) for line in lines)
    return f"{label:<{LABEL}} " + text.replace("\n", "\n" + " " * (LABEL + 1))


def rows_text(dataset: Dataset) -> str:
    """The data in a line."""
    return (
        f"{dataset.name}: {len(dataset.train):,} training, {len(dataset.validation):,} validation, "
        f"{len(dataset.test):,} test rows of {number_of(dataset.features, 'number')}, "
        f"{number_of(dataset.classes, 'class', 'classes')}"
    )


def size_text(size: NetworkSize) -> str:
    """The size of a network in words."""
    parameters = number_of(size.parameters, "parameter")
    return f"{parameters}, {number_of(size.multiplications, 'multiplication')} a row"


def values_text(values: Mapping[str, Any]) -> str:
    """Values by their short keys: `lr=0.1 hidden=[64,32]`."""
    names = short_names(list(values))
    return " ".join(f"{names[key]}={value_text(values[key])}" for key in natural_order(values))


def table(first: str, numbers: Sequence[str], rows: Sequence[Mapping[str, Any]], more: Sequence[Column]) -> list[str]:
    """A table of values by key, one row each, between a column of numbers and more columns.

    Args:
        first: the heading of the numbers.
        numbers: of the rows.
        rows: values by key; a row may lack keys.
        more: columns after them.
    """
    keys = natural_order(key for row in rows for key in row)
    names = short_names(keys)
    values = [
        Column(names[key], [value_text(row[key]) if key in row else "" for row in rows], leaves=place)
        for place, key in enumerate(reversed(keys), start=len(more))
    ]
    lines, left = fitting([Column(first, numbers), *reversed(values), *more], (width_of(sys.stdout) or 10_000) - 2)
    return [f"  {line}" for line in lines] + ([f"  (no room for {', '.join(left)})"] if left else [])


def disk_lines(runs_dir: Path, kept: Kept) -> Iterator[str]:
    """What is kept in the folder of the runs, and what is free there."""
    above = next(path for path in (runs_dir, *runs_dir.parents) if path.exists())
    free, total = shutil.disk_usage(above).free, kept.runs + kept.mlflow
    copy = f", with MLflow's copy {bytes_in_words(total)}" if kept.mlflow else ""
    yield f"about {bytes_in_words(kept.runs)} in {runs_dir}{copy}; {bytes_in_words(free)} are free"
    if total > free:
        yield "that is more than is free there: make room, or choose another folder with runs_dir=FOLDER"


def from_to(low: str, high: str) -> str:
    """Two texts as a range; one of them where they are equal."""
    return low if low == high else f"{low} to {high}"
