"""What the commands over a composed config have in common: their arguments, in Hydra's grammar."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn
from unittest import mock

import hydra
from hydra._internal.utils import get_args_parser
from omegaconf import DictConfig

from nnlab.config.job import Job
from nnlab.config.jobs import CONFIG_NAME, compose_jobs, conf_dir
from nnlab.config.overrides import Rules, key_of, one_value_alone, read, unknown_key
from nnlab.config.parse import key_rules, nearest_key
from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.config.quoting import in_hydra
from nnlab.config.test_split import decided
from nnlab.errors import UserError

FOREIGN = ("config_name", "config_path", "config_dir", "experimental_rerun")
QUESTIONS = ("help", "hydra_help", "cfg", "info", "shell_completion")


def composed_jobs(arguments: Sequence[str]) -> list[Job]:
    """The jobs of a command line: none for `--help`, `--cfg` and their like, which it answers; several for `-m`.

    Hydra composes and answers questions about configs; what is composed is run elsewhere, so that Hydra never
    stands around the work.

    Raises:
        UserError: with everything that is wrong with any of the jobs, or if Hydra cannot answer.
        SystemExit: with status 0, behind some answers.
    """
    parsed = _parsed(arguments)
    if _is_question(parsed):
        _answer(parsed, CONFIG_NAME)
        return []
    return decided(compose_jobs(parsed.overrides, multirun=parsed.multirun))


def read_overrides(arguments: Sequence[str], *, root: str, rules: Rules | None = None) -> list[str] | None:
    """The overrides of a command that has one config alone; None for a question, which it answers.

    Args:
        arguments: of the command line.
        root: the file of `conf/` that the command's config begins with.
        rules: the keys that it has; None for those of a run.

    Raises:
        UserError: if the command line asks for what the command does not do, or Hydra cannot answer.
        SystemExit: with status 0, behind some answers.
    """
    parsed = _parsed(arguments)
    if _is_question(parsed):
        _answer(parsed, root, rules)
        return None
    if parsed.multirun:
        raise UserError("nnlab.sweep searches by itself and takes no -m. Leave it out: several values are a space.")
    overrides: list[str] = parsed.overrides
    return overrides


def show_option(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The name behind `--show`, if it is there, and the other arguments.

    Raises:
        UserError: if the name is missing.
    """
    parser = argparse.ArgumentParser(prog="python -m nnlab.sweep", add_help=False, allow_abbrev=False)
    parser.error = _refuse  # type: ignore[method-assign]
    parser.add_argument("--show", metavar="NAME", help="print the leaderboard of a study")
    parsed, others = parser.parse_known_args(list(arguments))
    return parsed.show, others


def _parsed(arguments: Sequence[str]) -> Any:
    """Hydra's options, wherever they stand among the overrides."""
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    parsed: Any = parser.parse_intermixed_args(list(arguments))
    foreign = [f"--{name.replace('_', '-')}" for name in FOREIGN if getattr(parsed, name) is not None]
    if foreign:
        raise UserError(
            f"nnlab composes its own configs alone, so it takes no {' or '.join(foreign)}. "
            "Set values on the command line, or put a preset into conf/experiment/."
        )
    asked = [f"--{name.replace('_', '-')}" for name in QUESTIONS if getattr(parsed, name)]
    if parsed.multirun and (asked or parsed.run):
        other = "--run" if parsed.run else asked[0]
        raise UserError(f"{other} is about one config, and -m about several. Leave one of them out.")
    if not parsed.cfg and (parsed.resolve or parsed.package is not None):
        raise UserError("--resolve and --package say how --cfg shows a config. Add --cfg job, or leave them out.")
    return parsed


def _refuse(message: str) -> NoReturn:
    """Say what argparse found, as all else is said."""
    raise UserError(f"The command line cannot be read: {message}. {_remedy(message)}")


def _remedy(message: str) -> str:
    if "unrecognized arguments: -" not in message:
        return "See --help."
    option = message.partition("unrecognized arguments: ")[2].split()[0]
    name, _, value = option.lstrip("-").partition("=")
    near = nearest_key(name.replace("-", "_"), key_rules()) if name else ""
    meant = f" Perhaps {near}={value or 'VALUE'} is meant." if near else ""
    return f"Values are set by key=value, without dashes; --help lists the options.{meant}"


def _is_question(parsed: Any) -> bool:
    return any(getattr(parsed, name) for name in QUESTIONS)


def _answer(parsed: Any, root: str, rules: Rules | None = None) -> None:
    """Let Hydra answer a question about the config.

    Raises:
        UserError: if it cannot.
        SystemExit: with status 0, behind some answers.
    """
    overrides = parsed.overrides
    if not parsed.shell_completion:  # it has words of its own: install=bash
        overrides = _checked(overrides, root, rules)
    named = {"--cfg": parsed.cfg, "--info": parsed.info, "--package": parsed.package}
    options = [f"{name}={value}" for name, value in named.items() if value is not None]
    flags = ("help", "hydra_help", "resolve", "shell_completion")
    options += [f"--{name.replace('_', '-')}" for name in flags if getattr(parsed, name)]

    @hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=root)
    def nothing(composed: DictConfig) -> None:
        pass

    said = io.StringIO()
    try:
        # With this variable Hydra raises most of what it would print.
        with (
            mock.patch.object(sys, "argv", [sys.argv[0], *options, *overrides]),
            mock.patch.dict(os.environ, {"HYDRA_FULL_ERROR": "1"}),
            contextlib.redirect_stderr(said),
        ):
            nothing()
    except SystemExit as end:
        if end.code:
            raise _unanswered(said.getvalue()) from None
    except OSError:
        raise
    except Exception as error:
        if root == CONFIG_NAME:
            compose_jobs(
                [text for text in overrides if not _is_hydras(text)], multirun=False
            )  # says it better, if it can
        raise _unanswered(str(error).partition("To append to")[0]) from None
    sys.stderr.write(said.getvalue())


def _is_hydras(text: str) -> bool:
    return key_of(text).startswith("hydra")


def _unanswered(reason: str) -> UserError:
    reason = " ".join(reason.split()).rstrip(".")
    return UserError(f"The question about the config cannot be answered: {reason}. See --help.")


def _checked(texts: Sequence[str], root: str, rules: Rules | None) -> list[str]:
    """The overrides of a question, in which Hydra would answer what it cannot read with a traceback.

    A key that a study searches is shown where its space is.

    Raises:
        ConfigError: with everything that cannot be shown.
    """
    own = [text for text in texts if not _is_hydras(text)]
    problems: list[ConfigProblem] = []
    overrides = read(own, problems, rules)
    problems += [problem for override in overrides if (problem := unknown_key(override, rules))]
    several = [override for override in overrides if override.is_sweep_override()]
    if root == CONFIG_NAME:
        problems += map(one_value_alone, several)
    if problems:
        raise ConfigError(problems)
    searched = {
        str(override.input_line): in_hydra(f"++sweep.space.{override.key_or_group}", override.get_value_string())
        for override in several
    }
    return [searched.get(text, text) for text in texts]
