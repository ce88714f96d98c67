"""MNIST's own file format: a big-endian header, then bytes.

Reference: Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits, "File formats".
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnlab.data.files import announced_size, fill, first_file, listing, open_unpacked, resolve_root
from nnlab.data.limits import ROW_BYTES, MemoryLimit
from nnlab.data.source import Part, RawTable, Source, assemble
from nnlab.errors import UserError

LABELS_MAGIC = 0x0801
"""Unsigned bytes, one dimension."""
IMAGES_MAGIC = 0x0803
"""Unsigned bytes, three dimensions."""

KINDS = {LABELS_MAGIC: "labels", IMAGES_MAGIC: "images"}
PREFIXES: dict[Part, str] = {"train": "train", "test": "t10k"}


def load_idx(root: str | None, limit: MemoryLimit) -> Source:
    """The four files of a folder, by MNIST's names, gzip or not; the t10k pair may be absent.

    Args:
        root: the folder.
        limit: of the memory that each file may take.

    Raises:
        UserError: the folder or a file is missing, damaged, of the wrong kind or too large.
    """
    folder = resolve_root(root, "idx")
    if not folder.is_dir():
        raise UserError(f"`data=idx` needs a folder as `data.root`, but {folder} is a file. Name its folder.")
    return read_folder(folder, limit)


def read_folder(folder: Path, limit: MemoryLimit, class_names: Sequence[str] | None = None) -> Source:
    """The tables of a folder that exists; `class_names` as in `assemble`."""
    raw: dict[Part, RawTable] = {}
    for part, prefix in PREFIXES.items():
        images = first_file(folder, _names(prefix, "images-idx3-ubyte"))
        labels = first_file(folder, _names(prefix, "labels-idx1-ubyte"))
        if images is None and labels is None and part == "test":
            continue
        if images is None or labels is None:
            missing = f"{prefix}-images-idx3-ubyte" if images is None else f"{prefix}-labels-idx1-ubyte"
            raise UserError(
                f"A folder of IDX files needs {missing} (or {missing}.gz), but {folder} holds "
                f"{listing(folder)}. Add the file, or name another folder as `data.root`."
            )
        raw[part] = RawTable(
            read_idx(images, IMAGES_MAGIC, limit), read_idx(labels, LABELS_MAGIC, limit), f"{images} with {labels.name}"
        )
    return assemble(raw, class_names=class_names, is_image=True)


def read_idx(file: Path, magic: int, limit: MemoryLimit) -> NDArray[np.uint8]:
    """The array of one IDX file: images (n, height, width) or labels (n,).

    Args:
        file: its path.
        magic: the number that it has to start with, which says what it holds.
        limit: of the memory that it may take; its header says how much, before anything is unpacked.

    Raises:
        UserError: the file cannot be read, is of another kind, is shorter or longer than its header says, or needs
            more memory than there may be.
    """
    with open_unpacked(file) as stream:
        shape, header_size = _header(file, stream.read(4 + 4 * (magic & 0xFF)), magic)
        count = math.prod(shape)
        expected = f"must have {header_size + count:,} bytes, as its header announces {KINDS[magic]} of shape {shape}"
        limit.check(file, count + ROW_BYTES * shape[0], f"its header announces {KINDS[magic]} of shape {shape}")
        array = np.empty(count, np.uint8)
        found = fill(stream, array.data)
        more = stream.read(1)
    if found < count or more:
        size = max(announced_size(file), header_size + found + len(more))
        raise UserError(f"{file} {expected}, but has {size:,}. Copy or download it again.")
    return array.reshape(shape)


def _header(file: Path, header: bytes, magic: int) -> tuple[tuple[int, ...], int]:
    """The shape that a header announces, and the header's size in bytes."""
    size = 4 + 4 * (magic & 0xFF)
    if len(header) < size:
        raise UserError(
            f"{file} must start with an IDX header of {size} bytes, but has {len(header)} bytes. "
            "Copy or download it again."
        )
    found, *shape = struct.unpack(f">{size // 4}I", header)
    if found != magic:
        kind = f"a file of {KINDS[found]}" if found in KINDS else "not an IDX file of bytes"
        raise UserError(
            f"{file} must hold {KINDS[magic]} (magic number {magic}), but its magic number is {found}: it is "
            f"{kind}. Replace it with the right file."
        )
    return tuple(shape), size


def _names(prefix: str, rest: str) -> tuple[str, str]:
    """The two spellings in use: `train-images-idx3-ubyte`, and the older `train-images.idx3-ubyte`."""
    return f"{prefix}-{rest}", f"{prefix}-{rest.replace('-idx', '.idx')}"
