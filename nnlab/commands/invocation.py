"""How a person starts a command of nnlab from where they are: in a checkout, or with nnlab installed."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
"""The repository, if nnlab is used from one."""


def typed(command: str) -> str:
    """What to type for one of nnlab's commands, say `run`: `make run` at the top of a checkout, else Python's own form.

    Args:
        command: both a target of the Makefile and a module of nnlab.
    """
    return f"make {command}" if is_in_checkout() else f"{python()} -m nnlab.{command}"


def python() -> str:
    """The interpreter that runs this, as the shell finds it: `python` if that is the one, else its path."""
    found = shutil.which("python")
    if found and os.path.abspath(found) == os.path.abspath(sys.executable):
        return "python"
    return shlex.quote(sys.executable) if sys.executable else "python"


def is_in_checkout() -> bool:
    """Whether `make` knows nnlab's targets in the current folder, and nnlab is that of this checkout."""
    try:
        return (CHECKOUT / "Makefile").is_file() and Path.cwd() == CHECKOUT
    except FileNotFoundError:  # the current folder was removed
        return False
