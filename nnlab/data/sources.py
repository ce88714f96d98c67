"""The table of data sources: the name that `data` chooses, and the function that reads its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nnlab.data.csv_files import CsvSettings, load_csv
from nnlab.data.embedded import load_digits, load_mnist_5k, load_toy
from nnlab.data.idx_files import load_idx
from nnlab.data.limits import MemoryLimit
from nnlab.data.npz_files import load_npz
from nnlab.data.published import load_fashion_mnist, load_mnist
from nnlab.data.source import Source


@dataclass(frozen=True)
class DataSource:
    """Where rows come from.

    Args:
        read: gives all rows, before any split; its arguments are the settings of the files, and whether to show a bar
            while it downloads.
        has_root: whether it reads the user's own files, at `data.root`.
        is_downloaded: whether it fetches its files.
    """

    read: Callable[[CsvSettings, bool], Source]
    has_root: bool = False
    is_downloaded: bool = False


def _limit(files: CsvSettings) -> MemoryLimit:
    return MemoryLimit(files.max_gigabytes)


SOURCES: dict[str, DataSource] = {
    "toy": DataSource(lambda files, progress: load_toy()),
    "digits": DataSource(lambda files, progress: load_digits()),
    "mnist_5k": DataSource(lambda files, progress: load_mnist_5k()),
    "mnist": DataSource(lambda files, progress: load_mnist(_limit(files), progress=progress), is_downloaded=True),
    "fashion_mnist": DataSource(
        lambda files, progress: load_fashion_mnist(_limit(files), progress=progress), is_downloaded=True
    ),
    "idx": DataSource(lambda files, progress: load_idx(files.root, _limit(files)), has_root=True),
    "csv": DataSource(lambda files, progress: load_csv(files), has_root=True),
    "npz": DataSource(lambda files, progress: load_npz(files.root, _limit(files)), has_root=True),
}
