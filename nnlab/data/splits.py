"""Training, validation and test: which rows go where."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlab.core.rows import Rows
from nnlab.data.settings import SplitSettings, Strategy
from nnlab.data.source import Part, Source, Table
from nnlab.errors import UserError

Index = NDArray[np.intp]


class Splits(NamedTuple):
    """The rows of the three splits, unscaled."""

    train: Rows
    validation: Rows
    test: Rows


def split(source: Source, settings: SplitSettings, rng: np.random.Generator) -> Splits:
    """Divide the rows of a source.

    The rows offered for training are put in an order: as they come (`tail`), or shuffled. The test split,
    where the source has none, and then the validation split are taken from the end of that order: the last
    rows of all, or, stratified, the last rows of each class in proportion, to within one row a class, to
    what is left. A fraction is of all rows offered, rounded to whole rows. A split that the source brings
    along keeps its rows and their order.

    Args:
        source: what to divide.
        settings: strategy and fractions.
        rng: shuffles the rows; one draw, whatever the fractions are.

    Raises:
        UserError: no row is left for training, a fraction above 0 gives no row, or `tail` holds out a class
            that no training row has.
    """
    if source.is_population:
        everything = Rows.whole(*source.parts["train"])
        return Splits(everything, everything, everything)
    parts: dict[Part, Table] = {"train": pool(source.parts)} if settings.pooled else source.parts
    table = parts["train"]
    n = len(table.y)
    counts = {
        "validation": 0 if "validation" in parts else held_out_rows("validation", settings.validation, n),
        "test": 0 if "test" in parts else held_out_rows("test", settings.test, n),
    }
    if sum(counts.values()) >= n:
        raise UserError(
            f"A training split needs at least one row, but of {n} rows "
            f"`data.split.validation={settings.validation:g}` takes {counts['validation']} and "
            f"`data.split.test={settings.test:g}` takes {counts['test']}. Lower one of them."
        )
    order = np.arange(n, dtype=np.intp) if settings.strategy == "tail" else rng.permutation(n)
    order, test = take_last(order, counts["test"], table.y, settings.strategy)
    train, validation = take_last(order, counts["validation"], table.y, settings.strategy)
    if settings.strategy == "tail":
        _check_classes(table, train, np.concatenate([validation, test]))
    return Splits(
        Rows(table.x, table.y, train),
        Rows.whole(*parts["validation"]) if "validation" in parts else Rows(table.x, table.y, validation),
        Rows.whole(*parts["test"]) if "test" in parts else Rows(table.x, table.y, test),
    )


def pool(parts: dict[Part, Table]) -> Table:
    """All tables as one, in the order train, validation, test."""
    ordered: tuple[Part, ...] = ("train", "validation", "test")
    tables = [parts[part] for part in ordered if part in parts]
    if len(tables) == 1:
        return tables[0]
    merged = Table(np.concatenate([t.x for t in tables]), np.concatenate([t.y for t in tables]))
    for array in merged:
        array.flags.writeable = False
    return merged


def held_out_rows(name: str, fraction: float, n: int) -> int:
    """How many of `n` rows a fraction is.

    Raises:
        UserError: a fraction above 0 rounds to no row.
    """
    count = round(n * fraction)
    if fraction > 0 and count == 0:
        raise UserError(
            f"A split needs at least one row, but `data.split.{name}={fraction:g}` of {n} rows rounds to "
            "none. Raise it, or set it to 0 for no such split."
        )
    return count


def take_last(order: Index, count: int, labels: NDArray[np.int64], strategy: Strategy) -> tuple[Index, Index]:
    """Divide an order of rows into those that stay and `count` that are held out, both in that order."""
    held = np.zeros(len(order), dtype=bool)
    if strategy == "stratified":
        ordered_labels = labels[order]
        sizes = np.bincount(ordered_labels)
        for label, share in enumerate(proportional(sizes, count)):
            positions = np.flatnonzero(ordered_labels == label)
            held[positions[len(positions) - share :]] = True
    else:
        held[len(order) - count :] = True
    return order[~held], order[held]


def proportional(sizes: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Share `count` rows among classes of `sizes` rows: each gets its quota, rounded down or up.

    The rows that rounding down leaves go to the largest remainders, ties to the first class.

    Reference: largest remainders (Hamilton's method of apportionment).
    """
    total = int(sizes.sum())
    shares, remainders = np.divmod(sizes * count, total)
    left = count - int(shares.sum())
    shares[np.argsort(-remainders, kind="stable")[:left]] += 1
    return shares


def _check_classes(table: Table, train: Index, held_out: Index) -> None:
    unseen = np.setdiff1d(table.y[held_out], table.y[train])
    if len(unseen):
        raise UserError(
            "`data.split.strategy=tail` holds out the last rows of the source, but then no training row has "
            f"the labels {', '.join(map(str, unseen))}: the rows are sorted by class. Choose `stratified` or "
            "`random`."
        )
