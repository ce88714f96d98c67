"""Training, validation and test: which rows go into which split."""

from __future__ import annotations

from dataclasses import replace
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


def split(source: Source, settings: SplitSettings, rng: np.random.Generator, *, limit: int | None = None) -> Splits:
    """Divide the rows of a source.

    The source's training rows are put in an order: as they come (`tail`), or shuffled. The test split, where the
    source has none, and then the validation split are taken from the end of that order: the last rows of all, or,
    stratified, the last rows of each class in proportion, to within one row per class. A fraction is of all these
    rows, rounded to whole rows. A split that the source has keeps its rows and their order. The last training row of
    a class is held out only if there is no other way to reach the number of rows, and then refused: whatever the
    strategy, each class needs a training row.

    Args:
        source: what to divide.
        settings: strategy and fractions.
        rng: shuffles the rows; one draw, whatever the fractions are.
        limit: keep only this many training rows: the first, or, stratified, the first of each class in proportion,
            to within one row per class. None keeps all.

    Raises:
        UserError: no row is left for training, a fraction above 0 gives no row, or a class of the source has no
            training row.
    """
    splits = _divided(source, settings, rng)
    if (unseen := _unseen(source, splits.train)).any():
        raise UserError(_why_held_out(source, unseen, settings))
    if limit is None:
        return splits
    train = limited(splits.train, limit, settings.strategy)
    if (unseen := _unseen(source, train)).any():
        raise UserError(
            f"{_needed(source, unseen)}: `data.limit={limit}` keeps none of their rows. Raise it: "
            f"`data.limit={_enough(splits.train, settings.strategy)}` keeps some of each class."
        )
    return splits._replace(train=train)


def _divided(source: Source, settings: SplitSettings, rng: np.random.Generator) -> Splits:
    if source.is_population:
        everything = Rows.whole(*source.parts["train"])
        return Splits(everything, everything, everything)
    parts: dict[Part, Table] = {"train": source.pooled} if settings.pooled else source.parts
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
    return Splits(
        Rows(table.x, table.y, train),
        Rows.whole(*parts["validation"]) if "validation" in parts else Rows(table.x, table.y, validation),
        Rows.whole(*parts["test"]) if "test" in parts else Rows(table.x, table.y, test),
    )


def held_out_rows(name: str, fraction: float, n: int) -> int:
    """How many of `n` rows a fraction is.

    Raises:
        UserError: a fraction above 0 rounds to no row.
    """
    count = round(n * fraction)
    if fraction > 0 and count == 0:
        raise UserError(
            f"A split needs at least one row, but `data.split.{name}={fraction:g}` of {n} rows rounds to "
            "none. Raise it, or set it to 0 to go without this split."
        )
    return count


def take_last(order: Index, count: int, labels: NDArray[np.int64], strategy: Strategy) -> tuple[Index, Index]:
    """Divide ordered rows into those that stay and `count` that are held out, both in that order."""
    held = np.zeros(len(order), dtype=bool)
    if strategy == "stratified":
        ordered_labels = labels[order]
        sizes = np.bincount(ordered_labels)
        left_with_one = sizes * count // len(order) + 1 < sizes  # even if one more is held out
        for label, share in enumerate(proportional(sizes, count, left_with_one)):
            positions = np.flatnonzero(ordered_labels == label)
            held[positions[len(positions) - share :]] = True
    else:
        held[len(order) - count :] = True
    return order[~held], order[held]


def limited(train: Rows, limit: int, strategy: Strategy) -> Rows:
    """`limit` rows of a training split (all if it has fewer), in its order; which ones as in `split`."""
    if strategy != "stratified" or limit >= len(train):
        return train.first(limit)
    labels = train.targets()
    sizes = np.bincount(labels)
    kept = np.zeros(len(train), dtype=bool)
    for label, share in enumerate(proportional(sizes, limit, sizes * limit < len(train))):
        kept[np.flatnonzero(labels == label)[:share]] = True
    return replace(train, index=train.index[kept])


def proportional(sizes: NDArray[np.intp], count: int, first: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Share `count` rows among classes of `sizes` rows: each gets its quota, rounded down or up.

    The rows left by rounding down go to the largest remainders, ties to the first class; the classes that `first` marks
    come before all others.

    Reference: largest remainders (Hamilton's method of apportionment).
    """
    shares, remainders = np.divmod(sizes * count, int(sizes.sum()))
    left = count - int(shares.sum())
    preferred = first & (remainders > 0)
    shares[np.lexsort((-remainders, ~preferred))[:left]] += 1
    return shares


def _unseen(source: Source, train: Rows) -> NDArray[np.bool_]:
    """(classes,) whether the source has rows of a class, in some split, but `train` has none."""
    classes = len(source.class_names)
    occurs = np.bincount(np.concatenate([table.y for table in source.parts.values()]), minlength=classes) > 0
    seen: NDArray[np.bool_] = np.bincount(train.targets(), minlength=classes) > 0
    return occurs & ~seen


def _why_held_out(source: Source, unseen: NDArray[np.bool_], settings: SplitSettings) -> str:
    """The message for classes without a training row."""
    own = np.isin(np.flatnonzero(unseen), source.parts["train"].y)
    if not settings.pooled and not own.all():
        unseen = unseen.copy()
        unseen[np.flatnonzero(unseen)[own]] = False
        parts = [part for part, table in source.parts.items() if np.isin(np.flatnonzero(unseen), table.y).any()]
        return (
            f"{_needed(source, unseen)}: the source has them only among its {' and '.join(parts)} rows. "
            "`data.split.pooled=true` merges its splits before the rows are divided; or drop those rows."
        )
    if settings.strategy == "stratified":
        return (
            f"{_needed(source, unseen)}: they have too few rows to hold some out. Drop such rare classes, or "
            "lower `data.split.validation` and `data.split.test`."
        )
    because = ", as happens when rows are sorted by class" if settings.strategy == "tail" else ""
    return (
        f"{_needed(source, unseen)}: `data.split.strategy={settings.strategy}` holds out all their rows{because}. "
        "Choose `data.split.strategy=stratified`."
    )


def _needed(source: Source, unseen: NDArray[np.bool_], most: int = 10) -> str:
    names = [source.class_names[index] for index in np.flatnonzero(unseen)]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    kind = "class" if len(names) == 1 else "classes"
    return f"Every class needs a training row, but {kind} {', '.join(names[:most])}{more} would have none"


def _enough(train: Rows, strategy: Strategy) -> int:
    """A limit that keeps a row of each class: the smallest of all, or, stratified, one whose quotas are all 1."""
    _, first, sizes = np.unique(train.targets(), return_index=True, return_counts=True)
    return -(-len(train) // int(sizes.min())) if strategy == "stratified" else int(first.max()) + 1
