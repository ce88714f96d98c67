"""Where MLflow keeps files, as far as that is on this machine."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import Iterable
from pathlib import Path


def may_be_there(address: str | None, names: Iterable[str] = ()) -> bool:
    """Whether the folder at MLflow's address of a run's or model's files is there; True for one on another machine.

    Args:
        address: a URI.
        names: of files that must be in it.
    """
    parts = urllib.parse.urlsplit(address or "")
    if parts.scheme != "file":
        return True
    folder = Path(urllib.request.url2pathname(parts.path))
    return folder.is_dir() and all((folder / name).is_file() for name in names)
