"""What the commands over a composed config have in common: their arguments, in Hydra's grammar."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any
from unittest import mock

import hydra
from hydra._internal.utils import get_args_parser
from omegaconf import DictConfig

from nnlab.config.command_line import CONFIG_NAME, Job, compose_jobs, conf_dir
from nnlab.config.command_line import parsed as parse_overrides
from nnlab.config.testing import decided
from nnlab.errors import UserError

FOREIGN = ("config_name", "config_path", "config_dir", "experimental_rerun")


def composed_jobs(arguments: Sequence[str]) -> list[Job]:
    """The jobs of a command line: none for `--help`, `--cfg` and their like, which it answers; several for `-m`.

    Hydra composes and answers questions about configs; what is composed is run elsewhere, so that Hydra never
    stands around the work.

    Raises:
        UserError: with everything that is wrong with any of the jobs.
        SystemExit: with status 2, if Hydra cannot answer; it has said why.
    """
    parsed = _parsed(arguments)
    if _is_question(parsed):
        _answer(arguments, CONFIG_NAME)
        return []
    return decided(compose_jobs(parsed.overrides, multirun=parsed.multirun))


def read_overrides(arguments: Sequence[str], *, root: str) -> list[str] | None:
    """The overrides of a command that has one config alone; None for a question, which it answers.

    Args:
        arguments: of the command line.
        root: the file of `conf/` that the command's config begins with.

    Raises:
        UserError: if the command line asks for what the command does not do.
        SystemExit: with status 2, if Hydra cannot answer; it has said why.
    """
    parsed = _parsed(arguments)
    if _is_question(parsed):
        _answer(arguments, root)
        return None
    if parsed.multirun:
        raise UserError("nnlab.sweep searches by itself and takes no -m. Leave it out: several values are a space.")
    overrides: list[str] = parsed.overrides
    return overrides


def show_option(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The name behind `--show`, if it is there, and the other arguments.

    Raises:
        SystemExit: with status 2, if the name is missing.
    """
    parser = argparse.ArgumentParser(prog="python -m nnlab.sweep", add_help=False, allow_abbrev=False)
    parser.add_argument("--show", metavar="NAME", help="print the leaderboard of a study")
    parsed, others = parser.parse_known_args(list(arguments))
    return parsed.show, others


def _parsed(arguments: Sequence[str]) -> Any:
    parsed: Any = get_args_parser().parse_args(list(arguments))
    foreign = [f"--{name.replace('_', '-')}" for name in FOREIGN if getattr(parsed, name)]
    if foreign:
        raise UserError(
            f"nnlab composes its own configs alone, so it takes no {' or '.join(foreign)}. "
            "Set values on the command line, or put a preset into conf/experiment/."
        )
    return parsed


def _is_question(parsed: Any) -> bool:
    return bool(parsed.help or parsed.hydra_help or parsed.cfg or parsed.info or parsed.shell_completion)


def _answer(arguments: Sequence[str], root: str) -> None:
    """Let Hydra answer a question about the config."""
    parse_overrides(_parsed(arguments).overrides)  # Hydra would answer a wrong one with a traceback

    @hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=root)
    def nothing(composed: DictConfig) -> None:
        pass

    try:
        with mock.patch.object(sys, "argv", [sys.argv[0], *arguments]):
            nothing()
    except SystemExit as refusal:
        if refusal.code:  # some answers end with 0
            # Hydra's status for a command line that it cannot compose is 1; ours for wrong input is 2.
            raise SystemExit(2 if refusal.code == 1 else refusal.code) from None
