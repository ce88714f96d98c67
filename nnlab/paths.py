"""Paths as users write them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from nnlab.errors import UserError


def expanded(path: str | Path) -> Path:
    """A path with `~` and `~user` at its start replaced by the home folder that is meant.

    Raises:
        UserError: if there is no such home folder, as for a container's user without a name.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(
            f"`~` at the start of a path means a home folder, but {str(path)!r} has none: the user is unknown, "
            "or HOME is not set. Write the path in full."
        ) from error


def environment_of_mlflow() -> dict[str, str]:
    """What a process in which MLflow is imported needs in its environment: importing it asks for a home folder.

    A container's user may have none. It is not written to.
    """
    try:
        Path.home()
    except RuntimeError:
        return {"HOME": os.sep}
    return {}


def importing_from(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which Python finds `folder` before what `PYTHONPATH` names already."""
    places = [str(folder), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(places)}


def ensure_temporary_folder(folder: Path) -> None:
    """Let `folder` be the one for temporary files, of libraries and children too, where the system has none.

    A container's root may be read-only but for the folder of the runs.
    """
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
