"""What every command has in common: how it reads its arguments, where its runs go, and how it ends.

Exit status: 0 done; 2 the user's input is wrong; 1 anything else; 130 interrupted.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from nnlab.config.command_line import CONFIG_NAME, check_command_line, conf_dir
from nnlab.config.validation import validate
from nnlab.errors import RunFailedError, UserError

if TYPE_CHECKING:
    from nnlab.config import Config


@dataclasses.dataclass(frozen=True)
class Job:
    """A run to do: its config, and what the command line set."""

    config: Config
    overrides: list[str]


@contextmanager
def exit_status() -> Iterator[None]:
    """Turn the errors that people can act on into a message on stderr and an exit status."""
    try:
        yield
    except UserError as error:
        sys.exit(_said(error, 2))
    except RunFailedError as error:
        sys.exit(_said(error, 1))
    except KeyboardInterrupt:
        sys.exit(_said("interrupted", 130))


def _said(message: object, status: int) -> int:
    sys.stderr.write(f"{message}\n")
    return status


def composed_jobs(arguments: Sequence[str]) -> list[Job]:
    """The jobs of a command line in Hydra's grammar: none for `--help`, `--cfg` and their like, several for `-m`.

    Hydra composes; what is composed is run elsewhere, so that Hydra never stands around the work.

    Raises:
        ConfigError: with everything that is wrong with any of the jobs.
        SystemExit: if Hydra itself refuses the command line; it has said why.
    """
    parsed = _parsed(arguments)
    if not (parsed.help or parsed.hydra_help or parsed.cfg or parsed.info or parsed.shell_completion):
        check_command_line(parsed.overrides, multirun=parsed.multirun)
    jobs: list[Job] = []

    @hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=CONFIG_NAME)
    def take(composed: DictConfig) -> None:
        raw: Any = OmegaConf.to_container(composed, resolve=True)
        jobs.append(Job(_with_absolute_paths(validate(raw)), list(HydraConfig.get().overrides.task)))

    try:
        take()
    except SystemExit as refusal:
        # Hydra's status for a command line that it cannot compose is 1; ours for wrong input is 2.
        raise SystemExit(2 if refusal.code == 1 else refusal.code) from None
    return jobs


def _parsed(arguments: Sequence[str]) -> Any:
    from hydra._internal.utils import get_args_parser

    return get_args_parser().parse_args(list(arguments))


def _with_absolute_paths(config: Config) -> Config:
    """The config with paths that mean the same from any folder.

    Raises:
        UserError: if the tracking URI is none that MLflow keeps runs at.
    """
    from nnlab.tracking.store import resolve_uri

    runs_dir = Path(config.runs_dir).expanduser().absolute()
    tracking = config.tracking
    if tracking.enabled:
        tracking = dataclasses.replace(tracking, uri=resolve_uri(tracking.uri, runs_dir))
    return dataclasses.replace(config, runs_dir=str(runs_dir), tracking=tracking)
