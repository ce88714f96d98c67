"""What the pictures need from a network: its outputs for the rows that they show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nnlab.core.batches import chunks
from nnlab.core.network import ROWS_AT_ONCE, Network
from nnlab.core.rows import Array, Rows
from nnlab.data.dataset import Dataset


def outputs(network: Network, rows: Rows) -> Array:
    """The network's outputs (n, k) for every row, some rows at a time: floats take four times the memory of bytes."""
    parts = chunks(rows.index, ROWS_AT_ONCE)
    return np.concatenate([network.predict(replace(rows, index=ids).inputs(network.dtype)) for ids in parts])


def shown_rows(dataset: Dataset) -> tuple[str, Rows]:
    """The split whose mistakes are shown where the test split is left alone, and its name."""
    return ("validation", dataset.validation) if len(dataset.validation) else ("training", dataset.train)
