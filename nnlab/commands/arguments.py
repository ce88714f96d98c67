"""What the commands over a composed config have in common: their arguments, in Hydra's grammar."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from hydra._internal.utils import get_args_parser

from nnlab.commands.questions import QUESTIONS, is_answered
from nnlab.config.holdout import decided
from nnlab.config.job import Job
from nnlab.config.jobs import CONFIG_NAME, compose_jobs
from nnlab.config.keys import key_rules, nearest_key
from nnlab.config.overrides import Rules
from nnlab.errors import UserError

DRY_RUN = "--dry-run"
FOREIGN = ("config_name", "config_path", "config_dir", "experimental_rerun")


def composed_jobs(arguments: Sequence[str]) -> list[Job]:
    """The jobs of a command line: none for `--help`, `--cfg` and their like, which it answers; several for `-m`.

    Hydra composes configs and answers questions about them; runs happen elsewhere, so that Hydra never
    stands around the work.

    Raises:
        UserError: with everything that is wrong with any of the jobs, or if Hydra cannot answer.
        SystemExit: with status 0, after some answers.
    """
    parsed = _parsed(arguments)
    if is_answered(parsed, CONFIG_NAME):
        return []
    return decided(compose_jobs(parsed.overrides, multirun=parsed.multirun))


def read_overrides(arguments: Sequence[str], *, root: str, rules: Rules | None = None) -> list[str] | None:
    """The overrides of a command that has one config alone; None for a question, which it answers.

    Args:
        arguments: of the command line.
        root: the file of `conf/` that the command's config starts from.
        rules: the keys that it has; None for those of a run.

    Raises:
        UserError: if the command line asks for what the command does not do, or Hydra cannot answer.
        SystemExit: with status 0, after some answers.
    """
    parsed = _parsed(arguments)
    if is_answered(parsed, root, rules):
        return None
    if parsed.multirun:
        raise UserError("nnlab.sweep always searches, so it takes no -m. Leave it out: several values are searched.")
    overrides: list[str] = parsed.overrides
    return overrides


def show_option(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The name after `--show`, if it is there, and the other arguments.

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
            f"nnlab only composes its own configs, so it takes no {' or '.join(foreign)}. "
            "Set values on the command line, or add a preset to conf/experiment/."
        )
    asked = [f"--{name.replace('_', '-')}" for name in QUESTIONS if getattr(parsed, name)]
    if parsed.multirun and (asked or parsed.run):
        other = "--run" if parsed.run else asked[0]
        raise UserError(f"{other} is for one config, and -m is for several. Leave one of them out.")
    if not parsed.cfg and (parsed.resolve or parsed.package is not None):
        raise UserError("--resolve and --package change how --cfg shows a config. Add --cfg job, or leave them out.")
    return parsed


def _refuse(message: str) -> NoReturn:
    """Report what argparse found in the form of all other messages."""
    raise UserError(f"The command line cannot be parsed: {message}. {_remedy(message)}")


def _remedy(message: str) -> str:
    if "unrecognized arguments: -" not in message:
        return "See --help."
    option = message.partition("unrecognized arguments: ")[2].split()[0]
    name, _, value = option.lstrip("-").partition("=")
    near = nearest_key(name.replace("-", "_"), key_rules()) if name else ""
    meant = f" Did you mean {near}={value or 'VALUE'}?" if near else ""
    return f"Set values as key=value, without dashes; --help lists the options.{meant}"
