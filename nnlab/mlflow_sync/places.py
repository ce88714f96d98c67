"""Where MLflow keeps files, as far as that is on this machine."""

from __future__ import annotations

import urllib.parse
import urllib.request
from pathlib import Path


def may_be_there(address: str | None) -> bool:
    """Whether the folder at MLflow's address of a run's or model's files is there; True for one on another machine."""
    parts = urllib.parse.urlsplit(address or "")
    return parts.scheme != "file" or Path(urllib.request.url2pathname(parts.path)).is_dir()
