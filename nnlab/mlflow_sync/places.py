"""Where MLflow keeps files, as far as that is on this machine."""

from __future__ import annotations

import os
import stat
import urllib.parse
import urllib.request
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from nnlab.runs.opening import UnsafeFileError


def local_path(address: str | None) -> Path | None:
    """The path that MLflow's address of a file or folder means; None for one that is not on this machine."""
    parts = urllib.parse.urlsplit(address or "")
    is_local = parts.scheme in ("file", "") and parts.path.startswith("/")
    return Path(urllib.request.url2pathname(parts.path)) if is_local else None


def may_be_there(address: str | None, names: Iterable[str] = ()) -> bool:
    """Whether the folder at MLflow's address of a run's or model's files is there; True for one on another machine.

    Args:
        address: a URI.
        names: of files that must be in it.
    """
    folder = local_path(address)
    return folder is None or (folder.is_dir() and all((folder / name).is_file() for name in names))


def check_links(address: str | None) -> None:
    """Refuse a folder on this machine that another user's link leads to: MLflow would write where they want.

    Raises:
        UnsafeFileError: if there is such a link.
    """
    path = local_path(address)
    for place in () if path is None else (path, *path.parents):
        with suppress(FileNotFoundError, NotADirectoryError):
            found = os.lstat(place)
            if stat.S_ISLNK(found.st_mode) and found.st_uid not in (os.geteuid(), 0):
                raise UnsafeFileError(place, f"it is a symbolic link of another user, uid {found.st_uid}")
