"""How a person starts a command of nnlab from where they are: in a checkout, or with nnlab installed."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
"""The repository, if nnlab is used from one."""


def start(command: str) -> str:
    """What to type for one of nnlab's commands, say `run`: `make run` at the top of a checkout, else Python's own form.

    Args:
        command: both a target of the Makefile and a module of nnlab.
    """
    return f"make {command}" if is_in_checkout() else f"{python()} -m nnlab.{command}"


def open_pages(uri: str) -> str:
    """What to type, or where to go, to see the runs of an MLflow store.

    Args:
        uri: resolved, and without its password: it is shown.
    """
    if uri.startswith(("http://", "https://")):
        return uri
    ours = start("ui") if uri == _default_uri() else f"{python()} -m nnlab.ui --tracking-uri {shlex.quote(uri)}"
    if "%" in uri:  # MLflow's own command would make a folder by the quoted name
        return ours
    return f"{ours}, or: {python()} -m mlflow ui --backend-store-uri {shlex.quote(uri)}"


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


def _default_uri() -> str | None:
    """The store that `nnlab.ui` shows if it is told nothing."""
    from nnlab.config.tracking_uri import resolve_uri
    from nnlab.errors import UserError

    try:
        runs_dir = Path(os.environ.get("NNLAB_RUNS_DIR") or "runs")
        return resolve_uri(os.environ.get("MLFLOW_TRACKING_URI"), runs_dir)
    except (UserError, OSError):
        return None
