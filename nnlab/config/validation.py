"""The whole check of one config, up to the data it names."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnlab.config.combinations import combination_problems, data_problems
from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.config.reading import Reader
from nnlab.config.schema import Config
from nnlab.data import load
from nnlab.data.dataset import Dataset
from nnlab.data.settings import DataSettings
from nnlab.errors import UserError

DOWNLOADED = ("mnist", "fashion_mnist")


def validate(raw: Mapping[str, Any]) -> Config:
    """The typed config, if everything about it is right, also what ties it to its data.

    Args:
        raw: as Hydra composed it, interpolations resolved.

    Raises:
        ConfigError: with every problem. Data that has to be downloaded is looked at only when nothing else is
            wrong.
    """
    reader = Reader()
    config = reader.read(raw)
    problems = [*reader.problems, *combination_problems(reader.settings)]
    data = _with_absolute_root(reader.settings.get("data"))
    is_wrong = any(problem.key.startswith("data.") for problem in problems)
    if data is not None and not is_wrong and not (problems and data.name in DOWNLOADED):
        try:
            dataset = dataset_of(data, seed=reader.settings.get("seed", 0))
        except UserError as error:
            problems.append(ConfigProblem("data", str(error).rstrip("."), data.name))
        else:
            problems += data_problems(reader.settings, dataset)
    if problems or config is None or data is None:
        raise ConfigError(problems)
    return dataclasses.replace(config, data=data)


def _with_absolute_root(data: DataSettings | None) -> DataSettings | None:
    """The settings with a root that means the same from any folder."""
    if data is None or data.root is None:
        return data
    return dataclasses.replace(data, root=str(Path(data.root).expanduser().absolute()))


@functools.lru_cache(maxsize=1)
def dataset_of(data: DataSettings, *, seed: int) -> Dataset:
    """The dataset that the settings name, read once for the check and the run after it.

    Raises:
        UserError: if the data is missing, damaged or does not allow the splits.
    """
    return load(data, seed=seed, progress=True)
