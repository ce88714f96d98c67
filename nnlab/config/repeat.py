"""From a config back to the command line that composes it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.types import Override

from nnlab.config.compose import composed, hydra_initialized, is_group
from nnlab.config.groups import choices_of
from nnlab.config.leaves import leaves, without
from nnlab.config.overrides import parsed
from nnlab.config.quoting import as_override
from nnlab.config.schema import Config, as_dict

GROUPS = ("model", "optimizer", "regularizer", "schedule", "data")
NOT_REPEATED = ("runs_dir", "strict", "tracking", "trainer.checkpoint_seconds")
"""Where things are kept, how often, and what is refused, is up to whoever repeats the run."""

ROOT = "data.root"
"""The one path that a run's result depends on."""


def overrides_of(config: Config) -> list[str]:
    """The overrides that compose to `config`, without defaults and without where runs are kept."""
    resolved = as_dict(config)
    choices = [
        f"{group}={name}"
        for group in GROUPS
        if (name := _choice(group, resolved)) is not None and name != _choice(group, _base())
    ]
    base = dict(leaves(_base(*choices)))
    values = [
        as_override(key, value)
        for key, value in leaves(without(resolved, NOT_REPEATED))
        if (key not in base or base[key] != value)
    ]
    return choices + values


def _choice(group: str, raw: Mapping[str, Any]) -> str | None:
    """The file of the group that has the config's `name`, if there is one."""
    name = str(raw[group]["name"])
    return name if name in choices_of(group) else None


@functools.lru_cache(maxsize=256)
def _base(*choices: str) -> dict[str, Any]:
    """What the choices compose to, without further values."""
    with hydra_initialized():
        return composed(parsed(choices), [])


def repeatable(overrides: Sequence[Override], config: Config) -> list[str]:
    """Overrides as they were typed, except where these would mean something else in another folder or at another time.

    A relative `data.root` is made absolute. What refers to the environment (`${oc.env:RATE}`) or calls a function
    (`shuffle(...)`) is replaced by the value that it had.

    Args:
        overrides: each with a single value.
        config: that they compose to.
    """
    values = dict(leaves(as_dict(config)))
    root = config.data.root
    texts = []
    for override in overrides:
        key, text = override.key_or_group, str(override.input_line)
        if key == ROOT and root is not None:
            continue
        depends = any(sign in text for sign in ("${", "(")) and not override.is_sweep_override()
        named = [leaf for leaf in values.items() if leaf[0] == key or leaf[0].startswith(f"{key}.")]
        texts += [as_override(*leaf) for leaf in named] if depends and named and not is_group(override) else [text]
    return texts if root is None else [*texts, as_override(ROOT, root)]
