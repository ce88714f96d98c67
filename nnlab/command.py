"""What the commands over a composed config have in common: their arguments, in Hydra's grammar."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any
from unittest import mock

import hydra
from hydra._internal.utils import get_args_parser
from omegaconf import DictConfig

from nnlab.config.command_line import CONFIG_NAME, Job, compose_jobs, conf_dir
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
    parsed: Any = get_args_parser().parse_args(list(arguments))
    foreign = [f"--{name.replace('_', '-')}" for name in FOREIGN if getattr(parsed, name)]
    if foreign:
        raise UserError(
            f"nnlab composes its own configs alone, so it takes no {' or '.join(foreign)}. "
            "Set values on the command line, or put a preset into conf/experiment/."
        )
    if parsed.help or parsed.hydra_help or parsed.cfg or parsed.info or parsed.shell_completion:
        _answer(arguments)
        return []
    return compose_jobs(parsed.overrides, multirun=parsed.multirun)


def _answer(arguments: Sequence[str]) -> None:
    """Let Hydra answer a question about the config."""

    @hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=CONFIG_NAME)
    def nothing(composed: DictConfig) -> None:
        pass

    try:
        with mock.patch.object(sys, "argv", [sys.argv[0], *arguments]):
            nothing()
    except SystemExit as refusal:
        # Hydra's status for a command line that it cannot compose is 1; ours for wrong input is 2.
        raise SystemExit(2 if refusal.code == 1 else refusal.code) from None
