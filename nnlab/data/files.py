"""Finding and reading the user's own files, with one clear message for anything wrong with them."""

from __future__ import annotations

import gzip
import itertools
import os
import stat
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from nnlab.errors import UserError
from nnlab.paths import expanded

GZIP_MAGIC = b"\x1f\x8b"
PIECE = 2**20
"""Bytes that are unpacked at a time."""
MOST_PACKED = 1032
"""Bytes that one byte of deflate can stand for at most."""


LONGEST_SHOWN = 80


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
        reason = error.strerror if isinstance(error, OSError) else str(error).removesuffix(".")
        raise UserError(
            f"`data.root={root}` must be a path that can be read, but: {reason}. "
            f"Relative paths start from the current folder, {Path.cwd()}."
        ) from error
    return path


def first_file(folder: Path, names: Iterable[str]) -> Path | None:
    """The first of `names`, each also with `.gz`, that is in the folder."""
    candidates = (folder / (name + ending) for name in names for ending in ("", ".gz"))
    return next((file for file in candidates if file.exists()), None)


def listing(folder: Path) -> str:
    """What a folder holds, in words, for a message."""
    return shown_names(sorted(entry.name for entry in folder.iterdir()))


def shown_names(names: Collection[str], limit: int = 8) -> str:
    """Names in words, for a message: the first ones, and how many more there are."""
    if not names:
        return "nothing"
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(printable(name) for name in itertools.islice(names, limit)) + more


def printable(text: str) -> str:
    """A text from a file, for a message: what a terminal would obey is escaped, what is long cut short."""
    text = text[:LONGEST_SHOWN]
    return text if text.isprintable() else repr(text)[1:-1]


def open_file(file: Path) -> BufferedReader:
    """A file, open for reading.

    Raises:
        UserError: it cannot be opened.
    """
    try:
        return file.open("rb")
    except OSError as error:
        raise UserError(_unreadable(file, error)) from error


@contextmanager
def open_unpacked(file: Path) -> Iterator[IO[bytes]]:
    """A file, open for reading, decompressed piece by piece if its contents are gzip, whatever its name says.

    Raises:
        UserError: it cannot be read, or, as far as it is read, its gzip stream is broken or cut off.
    """
    with open_file(file) as stream:
        try:
            is_packed = stream.peek(2)[:2] == GZIP_MAGIC
        except OSError as error:
            raise UserError(_unreadable(file, error)) from error
        try:
            yield cast(IO[bytes], gzip.GzipFile(fileobj=stream)) if is_packed else stream
        except (EOFError, OSError, zlib.error) as error:
            if not is_packed:
                raise UserError(_unreadable(file, error)) from error
            size = os.fstat(stream.fileno()).st_size
            raise UserError(
                f"{file} must be a complete gzip file, but its {size:,} bytes do not decompress: {error}. "
                "Copy or download it again."
            ) from error


def announced_size(file: Path) -> int:
    """How many bytes a file says that it holds unpacked: at least, if it is gzip; 0 if it does not say."""
    with open_file(file) as stream:
        facts = os.fstat(stream.fileno())
        if not stat.S_ISREG(facts.st_mode) or stream.read(2) != GZIP_MAGIC:
            return facts.st_size
        # A gzip file ends with the size of its last part, modulo 2^32.
        stream.seek(max(0, facts.st_size - 4))
        size = int.from_bytes(stream.read(4), "little")
        return size if size <= MOST_PACKED * facts.st_size else 0


def fill(stream: IO[bytes], buffer: memoryview) -> int:
    """Read into a buffer of bytes until it is full or the stream ends; returns how many bytes were read."""
    done = 0
    while done < len(buffer) and (count := stream.readinto(buffer[done : done + PIECE])):  # type: ignore[attr-defined]
        done += count
    return done


def _unreadable(file: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return f"{file} must be a readable file, but: {reason}. Check its permissions and `data.root`."
