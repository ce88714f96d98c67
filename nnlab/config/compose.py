"""Composes one config with Hydra, as plain values, from overrides with single values.

Hydra stops at the first unknown key, and checks no value. So every override is forced in, and the composed config is
checked as a whole. Values that depend on a wrong override are unknown: they are marked `IN_DOUBT` and not checked, so
that one mistake is reported as one problem.
"""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from nnlab.check import closest
from nnlab.config.groups import choices_of, conf_dir, groups
from nnlab.config.keys import key_rules
from nnlab.config.parse import IN_DOUBT
from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.config.quoting import to_paste
from nnlab.interrupts import ctrl_c_held

CONFIG_NAME = "config"
"""The file of `conf/` that a run's config starts from."""

VARIABLES = ("NNLAB_RUNS_DIR", "MLFLOW_TRACKING_URI")
"""Environment variables that `conf/` refers to."""

PRESETS = ("experiment", "sweep")
"""Groups whose files set keys of all others."""


@contextmanager
def hydra_initialized() -> Iterator[None]:
    """Hydra set up for `composed`. An empty environment variable counts as one that is not set."""
    empty = [name for name in VARIABLES if os.environ.get(name) == ""]
    for name in empty:
        del os.environ[name]
    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            yield
    finally:
        os.environ.update(dict.fromkeys(empty, ""))


def composed(
    job: Sequence[Override],
    problems: list[ConfigProblem],
    *,
    root: str = CONFIG_NAME,
    in_doubt: Set[str] = frozenset(),
) -> dict[str, Any]:
    """One job's config as plain values; overrides that cannot be composed are added to `problems` and left out.

    Call it inside `hydra_initialized`.

    Args:
        job: the overrides, each with a single value.
        problems: to add to.
        root: the file of `conf/` to start from.
        in_doubt: keys and groups whose overrides were invalid.

    Raises:
        ConfigError: if Hydra cannot compose it.
    """
    left, doubted = [], set(in_doubt)
    for override in job:
        if (problem := _wrong_choice(override) or _no_group(override)) is None:
            left.append(override)
        else:
            problems.append(problem)
            doubted.add(override.key_or_group)
    while True:
        try:
            whole = _composed(left, root)
            break
        except Exception as error:  # Hydra raises its own errors, and lets those of its parts through
            invalid = [override for override in left if override.key_or_group == getattr(error, "full_key", None)]
            if not invalid:
                invalid = _first_invalid(left, root)
            if not invalid:
                raise ConfigError([ConfigProblem("command line", _one_line(error))]) from None
            problems += [_not_composed(override, error) for override in invalid[-1:]]
            doubted |= {override.key_or_group for override in invalid}
            left = [override for override in left if override not in invalid]
    if doubted:
        mark_in_doubt(whole, doubted, {override.key_or_group for override in left})
    return whole


@ctrl_c_held()
def _composed(overrides: Sequence[Override], root: str) -> dict[str, Any]:
    # Choices first: a value may belong to a choice that comes later on the command line.
    forced = [_forced(override) for override in overrides]
    values = OverridesParser.create().parse_overrides([text for text in forced if text.startswith("++")])
    choices = tuple(text for text in forced if not text.startswith("++"))
    config = copy.deepcopy(_chosen(root, choices, _edited()))
    ConfigLoaderImpl._apply_overrides_to_config(values, config)
    raw: Any = OmegaConf.to_container(config, resolve=True)
    return {str(key): value for key, value in raw.items()}


@ctrl_c_held()
def choices_made(overrides: Sequence[Override], root: str = CONFIG_NAME) -> dict[str, str]:
    """The file that is chosen of each group, by overrides that can be composed. Call it inside `hydra_initialized`."""
    choices = [text for override in overrides if not (text := _forced(override)).startswith("++")]
    made = compose(root, overrides=choices, return_hydra_config=True).hydra.runtime.choices
    return {str(group): str(choice) for group, choice in made.items()}


