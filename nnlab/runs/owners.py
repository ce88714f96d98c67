"""Whose a run directory is: in a shared runs folder those of other users are left alone."""

from __future__ import annotations

import functools
import os
import pwd
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from nnlab.errors import UserError


def is_own(path: Path) -> bool:
    """Whether there is a folder at `path` that belongs to this user; a link is none."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return False
    if not stat.S_ISDIR(found.st_mode):
        return False
    return found.st_uid == os.geteuid() or found.st_uid == _as_seen(path.parent)


def check_own(path: Path) -> None:
    """Refuse to write into what lies at `path`, unless it is a folder of this user or nothing is there.

    Raises:
        UserError: if it is anything else.
    """
    if not os.path.lexists(path) or is_own(path):
        return
    found = os.lstat(path)
    if stat.S_ISDIR(found.st_mode):
        fact = f"belongs to {owner(found.st_uid)}, and you are {owner(os.geteuid())}"
        raise UserError(
            f"A run directory is written by its owner alone, but {path} {fact}. Work as that user, or in another runs "
            "folder (runs_dir=FOLDER or NNLAB_RUNS_DIR)."
        )
    what = "a symbolic link, which is not followed" if stat.S_ISLNK(found.st_mode) else "no folder"
    raise UserError(f"A run directory must be a folder, but {path} is {what}. Name another, or move it away.")


def owner(uid: int) -> str:
    """A user in words; a container's often has no name."""
    with suppress(KeyError):
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    return f"uid {uid}"


def in_words(paths: Iterable[Path]) -> str:
    """Whose these directories are, for a message: how many are links, and how many belong to whom."""
    counts: dict[str, int] = {}
    for path in paths:
        with suppress(OSError):
            found = os.lstat(path)
            whose = "behind links" if stat.S_ISLNK(found.st_mode) else f"of {owner(found.st_uid)}"
            counts[whose] = counts.get(whose, 0) + 1
    return ", ".join(f"{count} {whose}" for whose, count in sorted(counts.items()))


@functools.cache
def _as_seen(folder: Path) -> int:
    """The user whom this one's files belong to in `folder`: network file systems may give all files to one."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            return os.fstat(probe.fileno()).st_uid
    except OSError:
        return os.geteuid()
