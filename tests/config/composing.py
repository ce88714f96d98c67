"""Composes configs as the command does, and flattens them to keys with dots."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from nnlab.config.jobs import CONFIG_NAME, conf_dir

WRITABLE = Path(tempfile.gettempdir()).resolve()
"""A folder in which runs could be kept; nothing is made there."""


@functools.cache
def by_hydra(*overrides: str) -> DictConfig:
    """What plain Hydra composes, with what refers to other keys and the environment as it is written."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose(CONFIG_NAME, overrides=list(overrides))


def composed(*overrides: str) -> dict[str, Any]:
    plain = OmegaConf.to_container(by_hydra(*overrides), resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            leaves |= flat(value, f"{prefix}{key}.")
        else:
            leaves[prefix + key] = value
    return leaves


def choices(group: str) -> list[str]:
    return sorted(file.stem for file in (conf_dir() / group).glob("*.yaml") if not file.stem.startswith("_"))
