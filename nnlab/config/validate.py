"""The whole check of one config, up to the data it names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nnlab.config.cross_checks import combination_problems, data_problems
from nnlab.config.parse import Reader
from nnlab.config.places import place_problems, why_not_writable
from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.config.schema import VARIANTS, Config
from nnlab.config.tracking_uri import resolve_uri
from nnlab.cpu import usable_cores, worthwhile_threads
from nnlab.data.dataset import Dataset
from nnlab.data.download import CACHE_VARIABLE, cache_folder
from nnlab.data.loading import dataset_of
from nnlab.data.settings import DataSettings
from nnlab.data.sources import SOURCES
from nnlab.errors import UserError
from nnlab.paths import expanded


class Validated(NamedTuple):
    """A config that is right in all that can be known before a run, and the data that it was checked with."""

    config: Config
    dataset: Dataset


def validate(raw: Mapping[str, Any]) -> Validated:
    """The typed config and its data, if everything about them is right, also what ties one to the other.

    Paths in it are made absolute, so that it means the same from any folder.

    Args:
        raw: as Hydra composed it, interpolations resolved.

    Raises:
        ConfigError: with every problem. Data that has to be downloaded is looked at only when nothing else is
            wrong.
    """
    reader = Reader(Config, VARIANTS)
    config = reader.read(raw)
    settings = reader.settings
    problems = [*reader.problems, *combination_problems(settings)]

    runs_dir = Path.cwd()
    try:
        runs_dir = expanded(settings.get("runs_dir", ".")).absolute()
    except UserError as error:
        problems.append(ConfigProblem("runs_dir", str(error).removesuffix("."), settings["runs_dir"]))
        settings = {key: value for key, value in settings.items() if key != "runs_dir"}
    uri = settings.get("tracking.uri")
    if settings.get("tracking.enabled"):
        try:
            uri = resolve_uri(uri, runs_dir)
        except UserError as error:
            problems.append(ConfigProblem("tracking.uri", str(error).removesuffix(".")))
            uri = None
    problems += place_problems(settings, runs_dir, uri if settings.get("tracking.enabled") else None)

    data = None
    try:
        data = _with_absolute_root(settings.get("data"))
    except UserError as error:
        problems.append(ConfigProblem("data.root", str(error).removesuffix("."), settings["data"].root))
    if data is not None and problems and SOURCES[data.name].is_downloaded:
        problems += _cache_problems(data.name)
    elif data is not None:
        try:
            dataset = dataset_of(data, seed=settings.get("seed", 0))
        except UserError as error:
            problems.append(ConfigProblem("data", str(error).removesuffix("."), data.name))
        else:
            problems += data_problems(settings, dataset)

    if problems or config is None or data is None:
        raise ConfigError(problems)
    trainer = dataclasses.replace(config.trainer, threads=_threads(config, dataset))
    tracking = dataclasses.replace(config.tracking, uri=uri)
    checked = dataclasses.replace(config, data=data, trainer=trainer, tracking=tracking, runs_dir=str(runs_dir))
    return Validated(checked, dataset)


def _cache_problems(name: str) -> Iterator[ConfigProblem]:
    """The problem with a folder of downloads that cannot be written: the one that is known without downloading."""
    folder = cache_folder() / name
    why = "" if folder.is_dir() else why_not_writable(folder)
    if why:
        rule = f"must have a writable folder for its files, but {folder} cannot be created: {why}"
        yield ConfigProblem("data", rule, name, f"another folder, with {CACHE_VARIABLE}")


def _threads(config: Config, dataset: Dataset) -> int:
    """The BLAS threads as a number: what a config stands for must not depend on who reads it later."""
    trainer = config.trainer
    if trainer.threads != "auto":
        return trainer.threads
    batch_rows = len(dataset.train) if trainer.batch_size == "full" else trainer.batch_size
    widths = (dataset.features, *config.model.hidden, config.model.output_units or dataset.classes)
    return worthwhile_threads(batch_rows, widths, usable_cores())


def _with_absolute_root(data: DataSettings | None) -> DataSettings | None:
    if data is None or data.root is None:
        return data
    return dataclasses.replace(data, root=str(expanded(data.root).absolute()))
