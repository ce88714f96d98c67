"""From the bytes of a CSV file to its text."""

from __future__ import annotations

from io import BufferedReader
from pathlib import Path

import numpy as np

from nnlab.data.csv_text import LINE_RULE, LONGEST_LINE
from nnlab.data.files import PIECE, announced_size, fill, open_unpacked
from nnlab.data.limits import GIGABYTE, MemoryLimit
from nnlab.errors import UserError

TEXT_COPIES = 2
"""A text is in memory twice while it is decoded."""
MOST_WIDE = 4
"""Bytes of a character, at most, in UTF-8, UTF-16 and UTF-32."""

NOT_TEXT = {
    b"PK\x03\x04": "a ZIP archive, a spreadsheet (.xlsx) or a NumPy archive (`data=npz`)",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard",
    b"PAR1": "a Parquet file",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
    b"\xd0\xcf\x11\xe0": "a spreadsheet (.xls)",
}
UNICODE_MARKS = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
"""Byte order marks, which a file may start with; longer ones first."""


def read_text(file: Path, limit: MemoryLimit) -> str:
    """The text of a file in UTF-8, or in UTF-16 or UTF-32 if it starts with a byte order mark; lines end with \\n.

    A gzip file is unpacked piece by piece, and no further than what may be taken.

    Raises:
        UserError: it cannot be read, needs more memory than there may be, is not text, or in another encoding.
    """
    contents = _read_bytes(file, limit)
    for magic, kind in NOT_TEXT.items():
        if contents.startswith(magic):
            raise UserError(f"{file} must be text, but it is {kind}. Extract it, or export it as CSV.")
    encoding = next((name for mark, name in UNICODE_MARKS.items() if contents.startswith(mark)), "utf-8-sig")
    width = _widest(contents, encoding)
    copies = max(1 + width, 2 * width if b"\r" in contents else 0)
    limit.check(file, copies * len(contents), f"its text has {len(contents):,} bytes", held=len(contents))
    try:
        text = contents.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{file} must be text in {encoding.upper().removesuffix('-SIG')}, but its byte {error.start} is not. If a "
            f"spreadsheet on Windows saved it: `iconv -f WINDOWS-1252 -t UTF-8 '{file}' > utf8.csv`, then "
            "`data.root=utf8.csv`."
        ) from error
    del contents  # before the next copy
    if "\0" in text:
        raise UserError(
            f"{file} must be text, but has a NUL character at position {text.index(chr(0))}: it is binary, cut off, "
            f"or in UTF-16 without a mark. Export it as CSV in UTF-8."
        )
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        text = text.replace("\r", "\n")
    return text


def _read_bytes(file: Path, limit: MemoryLimit) -> bytes | bytearray:
    """All bytes of a file, unpacked, in one buffer that grows: pieces would be there twice while they are joined."""
    most = int(limit.gigabytes * GIGABYTE / TEXT_COPIES)
    announced = announced_size(file)
    _check_size(file, announced, limit)
    contents, piece = bytearray(), bytearray(PIECE)
    line = 0
    with open_unpacked(file) as stream:
        if announced and isinstance(stream, BufferedReader):  # as it is
            return stream.read(announced)
        while count := fill(stream, memoryview(piece)):
            contents += memoryview(piece)[:count]
            last = max(piece.rfind(b"\n", 0, count), piece.rfind(b"\r", 0, count))
            line = line + count if last < 0 else count - last - 1
            if line > MOST_WIDE * LONGEST_LINE:
                raise UserError(f"{LINE_RULE}, but one of {file} has {line:,} bytes or more. Write a row per line.")
            if len(contents) > announced:  # of several parts, of which a gzip file announces the last
                announced = _counted(file, most) if file.is_file() else len(contents) + PIECE
                _check_size(file, announced, limit, is_all=announced <= most)
    return contents


def _check_size(file: Path, size: int, limit: MemoryLimit, *, is_all: bool = True) -> None:
    more = "" if is_all else "more than "
    limit.check(file, TEXT_COPIES * size, f"its text has {more}{size:,} bytes", is_all=is_all)


def _counted(file: Path, most: int) -> int:
    """How many bytes a file holds unpacked, which is not kept; no further than beyond `most`."""
    size = 0
    with open_unpacked(file) as stream:
        while size <= most and (piece := stream.read(PIECE)):
            size += len(piece)
    return size


def _widest(contents: bytes | bytearray, encoding: str) -> int:
    """How many bytes of memory each byte of a text may take once it is decoded: Python stores all characters alike."""
    if encoding != "utf-8-sig":
        return 2
    largest = 0 if contents.isascii() else int(np.frombuffer(contents, np.uint8).max())
    return 1 if largest < 0xC4 else 2 if largest < 0xF0 else 4
