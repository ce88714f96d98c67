"""Questions about a config (`--help`, `--cfg job`, `--info` and their like), which Hydra answers."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from nnlab.config.jobs import CONFIG_NAME, compose_jobs, conf_dir
from nnlab.config.overrides import Rules, key_of, one_value_alone, read, unknown_key
from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.config.quoting import as_override
from nnlab.errors import UserError

QUESTIONS = ("help", "hydra_help", "cfg", "info", "shell_completion")
FULL_ERROR = "HYDRA_FULL_ERROR"
"""With this variable Hydra raises most of what it would print."""


def is_answered(parsed: Any, root: str, rules: Rules | None = None) -> bool:
    """Let Hydra answer if a question is asked; returns whether one is.

    Args:
        parsed: the command line, as Hydra's parser reads it.
        root: the file of `conf/` that the config starts from.
        rules: the keys that it has; None for those of a run.

    Raises:
        UserError: if Hydra cannot answer.
        SystemExit: with status 0, after some answers.
    """
    if not any(getattr(parsed, name) for name in QUESTIONS):
        return False
    overrides = parsed.overrides
    if not parsed.shell_completion:  # it has words of its own: install=bash
        overrides = _checked(overrides, root, rules)
    stderr = io.StringIO()
    try:
        with _asked([*_options(parsed), *overrides]), contextlib.redirect_stderr(stderr):
            _ask_hydra(root)
    except SystemExit as end:
        if end.code:
            raise _unanswered(stderr.getvalue()) from None
    except OSError:
        raise
    except Exception as error:
        if root == CONFIG_NAME:  # composing says it better, if it can
            compose_jobs([text for text in overrides if not _is_hydras(text)], multirun=False)
        raise _unanswered(str(error).partition("To append to")[0]) from None
    sys.stderr.write(stderr.getvalue())
    return True


def _options(parsed: Any) -> list[str]:
    """The options of a question alone, as text again."""
    named = {"--cfg": parsed.cfg, "--info": parsed.info, "--package": parsed.package}
    flags = ("help", "hydra_help", "resolve", "shell_completion")
    options = [f"{name}={value}" for name, value in named.items() if value is not None]
    return options + [f"--{name.replace('_', '-')}" for name in flags if getattr(parsed, name)]


@contextlib.contextmanager
def _asked(arguments: Sequence[str]) -> Iterator[None]:
    """Put the arguments where Hydra reads them."""
    argv, full_error = sys.argv, os.environ.get(FULL_ERROR)
    sys.argv = [argv[0], *arguments]
    os.environ[FULL_ERROR] = "1"
    try:
        yield
    finally:
        sys.argv = argv
        if full_error is None:
            del os.environ[FULL_ERROR]
        else:
            os.environ[FULL_ERROR] = full_error


def _ask_hydra(root: str) -> None:
    import hydra
    from omegaconf import DictConfig

    @hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=root)
    def nothing(composed: DictConfig) -> None:
        pass

    nothing()


def _is_hydras(text: str) -> bool:
    return key_of(text).startswith("hydra")


def _unanswered(reason: str) -> UserError:
    reason = " ".join(reason.split()).rstrip(".")
    return UserError(f"Hydra cannot show the config: {reason}. See --help.")


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
        str(override.input_line): as_override(f"++sweep.space.{override.key_or_group}", override.get_value_string())
        for override in several
    }
    return [searched.get(text, text) for text in texts]