@functools.lru_cache(maxsize=32)
def _chosen(root: str, choices: tuple[str, ...], _: object) -> DictConfig:
    """The chosen files, merged by Hydra, which takes 60 ms. Jobs that differ in values alone share it."""
    return compose(root, overrides=list(choices))


def _edited() -> tuple[tuple[str, int], ...]:
    """When each file of `conf/` was edited: one that changes is read again."""
    return tuple((str(path), path.stat().st_mtime_ns) for path in conf_dir().rglob("*.yaml"))


def is_group(override: Override) -> bool:
    """Whether the override chooses a file of a group."""
    return override.key_or_group in groups() and not isinstance(override.value(), Mapping)


def wrong_choice(group: str, chosen: Any) -> ConfigProblem | None:
    """The problem with a choice that its group does not have."""
    files = choices_of(group)
    if str(chosen) in files:
        return None
    near = closest(str(chosen), files)
    return ConfigProblem(group, f"must be one of {', '.join(files)}", chosen, f"{group}={near}" if near else "")


def _wrong_choice(override: Override) -> ConfigProblem | None:
    if override.is_delete() or not is_group(override):
        return None
    return wrong_choice(override.key_or_group, override.value())


def _no_group(override: Override) -> ConfigProblem | None:
    """The problem with a single value for a key that has keys below it."""
    key, value = override.key_or_group, override.value()
    if override.is_delete() or is_group(override) or isinstance(value, Mapping) or key not in _sections():
        return None
    if key == "sweep.space" and value is None:  # no preset's
        return None
    return ConfigProblem(key, "must be a group of keys", value, f"{key}.KEY=VALUE")


@functools.cache
def _sections() -> frozenset[str]:
    """The keys that have keys below them and are no config group."""
    above = {key.rpartition(".")[0] for key in key_rules()}
    return frozenset({"sweep.space", *above} - {"", *groups()})


def _forced(override: Override) -> str:
    """The override as text, forced in if it sets a value: unknown keys are found later, with all other problems."""
    text = (override.input_line or "").strip()
    if override.is_delete():
        return text
    # `+group=choice` would add a second file to the one in the defaults; what is meant is clear.
    return text.lstrip("+") if is_group(override) else "++" + text.lstrip("+")


def _first_invalid(overrides: Sequence[Override], root: str) -> list[Override]:
    """The first override that cannot be composed together with those before it."""
    for count in range(1, len(overrides) + 1):
        try:
            _composed(overrides[:count], root)
        except Exception:
            return [overrides[count - 1]]
    return []


def _not_composed(override: Override, error: Exception) -> ConfigProblem:
    key, line = override.key_or_group, str(override.input_line)
    if override.is_delete():
        return ConfigProblem(key, f"cannot be removed ({_one_line(error)})", nearest=f"leave {line} out")
    text = override.get_value_string()
    nearest = f"{to_paste(key, text)} if it is text" if "${" in text else f"leave {line} out"
    return ConfigProblem(key, f"cannot be composed ({_one_line(error)})", text, nearest)


def mark_in_doubt(whole: dict[str, Any], doubted: Set[str], given: Set[str]) -> None:
    """Mark every value that depends on a doubted key, unless the value was given itself."""
    everywhere = not doubted.isdisjoint(PRESETS)

    def mark(tree: dict[str, Any], prefix: str, is_doubted: bool) -> None:
        for name, value in tree.items():
            key = f"{prefix}{name}"
            is_given = key in given or (name == "name" and prefix.rstrip(".") in given)
            below = (is_doubted or key in doubted) and not is_given
            if isinstance(value, dict) and value and not (key in doubted and key not in groups()):
                mark(value, f"{key}.", below)
            elif below:
                tree[name] = IN_DOUBT

    mark(whole, "", everywhere)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).partition("full_key:")[0].split()).rstrip(".")
