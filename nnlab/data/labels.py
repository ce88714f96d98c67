"""From the labels in files to classes: which classes there are, their names, and what cannot be a class."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from nnlab.core.rows import Array
from nnlab.errors import UserError

Key = TypeVar("Key")

MANY = 20
"""With more distinct labels, they must look like classes."""
FEW_ROWS = 5
"""How many rows each of many classes needs, on average."""

LONGEST_NAME = 100
"""Characters of a class's name."""

LIKE_NUMBERS = (
    "It looks like a number to predict, and nnlab only classifies: regression is not supported yet. "
    "If the labels are in another column (`data.label_column=K`) or array, name that one"
)


def to_classes(
    labels: Mapping[Key, tuple[Array, str]], class_names: Sequence[str] | None = None
) -> tuple[dict[Key, NDArray[np.int64]], tuple[str, ...]]:
    """Number the classes of a source.

    Args:
        labels: of each split: (n,) whole numbers or texts, and its file in words, for messages.
        class_names: the published names, for labels that must be 0 ... len-1. None takes the sorted labels
            that occur, in any split, as the classes, and their text as the names.

    Returns:
        The position of each label among the classes, (n,) int64, by split; and the names of the classes.

    Raises:
        UserError: labels that are not classes, or all the same, or of different kinds.
    """
    whole = {key: _whole(array, origin) for key, (array, origin) in labels.items()}
    if len({each.dtype.kind for each in whole.values()}) > 1:
        facts = ", ".join(f"{labels[key][1]} has {each.dtype}" for key, each in whole.items())
        raise UserError(f"All splits need labels of one kind, but {facts}. Use numbers or text throughout.")
    if class_names is None:
        classes = np.unique(np.concatenate([np.unique(each) for each in whole.values()]))
        class_names = [str(each) for each in classes]
        _check_names(class_names, next(origin for _, origin in labels.values()))
        _check_distinct(classes, sum(map(len, whole.values())), next(origin for _, origin in labels.values()))
    else:
        classes = np.arange(len(class_names))
    return {key: _positions(whole[key], classes, labels[key][1]) for key in labels}, tuple(class_names)


def labels_note(class_names: Sequence[str]) -> tuple[str, ...]:
    """A note for the run's title where there are many classes: numbers from 0 or 1 may be classes or not."""
    if len(class_names) <= MANY:
        return ()
    return (f"labels: {len(class_names):,} classes, {class_names[0]} to {class_names[-1]}",)


def _whole(labels: Array, origin: str) -> Array:
    """The labels as int64 or text."""
    if labels.dtype.kind == "U":
        points = np.ascontiguousarray(labels, labels.dtype.newbyteorder("=")).view(np.uint32)
        if len(points) and points.max() > sys.maxunicode:
            raise UserError(
                f"Labels must be whole numbers or text, but those of {origin} are not text. Save them again."
            )
        return labels
    if labels.dtype.kind == "f":
        exact = 2.0 ** (np.finfo(labels.dtype).nmant + 1)  # every whole number below it has a float of its own
        labels = labels.astype(np.float64)
        broken = ~(np.isfinite(labels) & (labels == np.trunc(labels)))
        if broken.any():
            row = int(np.argmax(broken))
            raise UserError(
                f"Labels must be whole numbers, but {origin} has {labels[row]} in row {row} (counted from 0). "
                f"{LIKE_NUMBERS}."
            )
        if (inexact := np.abs(labels) >= exact).any():
            row = int(np.argmax(inexact))
            raise UserError(
                f"Labels must be whole numbers that their type can tell apart, below {exact:.0f}, but {origin} has "
                f"{labels[row]:.0f} in row {row} (counted from 0). Number the classes from 0: "
                "`np.unique(labels, return_inverse=True)[1]`."
            )
    elif labels.dtype.kind not in "biu":
        raise UserError(
            f"Labels must be whole numbers or text, but those of {origin} are {labels.dtype}. Save them as int64."
        )
    elif labels.dtype == np.uint64 and len(labels) and labels.max() > np.iinfo(np.int64).max:
        raise UserError(
            f"Labels must be whole numbers below 2^63, but {origin} has {labels.max()}. Number the classes from "
            "0: `np.unique(labels, return_inverse=True)[1]`."
        )
    return labels.astype(np.int64)


def _check_names(names: Sequence[str], origin: str) -> None:
    """Check that the names of classes can be shown in a line of a terminal and in a picture.

    Raises:
        UserError: one that is too long, or has characters that cannot be shown.
    """
    for name in names:
        if len(name) > LONGEST_NAME or not name.isprintable():
            raise UserError(
                f"The name of a class must be printable text of at most {LONGEST_NAME} characters, but {origin} has "
                f"{name[:20]!a}, of {len(name):,}. Give the classes short names, or number them: "
                "`np.unique(labels, return_inverse=True)[1]`."
            )


def _check_distinct(classes: Array, rows: int, origin: str) -> None:
    """Whether so many distinct labels in so many rows can be classes.

    A class cannot be learned from few rows. A number to predict (an age, a price) has many distinct values, which are
    not numbered from 0 or 1 as classes are. The bounds accept what is used as classes: 100 classes of 5 rows,
    26 letters, 3 classes in 6 rows, a quality from 3 to 8.

    Raises:
        UserError: one class alone, or it looks like a number to predict or like an index.
    """
    count = len(classes)
    if count == 1:
        raise UserError(
            f"Classification needs at least two classes, but every label of {origin} is {classes[0]}. If the "
            "labels are in another column (`data.label_column=K`) or array, name that one."
        )
    facts = f"{origin} has {count:,} distinct labels in {rows:,} rows, from {classes[0]} to {classes[-1]}"
    is_number = classes.dtype.kind != "U"
    if count == rows > 2:
        _refuse(facts, f"A different label in every row means an index or numbers. {LIKE_NUMBERS}")
    if (count > 2 and count > rows / 2) or (count > MANY and count > rows / FEW_ROWS):
        _refuse(facts, LIKE_NUMBERS if is_number else "Drop the rare ones, or name the array of the labels")
    if is_number and int(classes[-1]) - int(classes[0]) + 1 == count and classes[0] in (0, 1):
        return
    if is_number and (count > MANY or count > max(MANY / 2, rows / 10)):
        _refuse(
            f"{facts}, which are not numbered from 0",
            f"{LIKE_NUMBERS}; if they are classes, number them: `np.unique(labels, return_inverse=True)[1]`",
        )


def _refuse(facts: str, remedy: str) -> NoReturn:
    raise UserError(f"A class needs several rows, but {facts}. {remedy}.")


def _positions(labels: Array, classes: Array, origin: str) -> NDArray[np.int64]:
    """The position of each label among the sorted classes."""
    positions = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    strange = classes[positions] != labels
    if strange.any():
        raise UserError(
            f"Labels must be 0 to {len(classes) - 1}, but {origin} has {labels[np.argmax(strange)]}. "
            "The file belongs to another data set: load it with `data=idx`."
        )
    return positions.astype(np.int64)
