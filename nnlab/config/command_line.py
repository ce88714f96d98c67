"""The command line held against the configuration before any work starts.

Hydra stops at the first key it does not know, and checks no value. Here every job of the command line is
composed leniently, so that all that is wrong with all of it can be told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.config.validation import validate
from nnlab.core.check import closest

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

CONFIG_NAME = "config"


def conf_dir() -> Path:
    """The folder of the configs: inside an installed nnlab, or beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


def check_command_line(arguments: Sequence[str], *, multirun: bool) -> None:
    """Find everything that is wrong with the overrides of a command line.

    Args:
        arguments: the overrides, in Hydra's grammar.
        multirun: whether they describe several jobs (`-m`).

    Raises:
        ConfigError: with every problem of every job.
    """
    from hydra import compose, initialize_config_dir
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException, OverrideParseException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        overrides = OverridesParser.create().parse_overrides(list(arguments))
    except OverrideParseException as error:
        raise ConfigError([_unreadable(error)]) from None

    problems: list[ConfigProblem] = []
    if not multirun:
        problems += [_needs_multirun(override) for override in overrides if override.is_sweep_override()]
        overrides = [override for override in overrides if not override.is_sweep_override()]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        for job in _jobs(overrides):
            choices, values = [], []
            for override in job:
                if not _is_group(override):
                    values.append(_lenient(override))
                elif (problem := _wrong_choice(override)) is None:
                    choices.append(_lenient(override))
                else:
                    problems.append(problem)
            try:
                composed = compose(CONFIG_NAME, overrides=choices + values)
                raw = OmegaConf.to_container(composed, resolve=True)
            except (HydraException, OmegaConfBaseException) as error:
                problems.append(ConfigProblem("command line", _one_line(error)))
                continue
            try:
                validate(_as_dict(raw))
            except ConfigError as error:
                problems += error.problems
    if problems:
        raise ConfigError(list({str(problem): problem for problem in problems}.values()))


def _as_dict(raw: Any) -> dict[str, Any]:
    return {str(key): value for key, value in raw.items()} if isinstance(raw, Mapping) else {}


def _jobs(overrides: Sequence[Override]) -> Iterable[list[Override]]:
    """The overrides of each job: one of each sweep's values, in every combination."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.override_parser.overrides_parser import OverridesParser

    if not any(override.is_sweep_override() for override in overrides):
        yield list(overrides)
        return
    parser = OverridesParser.create()
    for job in BasicSweeper.split_arguments(list(overrides), None)[0]:
        yield parser.parse_overrides(job)


def _is_group(override: Override) -> bool:
    return (conf_dir() / override.key_or_group).is_dir() and not isinstance(override.value(), Mapping)


def _wrong_choice(override: Override) -> ConfigProblem | None:
    """The problem with `group=choice` where the group has no such file."""
    group = override.key_or_group
    files = sorted(path.stem for path in (conf_dir() / group).glob("*.yaml") if not path.stem.startswith("_"))
    chosen = override.value()
    if override.is_delete() or chosen is None or str(chosen) in files:
        return None
    near = closest(str(chosen), files)
    return ConfigProblem(group, f"must be one of {', '.join(files)}", chosen, f"{group}={near}" if near else "")


def _lenient(override: Override) -> str:
    """The override as text, forced in if it sets a value: unknown keys are to be found later, not refused now."""
    text = override.input_line or ""
    is_plain = not (override.is_delete() or _is_group(override) or override.key_or_group.startswith("hydra"))
    return "++" + text.lstrip("+") if is_plain else text


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
