"""NumPy archives with the names that Keras uses: x_train, y_train, x_test, y_test."""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from nnlab.core.rows import Array
from nnlab.data.files import fill, listing, open_file, resolve_root, shown_names
from nnlab.data.limits import ROW_BYTES, MemoryLimit, checking
from nnlab.data.npy_header import NpyHeader, read_header
from nnlab.data.source import Part, RawTable, Source, assemble, image_shape
from nnlab.errors import UserError

SUFFIXES: dict[Part, str] = {"train": "train", "validation": "val", "test": "test"}
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What NumPy writes. Others unpack more at once than they are asked for."""
LONGEST_READ = 2**20
"""Bytes of an archive's list of members, at most; arrays are read in pieces of this size."""

UNREADABLE = (ValueError, EOFError, OSError, RuntimeError, OverflowError, zipfile.BadZipFile, zlib.error, struct.error)
"""What zipfile raises for cut-off, changed, and encrypted members."""

Members = Mapping[str, zipfile.ZipInfo]


def load_npz(root: str | None, limit: MemoryLimit) -> Source:
    """One archive, or a folder that holds exactly one.

    Rows of bytes (uint8) are images if they have the shape (height, width), or fill a square of at least 8×8. All
    other arrays are a table, whatever their numbers.

    It has `x_train` (n, features) or (n, height, width) and `y_train` (n,) or (n, 1), and may have the pairs
    `x_val`, `y_val` and `x_test`, `y_test`, which then are the validation and the test split; other arrays are not
    read. Labels are whole numbers or text. Arrays of Python objects are refused: reading them could run code.

    Args:
        root: the archive or the folder.
        limit: of the memory that each array may take; its header says how much, before its numbers are unpacked.

    Raises:
        UserError: the archive is missing, damaged, too large, or lacks an array.
    """
    path = resolve_root(root, "npz")
    file = _only_archive(path) if path.is_dir() else path
    raw: dict[Part, RawTable] = {}
    with _open(file) as archive:
        members = _members(archive, file)
        for part, suffix in SUFFIXES.items():
            names = (f"x_{suffix}", f"y_{suffix}")
            if part != "train" and not any(name in members for name in names):
                continue
            x, labels = (_read_array(archive, members, name, file, limit) for name in names)
            if labels.shape[1:] == (1,):
                labels = labels[:, 0]
            raw[part] = RawTable(x, labels, f"{file} ({' and '.join(names)})")
    x = raw["train"].x
    is_image = x.dtype == np.uint8 and image_shape(x.shape[1:]) is not None
    return assemble(raw, is_image=is_image)


class _TooLongError(zipfile.BadZipFile):
    """An archive's list of members is too long to be that of a data set."""


class _BoundedReader(io.BufferedReader):
    """A file of which no more is read at once than an archive's list of members may have."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > LONGEST_READ:
            raise _TooLongError
        return super().read(size)


@contextmanager
def _open(file: Path) -> Iterator[zipfile.ZipFile]:
    with _BoundedReader(open_file(file).detach()) as stream:
        try:
            archive = zipfile.ZipFile(stream)
        except UNREADABLE as error:
            lists_many = f"lists more members than fit into {LONGEST_READ:,} bytes"
            fact = lists_many if isinstance(error, _TooLongError) else "is cut off or of another kind"
            raise UserError(
                f"{file} must be a complete .npz archive, but {fact}. "
                "Copy it again, or save it with `np.savez(file, x_train=..., y_train=...)`."
            ) from error
        with archive:
            yield archive


def _members(archive: zipfile.ZipFile, file: Path) -> Members:
    """The members of an archive by the names of their arrays."""
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if found.setdefault(name, info) is not info:
            raise UserError(
                f"Each array of an archive needs a name of its own, but {file} holds {name[:40]!r} twice. Save it "
                "again with `np.savez`."
            )
    return found


def _read_array(archive: zipfile.ZipFile, members: Members, name: str, file: Path, limit: MemoryLimit) -> Array:
    if name not in members:
        raise UserError(
            f"{file} must hold x_train and y_train (and pairs x_val, y_val or x_test, y_test), but {name} is "
            f"missing; it holds {shown_names(members)}. Save it under these names."
        )
    member = members[name]
    try:
        if member.flag_bits & 1 or member.compress_type not in METHODS:
            raise ValueError("it is encrypted, or compressed in a way that NumPy does not write")
        with archive.open(member) as stream:
            header = read_header(stream)
            nbytes = math.prod(header.shape) * header.dtype.itemsize
            if member.file_size != header.size + nbytes:
                raise ValueError(
                    f"its header announces {nbytes:,} bytes, but it has {member.file_size - header.size:,}"
                )
            limit.check(file, _needed(header, is_label=name.startswith("y")), _facts(name, header))
            array = np.empty(math.prod(header.shape), header.dtype)
            if fill(stream, array.view(np.uint8).data) < nbytes:
                raise ValueError("it is cut off")
            if header.dtype.kind == "b" and (array.view(np.uint8) > 1).any():
                raise ValueError("it has truth values that are neither 0 nor 1")
            return array.reshape(header.shape[::-1]).T if header.is_fortran else array.reshape(header.shape)
    except UserError:
        raise
    except UNREADABLE as error:
        raise UserError(
            f"{name} in {file} must be a complete array of numbers (labels may be text), but is not: "
            f"{_reason(error)}. Save it again with `np.savez`."
        ) from error


def _needed(header: NpyHeader, *, is_label: bool) -> int:
    """The bytes that an array takes with the copies that are made of it."""
    count, dtype = math.prod(header.shape), header.dtype
    if is_label:
        return count * (ROW_BYTES + (4 if dtype.kind == "U" else 1) * dtype.itemsize)
    if dtype == np.uint8 and not header.is_fortran:
        return count
    is_kept = dtype.isnative and not header.is_fortran
    if dtype == np.uint8 or dtype == np.float32:
        copy = 0 if is_kept else dtype.itemsize
    else:
        copy = 4 if dtype.kind == "f" and is_kept else 8  # what may be stored: float32, or float64 and int64
    return count * (dtype.itemsize + copy) + checking(header.shape)


def _facts(name: str, header: NpyHeader) -> str:
    return f"it announces {name} of type {header.dtype} and shape {header.shape}"


def _reason(error: Exception) -> str:
    """A damaged member in a few words: of zipfile's own, some quote bytes of the file."""
    return str(error) if type(error) is ValueError else f"it is damaged ({type(error).__name__})"


def _only_archive(folder: Path) -> Path:
    archives = sorted(folder.glob("*.npz"))
    if len(archives) != 1:
        raise UserError(
            f"A folder for `data=npz` must hold exactly one .npz file, but {folder} holds {listing(folder)}. "
            "Name the file itself as `data.root`."
        )
    return archives[0]
