"""Whether the columns of a CSV file are the pixels of an image: only their names can say so."""

from __future__ import annotations

import re
from collections.abc import Sequence

PIXEL = re.compile(r"pixel_?\d+|\d+x\d+", re.IGNORECASE)
"""What published tables call a pixel: pixel0 ... pixel783 (Kaggle), 1x1 ... 28x28 (MNIST in CSV)."""
FILE = re.compile(r"(fashion[-_])?mnist[-_](train|test)\.csv(\.gz)?", re.IGNORECASE)
"""What files of these images are called, which may name no columns."""


def are_pixels(names: Sequence[str] | None, file_name: str) -> bool:
    """Whether every column but the label is a pixel.

    Args:
        names: of all columns, the label's as well; None if the file does not name them.
        file_name: of the file, without its folder.
    """
    if names is None:
        return FILE.fullmatch(file_name) is not None
    return (
        len(names) > 1 and sum(PIXEL.fullmatch(name.strip().strip('"')) is not None for name in names) >= len(names) - 1
    )
