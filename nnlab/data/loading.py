"""From settings to a dataset: read the source, split it, scale it."""

from __future__ import annotations

import functools
import sys
from dataclasses import replace

from nnlab.core.rows import Scaling
from nnlab.core.seeding import streams
from nnlab.data.dataset import Dataset
from nnlab.data.download import CACHE_VARIABLE
from nnlab.data.labels import labels_note
from nnlab.data.scaling import inputs_note, pixel_scaling, standardized
from nnlab.data.settings import DataSettings
from nnlab.data.source import Source
from nnlab.data.sources import SOURCES
from nnlab.data.splits import split
from nnlab.errors import UserError


def load(settings: DataSettings, *, seed: int = 0, progress: bool = False, source: Source | None = None) -> Dataset:
    """Read, split and scale the data that `settings` names.

    Args:
        settings: which data, and in which form.
        seed: the seed of the run, for splits whose own seed is None.
        progress: show a bar on stderr while a file is downloaded.
        source: what `read_source` gave for these settings, so that it is not read again.

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
    source = SOURCES[settings.name]
    if settings.root is not None and not source.has_root:
        own_files = ", ".join(name for name, other in SOURCES.items() if other.has_root)
        raise UserError(
            f"`data.root={settings.root}` is for {own_files}, but `data={settings.name}` does not read it. Leave it "
            f"out, or choose one of these; {CACHE_VARIABLE} moves the folder of downloads."
        )
    try:
        return source.read(settings, progress)
    except MemoryError as error:
        where = f" from {settings.root}" if settings.root else ""
        raise UserError(
            f"`data={settings.name}`{where} must fit into memory, but the system gives this process no more. "
            "End other programs, take a machine with more memory or give smaller files."
        ) from error


def dataset_of(data: DataSettings, *, seed: int) -> Dataset:
    """The dataset that the settings name; a dataset that was loaded recently is the same object, not read again.

    `Job` hands on what validation has loaded. This cache is for what comes later or often: the many calls of
    `compose` in a script, a study's trials, the runs that a worker does one after another.

    Args:
        data: which data, and how to split it.
        seed: of the run; it matters only to splits that follow it.

    Raises:
        UserError: if the data is missing, damaged or does not allow the splits.
    """
    return _split_data(data, seed if data.split.seed is None else 0)


def forget() -> None:
    """Let go of the datasets that were loaded recently: another process is about to load them."""
    _split_data.cache_clear()
    _read_files.cache_clear()


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
