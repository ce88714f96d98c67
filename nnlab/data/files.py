"""Finding and reading the user's own files, with one clear message for anything wrong with them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from nnlab.errors import UserError
from nnlab.paths import expanded

GZIP_MAGIC = b"\x1f\x8b"


def resolve_root(root: str | None, source: str) -> Path:
    """The absolute path that `data.root` means; it exists.

    Raises:
        UserError: it is not set, does not exist, or is a folder that cannot be read.
    """
    if root is None:
        raise UserError(f"`data={source}` reads your own files, but `data.root` is not set. Add `data.root=PATH`.")
    try:
        path = expanded(root).absolute()
        path.stat()
        if path.is_dir():
            next(path.iterdir(), None)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(
            f"`data.root={root}` must be a path that can be read, but: {reason}. "
            f"Relative paths start from the current folder, {Path.cwd()}."
        ) from error
    return path


def first_file(folder: Path, names: Iterable[str]) -> Path | None:
    """The first of `names`, each also with `.gz`, that is in the folder."""
    candidates = (folder / (name + ending) for name in names for ending in ("", ".gz"))
    return next((file for file in candidates if file.exists()), None)


def listing(folder: Path, limit: int = 8) -> str:
    """What a folder holds, in words, for a message."""
    names = sorted(entry.name for entry in folder.iterdir())
    if not names:
        return "nothing"
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def open_file(file: Path) -> BinaryIO:
    """A file, open for reading.

    Raises:
        UserError: it cannot be opened.
    """
    try:
        return file.open("rb")
    except OSError as error:
        raise UserError(
            f"{file} must be a readable file, but: {error.strerror}. Check its permissions and `data.root`."
        ) from error


def read_bytes(file: Path) -> bytes:
    """The contents of a file, decompressed if they are gzip, whatever its name says.

    Raises:
        UserError: it cannot be read, or its gzip stream is broken or cut off.
    """
    with open_file(file) as stream:
        contents = stream.read()
    if not contents.startswith(GZIP_MAGIC):
        return contents
    try:
        return gzip.decompress(contents)
    except (EOFError, OSError, zlib.error) as error:
        raise UserError(
            f"{file} must be a complete gzip file, but its {len(contents):,} bytes do not decompress: {error}. "
            "Copy or download it again."
        ) from error
