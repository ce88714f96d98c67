"""What a network is trained on: three splits of labelled rows, and facts about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnlab.core.rows import Array, Rows


@dataclass(frozen=True)
class Dataset:
    """Labelled rows for training, validation and testing.

    The splits refer by index to arrays that they may share, so every row is held once. `x` is
    (N, features), C-contiguous and read-only, of the smallest type that holds every number exactly; `y` is (N,) int64,
    labels 0 ... classes-1. All three splits have the same scaling.

    Args:
        name: the name of the source.
        train: for training; never empty.
        validation: for choices; may be empty.
        test: for the one evaluation at the end; may be empty.
        class_names: the classes in words, in the order of the labels.
        image_shape: (height, width) where a row is an image, else None.
        sha256: hex digest over the arrays of the source as loaded, before any split, limit or scaling.
        row_type: the type of the source's numbers; None if it is that of `x`.
        notes: how the files were read, and what was done to the inputs, a sentence each.
    """

    name: str
    train: Rows
    validation: Rows
    test: Rows
    class_names: tuple[str, ...]
    image_shape: tuple[int, int] | None
    sha256: str
    row_type: np.dtype[np.generic] | None = None
    notes: tuple[str, ...] = ()

    @property
    def features(self) -> int:
        """How many numbers a row has."""
        return int(self.train.x.shape[1])

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)

    def example(self, n: int) -> Array:
        """The first `n` training rows as they come from the source, (n, features), in its type."""
        rows: Array = self.train.x[self.train.index[:n]]
        return rows if self.row_type is None else rows.astype(self.row_type)
