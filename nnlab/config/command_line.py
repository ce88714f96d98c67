"""From a command line in Hydra's grammar to validated jobs, with all that is wrong found before any work starts.

Hydra stops at the first key it does not know, and checks no value. So every override is forced in first; what
is wrong with the composed whole is then told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.config.schema import Config
from nnlab.config.validation import validate
from nnlab.core.check import closest

CONFIG_NAME = "config"
"""The root of a run's config among the files of `conf/`."""


@dataclass(frozen=True)
class Job:
    """A run to do: its config, and what the command line set."""

    config: Config
    overrides: list[str]


def conf_dir() -> Path:
    """The folder of the configs: inside an installed nnlab, or beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


def compose_jobs(arguments: Sequence[str], *, multirun: bool) -> list[Job]:
    """The jobs that overrides describe.

    Args:
        arguments: the overrides, in Hydra's grammar.
        multirun: whether an override may have several values, each of which makes a job.

    Raises:
        ConfigError: with every problem of every job.
    """
    overrides = parsed(arguments)
    problems: list[ConfigProblem] = []
    if not multirun:
        problems += [_needs_multirun(override) for override in overrides if override.is_sweep_override()]
        overrides = [override for override in overrides if not override.is_sweep_override()]
    jobs = []
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        for job in _each_combination(overrides):
            try:
                config = validate(composed(job, problems))
                jobs.append(Job(config, [str(override.input_line) for override in job]))
            except ConfigError as error:
                problems += error.problems
    if problems:
        raise ConfigError(list({str(problem): problem for problem in problems}.values()))
    return jobs


def parsed(arguments: Sequence[str]) -> list[Override]:
    """Overrides in Hydra's grammar.

    Raises:
        ConfigError: if one is not.
    """
    try:
        return OverridesParser.create().parse_overrides(list(arguments))
    except OverrideParseException as error:
        raise ConfigError([_unreadable(error)]) from None


def _each_combination(overrides: Sequence[Override]) -> Iterable[list[Override]]:
    """The overrides of each job: one of each sweep's values, in every combination."""
    if not any(override.is_sweep_override() for override in overrides):
        yield list(overrides)
        return
    parser = OverridesParser.create()
    for job in BasicSweeper.split_arguments(list(overrides), None)[0]:
        yield parser.parse_overrides(job)


def composed(job: Sequence[Override], problems: list[ConfigProblem], *, root: str = CONFIG_NAME) -> dict[str, Any]:
    """One job's config as plain values; choices that do not exist are added to `problems` and left out.

    Call it inside Hydra's `initialize_config_dir(conf_dir())`.

    Args:
        job: the overrides, each with a single value.
        problems: to add to.
        root: the file of `conf/` to begin with.

    Raises:
        ConfigError: if Hydra cannot compose it.
    """
    wrong = {id(override): problem for override in job if (problem := _wrong_choice(override))}
    problems += wrong.values()
    forced = [_forced(override) for override in job if id(override) not in wrong]
    try:
        # Choices first: a value may belong to a choice that stands behind it.
        whole = compose(root, overrides=sorted(forced, key=lambda text: text.startswith("++")))
        raw: Any = OmegaConf.to_container(whole, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError([ConfigProblem("command line", _one_line(error))]) from None
    return {str(key): value for key, value in raw.items()}


def is_group(override: Override) -> bool:
    """Whether the override chooses a file of a group."""
    group = override.key_or_group
    return (conf_dir() / group).is_dir() and not isinstance(override.value(), Mapping)


def _wrong_choice(override: Override) -> ConfigProblem | None:
    """The problem with `group=choice` where the group has no such file, or with an override of nothing."""
    group = override.key_or_group
    if not group:
        return ConfigProblem("command line", f"must be written as key=value, but got {override.input_line}")
    if not is_group(override) or override.is_delete():
        return None
    files = sorted(path.stem for path in (conf_dir() / group).glob("*.yaml"))
    chosen = override.value()
    if str(chosen) in files:
        return None
    near = closest(str(chosen), files)
    return ConfigProblem(group, f"must be one of {', '.join(files)}", chosen, f"{group}={near}" if near else "")


def _forced(override: Override) -> str:
    """The override as text, forced in if it sets a value: unknown keys are to be found later, not refused now."""
    text = override.input_line or ""
    is_value = not (override.is_delete() or is_group(override) or override.key_or_group.startswith("hydra"))
    return "++" + text.lstrip("+") if is_value else text


def _needs_multirun(override: Override) -> ConfigProblem:
    return ConfigProblem(
        override.key_or_group,
        f"has several values ({override.input_line}), which needs -m: a run for each",
        nearest="add -m",
    )


def _unreadable(error: Exception) -> ConfigProblem:
    return ConfigProblem("command line", f"must be written as key=value in Hydra's grammar: {_one_line(error)}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
