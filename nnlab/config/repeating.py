"""The way back: from a config to the command line that composes it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from hydra import initialize_config_dir
from hydra.core.override_parser.types import Quote, QuotedString

from nnlab.config.command_line import composed, conf_dir, parsed
from nnlab.config.problems import shown
from nnlab.config.schema import Config, as_dict

GROUPS = ("model", "optimizer", "regularizer", "schedule", "data")
NOT_REPEATED = ("runs_dir", "tracking")
"""Where things are kept is the business of who repeats the run."""


def overrides_of(config: Config) -> list[str]:
    """The overrides that compose to `config`, those aside that say where runs are kept; defaults are left out."""
    resolved = as_dict(config)
    choices = [
        f"{group}={name}"
        for group in GROUPS
        if (name := _choice(group, resolved)) is not None and name != _choice(group, _base())
    ]
    base = dict(leaves(_base(*choices)))
    values = [
        in_hydra(key, value)
        for key, value in leaves(resolved)
        if key.split(".")[0] not in NOT_REPEATED and (key not in base or base[key] != value)
    ]
    return choices + values


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of a nested config with its full key."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _choice(group: str, raw: Mapping[str, Any]) -> str | None:
    """The file of the group that has the config's `name`, if there is one."""
    name = str(raw[group]["name"])
    return name if name in {path.stem for path in (conf_dir() / group).glob("*.yaml")} else None


@functools.lru_cache(maxsize=256)
def _base(*choices: str) -> dict[str, Any]:
    """What the choices compose to, without further values."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return composed(parsed(choices), [])


def in_hydra(key: str, value: Any) -> str:
    """The override that sets a value, in Hydra's grammar."""
    if isinstance(value, str) and not re.fullmatch(r"[\w./:@%+-]+", value, re.ASCII):
        literal = re.sub(r"(\\*)\$\{", r"\1\1\\${", value)  # or it were an interpolation
        return f"{key}={QuotedString(literal, Quote.single).with_quotes()}"
    return f"{key}={shown(value)}"
