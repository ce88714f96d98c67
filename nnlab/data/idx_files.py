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

from nnlab.data.files import first_file, listing, read_bytes, resolve_root
from nnlab.data.source import Part, RawTable, Source, assemble
from nnlab.errors import UserError

LABELS_MAGIC = 0x0801
"""Unsigned bytes, one dimension."""
IMAGES_MAGIC = 0x0803
"""Unsigned bytes, three dimensions."""

KINDS = {LABELS_MAGIC: "labels", IMAGES_MAGIC: "images"}
PREFIXES: dict[Part, str] = {"train": "train", "test": "t10k"}


def load_idx(root: str | None) -> Source:
    """The four files of a folder, by MNIST's names, gzip or not; the t10k pair may be absent.

    Raises:
        UserError: the folder or a file is missing, damaged or of the wrong kind.
    """
    folder = resolve_root(root, "idx")
    if not folder.is_dir():
        raise UserError(f"`data=idx` needs a folder as `data.root`, but {folder} is a file. Name its folder.")
    return read_folder(folder)


def read_folder(folder: Path, class_names: Sequence[str] | None = None) -> Source:
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
            read_idx(images, IMAGES_MAGIC), read_idx(labels, LABELS_MAGIC), f"{images} with {labels.name}"
        )
    return assemble(raw, class_names=class_names, is_image=True)


def read_idx(file: Path, magic: int) -> NDArray[np.uint8]:
    """The array of one IDX file: images (n, height, width) or labels (n,), a view on the file's bytes.

    Raises:
        UserError: the file cannot be read, is of another kind, or is shorter or longer than its header says.
    """
    contents = read_bytes(file)
    dimensions = magic & 0xFF
    header_size = 4 + 4 * dimensions
    if len(contents) < header_size:
        raise UserError(
            f"{file} must start with an IDX header of {header_size} bytes, but has {len(contents)} bytes. "
            "Copy or download it again."
        )
    found, *shape = struct.unpack_from(f">{1 + dimensions}I", contents)
    if found != magic:
        kind = f"a file of {KINDS[found]}" if found in KINDS else "not an IDX file of bytes"
        raise UserError(
            f"{file} must hold {KINDS[magic]} (magic number {magic}), but its magic number is {found}: it is "
            f"{kind}. Replace it with the right file."
        )
    expected = header_size + math.prod(shape)
    if len(contents) != expected:
        raise UserError(
            f"{file} must have {expected:,} bytes, as its header announces {KINDS[magic]} of shape "
            f"{tuple(shape)}, but has {len(contents):,}. Copy or download it again."
        )
    return np.frombuffer(contents, dtype=np.uint8, offset=header_size).reshape(shape)


def _names(prefix: str, rest: str) -> tuple[str, str]:
    """The two spellings in use: `train-images-idx3-ubyte`, and the older `train-images.idx3-ubyte`."""
    return f"{prefix}-{rest}", f"{prefix}-{rest.replace('-idx', '.idx')}"
