"""Small files in MNIST's format, for the tests of the data."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def idx_bytes(array: Bytes) -> bytes:
    """The file format by its published description: 0, 0, type 8 (byte), dimensions, sizes, then the bytes."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", size) for size in array.shape)
    return header + array.tobytes()


def tiny_digits(n: int, seed: int) -> tuple[Bytes, Bytes]:
    """`n` random images of 4×3 bytes, and labels that run through 0 ... 9."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 4, 3), dtype=np.uint8), np.arange(n, dtype=np.uint8) % 10


def write_idx_folder(folder: Path, *, ending: str = ".gz", test: bool = True) -> Path:
    """A folder with 40 training and 20 test rows by MNIST's names."""
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, n, seed in (("train", 40, 0), ("t10k", 20, 1))[: 2 if test else 1]:
        images, labels = tiny_digits(n, seed)
        for name, array in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
            contents = idx_bytes(array)
            # No time stamp: equal contents make equal files.
            packed = gzip.compress(contents, mtime=0) if ending == ".gz" else contents
            (folder / f"{prefix}-{name}{ending}").write_bytes(packed)
    return folder
