"""NumPy archives with the names that Keras uses: x_train, y_train, x_test, y_test."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from nnlab.core.rows import Array
from nnlab.data.files import listing, open_file, resolve_root
from nnlab.data.source import Part, RawTable, Source, assemble, image_shape
from nnlab.errors import UserError

SUFFIXES: dict[Part, str] = {"train": "train", "validation": "val", "test": "test"}

UNREADABLE = (ValueError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What NumPy and zipfile raise for arrays of objects, cut-off, changed, and encrypted members."""


def load_npz(root: str | None) -> Source:
    """One archive, or a folder that holds exactly one.

    Rows of bytes (uint8) are images if they have the shape (height, width), or fill a square of at least 8×8. All
    other arrays are a table, whatever their numbers.

    It has `x_train` (n, features) or (n, height, width) and `y_train` (n,) or (n, 1), and may have the pairs
    `x_val`, `y_val` and `x_test`, `y_test`, which then are the validation and the test split. Labels are
    whole numbers or text. Arrays of Python objects are refused: reading them could run code.

    Raises:
        UserError: the archive is missing, damaged, or lacks an array.
    """
    path = resolve_root(root, "npz")
    file = _only_archive(path) if path.is_dir() else path
    raw: dict[Part, RawTable] = {}
    with _open(file) as archive:
        for part, suffix in SUFFIXES.items():
            names = (f"x_{suffix}", f"y_{suffix}")
            if part != "train" and not any(name in archive.files for name in names):
                continue
            x, labels = (_read_array(archive, name, file) for name in names)
            if labels.shape[1:] == (1,):
                labels = labels[:, 0]
            raw[part] = RawTable(x, labels, f"{file} ({' and '.join(names)})")
    x = raw["train"].x
    is_image = x.dtype == np.uint8 and image_shape(x.shape[1:]) is not None
    return assemble(raw, is_image=is_image)


@contextmanager
def _open(file: Path) -> Iterator[np.lib.npyio.NpzFile]:
    with open_file(file) as stream:
        try:
            archive = np.load(stream, allow_pickle=False)
        except UNREADABLE:
            archive = None
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise UserError(
                f"{file} must be a complete .npz archive, but is cut off or of another kind. "
                "Copy it again, or save it with `np.savez(file, x_train=..., y_train=...)`."
            )
        with archive:
            yield archive


def _read_array(archive: np.lib.npyio.NpzFile, name: str, file: Path) -> Array:
    if name not in archive.files:
        raise UserError(
            f"{file} must hold x_train and y_train (and pairs x_val, y_val or x_test, y_test), but {name} is "
            f"missing; it holds {', '.join(archive.files) or 'nothing'}. Save it under these names."
        )
    try:
        array = archive[name]
    except UNREADABLE as error:
        raise UserError(
            f"{name} in {file} must be a complete array of numbers (labels may be text), but it is damaged or "
            f"contains Python objects, which nnlab does not read. Save it again ({type(error).__name__})."
        ) from error
    if not isinstance(array, np.ndarray):
        raise UserError(f"{name} in {file} must be a NumPy array, but is not. Save it with `np.savez`.")
    return array


def _only_archive(folder: Path) -> Path:
    archives = sorted(folder.glob("*.npz"))
    if len(archives) != 1:
        raise UserError(
            f"A folder for `data=npz` must hold exactly one .npz file, but {folder} holds {listing(folder)}. "
            "Name the file itself as `data.root`."
        )
    return archives[0]
