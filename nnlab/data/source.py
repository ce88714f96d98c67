"""What every source provides: checked tables of rows with their classes, before any split."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlab.core.rows import Array
from nnlab.data.labels import to_classes
from nnlab.data.number_types import CHUNK, check_pixels, row_type, stored_type
from nnlab.errors import UserError

Part = Literal["train", "validation", "test"]

SMALLEST_IMAGE = 64
"""Features of the smallest row that may be an image without being given as one: 8×8, as in scikit-learn's digits."""


class Table(NamedTuple):
    """Labelled rows: `x` (N, features) and `y` (N,) int64 class labels, both read-only."""

    x: Array
    y: NDArray[np.int64]


class RawTable(NamedTuple):
    """Rows as a file holds them.

    Args:
        x: (N, features) or (N, height, width), any number type.
        labels: (N,) whole numbers or texts, any values.
        origin: the file in words, for messages.
    """

    x: Array
    labels: Array
    origin: str


@dataclass(frozen=True)
class Source:
    """Everything that a source provides.

    Args:
        parts: its tables by the split they are meant for; `train` is always there.
        class_names: the classes in words, in the order of the labels.
        image_shape: (height, width) where a row is an image, else None.
        maximum: the largest value that a pixel can take where rows are images of bytes; None where they are a table.
        row_type: the type that the file's numbers have, which rows brought to a trained model have as well.
        is_population: the rows are all that exist, so every split has all of them.
        notes: how the files were read, a sentence each, for the run's title.
    """

    parts: dict[Part, Table]
    class_names: tuple[str, ...]
    image_shape: tuple[int, int] | None
    maximum: int | None
    row_type: np.dtype[np.generic]
    is_population: bool = False
    notes: tuple[str, ...] = ()

    @functools.cached_property
    def sha256(self) -> str:
        """Digest of every array: its name, shape, type and bytes."""
        digest = hashlib.sha256()
        for part, table in sorted(self.parts.items()):
            for letter, array in zip("xy", table, strict=True):
                digest.update(f"{letter}_{part} {array.shape} {array.dtype.str}\n".encode())
                digest.update(array.data)
        return digest.hexdigest()

    @functools.cached_property
    def pooled(self) -> Table:
        """All tables as one, in the order train, validation, test: a single copy, however often it is split."""
        ordered: tuple[Part, ...] = ("train", "validation", "test")
        tables = [self.parts[part] for part in ordered if part in self.parts]
        if len(tables) == 1:
            return tables[0]
        merged = Table(np.concatenate([t.x for t in tables]), np.concatenate([t.y for t in tables]))
        for array in merged:
            array.flags.writeable = False
        return merged


def assemble(
    raw: dict[Part, RawTable],
    *,
    class_names: Sequence[str] | None = None,
    is_image: bool = False,
    maximum: int = 255,
) -> Source:
    """Check raw tables against each other and bring them into one form.

    Numbers are kept in the smallest type that holds every one of them exactly, see `stored_type`.

    Args:
        raw: by split; `train` is needed.
        class_names: the published names, for labels that must be 0 ... len-1. None takes the sorted labels
            that occur, in any table, as the classes, and their text as the names.
        is_image: every row is an image of bytes. Only the reader of a file can know: the numbers do not
            tell.
        maximum: the largest value that a pixel of this source can take.

    Raises:
        UserError: rows and labels, or two tables, that do not match; NaN or infinity; numbers that no type
            holds; pixels that are not bytes; labels that are not classes, or all the same.
    """
    for table in raw.values():
        _check_rows(table)
    widths = {table.x.shape[1:]: table.origin for table in raw.values()}
    if len(widths) > 1:
        facts = ", ".join(f"{origin} has {_shape_words(shape)}" for shape, origin in widths.items())
        raise UserError(f"All splits need rows of the same shape, but {facts}. Give files of one data set.")
    labels, names = to_classes({part: (table.labels, table.origin) for part, table in raw.items()}, class_names)
    if is_image:
        for table in raw.values():
            check_pixels(table.x, table.origin)
    dtype = np.dtype(np.uint8) if is_image else stored_type({table.origin: table.x for table in raw.values()})
    return Source(
        parts={part: Table(_frozen(_flat(table.x, dtype)), _frozen(labels[part])) for part, table in raw.items()},
        class_names=names,
        image_shape=image_shape(next(iter(widths)), is_image=is_image),
        maximum=maximum if is_image else None,
        row_type=row_type(raw["train"].x),
    )


def image_shape(row: tuple[int, ...], *, is_image: bool = False) -> tuple[int, int] | None:
    """(height, width) of a row of shape (height, width), or of (features,) that fill a square.

    Unless they are known to be an image, only `SMALLEST_IMAGE` features or more are shown as one.
    """
    if len(row) == 2:
        return row
    side = math.isqrt(row[0])
    return (side, side) if side * side == row[0] and (is_image or row[0] >= SMALLEST_IMAGE) else None


def _check_rows(table: RawTable) -> None:
    if table.x.ndim not in (2, 3):
        raise UserError(
            f"Rows must have the shape (n, features) or (n, height, width), but those of {table.origin} "
            f"have {table.x.shape}. Reshape the array before you save it."
        )
    if table.labels.ndim != 1:
        raise UserError(
            f"Labels must have the shape (n,), but those of {table.origin} have {table.labels.shape}. "
            "Save class numbers; `np.argmax(y, axis=1)` makes them of one-hot rows."
        )
    if len(table.x) != len(table.labels):
        raise UserError(
            f"Every row needs one label, but {table.origin} has {len(table.x)} rows and {len(table.labels)} "
            "labels. Give the two arrays of the same data set."
        )
    if table.x.size == 0:
        raise UserError(f"A data set needs at least one row, but {table.origin} is empty. Name one with rows.")
    if table.x.dtype.kind not in "biuf":
        raise UserError(
            f"Rows must be numbers, but those of {table.origin} have the type {table.x.dtype}. "
            "Save them as bytes or floats."
        )
    for start in range(0, len(table.x), CHUNK) if table.x.dtype.kind == "f" else ():
        finite = np.isfinite(table.x[start : start + CHUNK])
        if not finite.all():
            first, *position = (int(axis) for axis in np.unravel_index(np.argmin(finite), finite.shape))
            raise UserError(
                f"Rows must be finite numbers, but {table.origin} has {table.x[start + first, *position]} in row "
                f"{start + first} at position {', '.join(map(str, position))} (counted from 0). Fill in or drop such "
                "rows first."
            )


def _shape_words(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} features" if len(shape) == 1 else f"images of {shape[0]}×{shape[1]}"


def _flat(x: Array, dtype: np.dtype[np.generic]) -> Array:
    return np.ascontiguousarray(x.reshape(len(x), -1), dtype=dtype)


def _frozen(array: Array) -> Array:
    """A view that cannot be written to: splits and processes share the memory behind it."""
    view = array.view()
    view.flags.writeable = False
    return view
