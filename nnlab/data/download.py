"""Downloads whose every byte is verified, into a cache that processes can share."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nnlab.errors import UserError
from nnlab.paths import expanded

CACHE_VARIABLE = "NNLAB_DATA_DIR"
ROUNDS = 2
"""How many times each mirror is asked for a file."""


@dataclass(frozen=True)
class Published:
    """A published set of files.

    Args:
        name: the name of the source, and of its folder in the cache.
        files: the MD5 hex digest that the publisher states for each file, by file name.
        mirrors: URLs that a file name is appended to, in order of preference.
        timeouts: seconds to wait for a connection, and for the next bytes on it.
        pause: seconds between rounds over the mirrors.
    """

    name: str
    files: Mapping[str, str]
    mirrors: tuple[str, ...]
    timeouts: tuple[float, float] = (3.0, 20.0)
    pause: float = 1.0


def cache_folder() -> Path:
    """Where downloads are kept: `NNLAB_DATA_DIR`, else `nnlab` in the user's cache folder.

    Raises:
        UserError: if the user has neither.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return expanded(chosen).absolute()
    import platformdirs

    try:
        return platformdirs.user_cache_path("nnlab")
    except RuntimeError as error:
        raise UserError(
            "Downloads are kept in the user's cache folder, but there is none: the user is unknown, and HOME is not "
            f"set. Set {CACHE_VARIABLE} to a folder that you can write to."
        ) from error


def fetch(published: Published, *, progress: bool = False) -> Path:
    """Make sure that every file is in the cache and has the published checksum.

    A file that is already there is verified too, and replaced if it fails. Of several processes that start at once
    one downloads and the others wait. A file gets its name only when it is complete and verified.

    Args:
        published: what to fetch, and from where.
        progress: show a bar per file on stderr.

    Returns:
        the folder that holds the files.

    Raises:
        UserError: no mirror has a file, or the cache cannot be written to.
    """
    folder = cache_folder() / published.name
    if all(_is_verified(folder / name, md5) for name, md5 in published.files.items()):
        return folder
    mirrors = list(published.mirrors)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            for name, md5 in published.files.items():
                if not _is_verified(folder / name, md5):
                    mirror = _download(published, folder / name, md5, mirrors, progress)
                    # The mirror of this file is the best guess for the next one.
                    mirrors.sort(key=lambda each: each != mirror)
    except OSError as error:
        raise UserError(
            f"`data={published.name}` keeps its files in {folder}, which cannot be written: {error.strerror}. "
            f"Set {CACHE_VARIABLE} to a folder that you can write to."
        ) from error
    return folder


def _is_verified(file: Path, md5: str) -> bool:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == md5
    except OSError:
        return False


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system releases it however the process ends."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(published: Published, file: Path, md5: str, mirrors: list[str], progress: bool) -> str:
    """Download one file, asking the mirrors in rounds; returns the mirror that had it."""
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.WARNING)
    failures: dict[str, str] = {}
    for number in range(ROUNDS):
        if number:
            time.sleep(published.pause)
        for mirror in mirrors:
            try:
                with _bar(file.name, progress) as bar:
                    pooch.retrieve(
                        mirror + file.name,
                        known_hash=f"md5:{md5}",
                        fname=file.name,
                        path=file.parent,
                        downloader=pooch.HTTPDownloader(
                            progressbar=bar, timeout=published.timeouts, chunk_size=1 << 16
                        ),
                    )
            except requests.RequestException as error:
                failures[mirror] = _reason(error)
            except ValueError:
                failures[mirror] = "its file has a different checksum from the published one"
            else:
                # pooch makes files that only their owner can read; a cache may be shared.
                file.chmod(0o644)
                return mirror
    asked = "".join(f"\n  {mirror}: {reason}" for mirror, reason in failures.items())
    raise UserError(
        f"`data={published.name}` needs {file.name}, which is not in {file.parent}, and no mirror delivered it:"
        f"{asked}\nUse data that needs no download (`data=mnist_5k`, `data=digits`, `data=toy`), or your own "
        f"copy (`data=idx data.root=FOLDER`), or point {CACHE_VARIABLE} at a folder whose `{published.name}` "
        "folder has the files."
    )


@contextmanager
def _bar(name: str, progress: bool) -> Iterator[object]:
    """A progress bar as pooch takes it, or False for none."""
    if not progress:
        yield False
        return
    from tqdm import tqdm

    # pooch sets the total once it knows it, but tests the bar for truth before, which needs a total.
    with tqdm(desc=name, total=1, unit="B", unit_scale=True, leave=False) as bar:
        yield bar


def _reason(error: Exception) -> str:
    """A failed request in a few words; the library's own text is a paragraph."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"status {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "the connection failed"
    return f"the transfer failed ({type(error).__name__})"
