"""The config groups, each a folder of `conf/`, and their choices, each a file in it."""

from __future__ import annotations

import functools
from pathlib import Path


def conf_dir() -> Path:
    """The folder of the config files: inside an installed nnlab, beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


@functools.cache
def groups() -> tuple[str, ...]:
    """The names of the groups."""
    return tuple(sorted(path.name for path in conf_dir().iterdir() if path.is_dir()))


def choices_of(group: str) -> list[str]:
    """The choices of a config group: the files in its folder."""
    return sorted(path.stem for path in (conf_dir() / group).glob("*.yaml"))
