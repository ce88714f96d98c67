"""The settings that a recorded run had, from its `config.yaml`: checked as any other, and held to their digest."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from nnlab.config.parse import Reader
from nnlab.config.problems import ConfigError
from nnlab.config.schema import VARIANTS, Config, as_dict
from nnlab.data.settings import DataSettings
from nnlab.errors import UserError
from nnlab.runs.directory import CONFIG
from nnlab.runs.provenance import config_sha256
from nnlab.runs.stored_run import StoredRun
from nnlab.training import TrainerSettings

NOT_IN_OLD_CONFIGS: dict[str, dict[str, Any]] = {
    "trainer": {"checkpoint_seconds": TrainerSettings.checkpoint_seconds},
    "data": {"max_gigabytes": DataSettings.max_gigabytes},
    "tracking": {"diff": True},
}
"""Keys that change no number, and that the configs of earlier versions lack."""


def completed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a recorded config, with the keys that it lacks because it is of an earlier version."""
    config = {"strict": False, **copy.deepcopy(dict(raw))}
    for group, values in NOT_IN_OLD_CONFIGS.items():
        if isinstance(config.get(group), dict):
            config[group] = values | config[group]
    return config


def config_of(stored: StoredRun) -> Config:
    """The config of a recorded run. Nothing that it names is looked for.

    Raises:
        UserError: if it is damaged, or was changed since.
    """
    reader = Reader(Config, VARIANTS)
    config = reader.read(completed(stored.config))
    if config is None or reader.problems:
        raise ConfigError(reader.problems)
    check_digest(stored, config)
    return config


def check_digest(stored: StoredRun, config: Config) -> None:
    """Check that a config is the one that the run was started with, in all that changes a number.

    Raises:
        UserError: if it is not.
    """
    now, then = config_sha256(as_dict(config)), stored.provenance.get("config_sha256")
    if now != then:
        raise UserError(
            f"A run keeps the config that it was started with, but {stored.path / CONFIG} was changed since: "
            f"its SHA-256 was {then} and is {now}. Restore the file, or start another run."
        )
