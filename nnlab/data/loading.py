"""From settings to a dataset: read the source, split it, scale it."""

from __future__ import annotations

import functools
import sys
from dataclasses import replace

import numpy as np

from nnlab.core.rows import Scaling
from nnlab.core.seeding import streams
from nnlab.data.csv_files import load_csv
from nnlab.data.dataset import Dataset
from nnlab.data.download import CACHE_VARIABLE
from nnlab.data.embedded import load_digits, load_mnist_5k, load_toy
from nnlab.data.idx_files import load_idx
from nnlab.data.labels import labels_note
from nnlab.data.npz_files import load_npz
from nnlab.data.published import load_fashion_mnist, load_mnist
from nnlab.data.scaling import inputs_note, pixel_scaling, standardized
from nnlab.data.settings import DataSettings
from nnlab.data.source import Source
from nnlab.data.splits import split
from nnlab.errors import UserError

OWN_FILES = ("idx", "csv", "npz")
"""The sources that read `data.root`."""


def load(settings: DataSettings, *, seed: int = 0, progress: bool = False, source: Source | None = None) -> Dataset:
    """Read, split and scale the data that `settings` names.

    Args:
        settings: which data, and in which form.
        seed: the seed of the run, for splits whose own seed is None.
        progress: show a bar on stderr while a file is downloaded.
        source: what `read_source` gave for these settings, not to read it again.

    Raises:
        UserError: a file is missing, damaged or of the wrong kind; a download failed; the splits ask for
            more rows than there are.
    """
    source = source or read_source(settings, progress=progress)
    split_seed = seed if settings.split.seed is None else settings.split.seed
    splits = split(source, settings.split, streams(split_seed).split, limit=settings.limit)
    train = splits.train
    scaling = Scaling()
    if source.maximum is not None and settings.scale == "unit":
        scaling = pixel_scaling(train, source.maximum)
    note = inputs_note(source, scaling, len(train) if settings.standardize else None)
    if settings.standardize:
        scaling = standardized(train, scaling, is_image=source.maximum is not None)
    return Dataset(
        name=settings.name,
        train=replace(train, scaling=scaling),
        validation=replace(splits.validation, scaling=scaling),
        test=replace(splits.test, scaling=scaling),
        class_names=source.class_names,
        image_shape=source.image_shape,
        sha256=source.sha256,
        row_type=source.row_type,
        notes=(*source.notes, *labels_note(source.class_names), note),
    )


def read_source(settings: DataSettings, *, progress: bool = False) -> Source:
    """All rows of the source, before any split; errors as for `load`."""
    if settings.root is not None and settings.name not in OWN_FILES:
        raise UserError(
            f"`data.root={settings.root}` is for {', '.join(OWN_FILES)}: `data={settings.name}` does not read "
            f"it. Leave it out, or choose one of these; {CACHE_VARIABLE} moves the folder of downloads."
        )
    match settings.name:
        case "toy":
            return load_toy()
        case "digits":
            return load_digits()
        case "mnist_5k":
            return load_mnist_5k()
        case "mnist":
            return load_mnist(progress=progress)
        case "fashion_mnist":
            return load_fashion_mnist(progress=progress)
        case "idx":
            return load_idx(settings.root)
        case "csv":
            source = load_csv(settings)
            return replace(source, row_type=np.result_type(source.row_type, np.int64))  # as pandas reads them
        case "npz":
            return load_npz(settings.root)


def dataset_of(data: DataSettings, *, seed: int) -> Dataset:
    """The dataset that the settings name; one that was loaded a moment ago is the same object, not read again.

    What validation has loaded is handed on by `Job`. Memory is for what comes later or in numbers: the many calls of
    `compose` in a script, a study's trials, the runs that a worker does one after another.

    Args:
        data: which data, and how to split it.
        seed: of the run; it matters only to splits that follow it.

    Raises:
        UserError: if the data is missing, damaged or does not allow the splits.
    """
    return _split_data(data, seed if data.split.seed is None else 0)


def arrays_of(dataset: Dataset) -> dict[int, int]:
    """The bytes of each array of a dataset, by its identity: what datasets of one source share counts once."""
    splits = (dataset.train, dataset.validation, dataset.test)
    return {id(array): array.nbytes for rows in splits for array in (rows.x, rows.y, rows.index)}


# Of two sizes for two costs: files take seconds to read and much memory; a split takes a tenth of that, and shares
# the source's arrays.
@functools.lru_cache(maxsize=2)
def _split_data(data: DataSettings, seed: int) -> Dataset:
    # What does not change how files are read is left at its default.
    defaults = DataSettings(data.name)
    files = replace(data, **{key: getattr(defaults, key) for key in ("limit", "scale", "standardize", "split")})
    return load(data, seed=seed, source=_read_files(files))


@functools.lru_cache(maxsize=1)
def _read_files(files: DataSettings) -> Source:
    return read_source(files, progress=sys.stderr is not None and sys.stderr.isatty())
