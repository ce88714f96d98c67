"""A process that says what NumPy computes with in its environment, once it has computed something with it.

It dies (SIGILL) where the environment asks for a BLAS kernel whose instructions the processor lacks; hence it is a
process of its own: `python -m nnlab.analysis.reproduction.probe THREADS` prints a provenance of the arithmetic alone.
"""

from __future__ import annotations

import itertools
import json
import sys
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from nnlab.runs.provenance import blas, simd

SIZES = (1, 7, 64, 200)


def exercise() -> None:
    """Multiply and add arrays of many shapes, so that every part of a kernel is used that training uses."""
    for dtype, rows, inner, columns in itertools.product(("float32", "float64"), SIZES, SIZES, SIZES):
        a, b = np.ones((rows, inner), dtype), np.ones((inner, columns), dtype)
        for product in (a @ b, b.T @ a.T, a @ b[:, 0], np.dot(a[0], b[:, 0]) * np.exp(a)):
            if not np.isfinite(product).all():
                raise ArithmeticError("A product of ones is not finite.")


def main(threads: int) -> dict[str, Any]:
    """What is computed with, on so many threads."""
    with threadpool_limits(threads):
        exercise()
        return {"numpy": np.__version__, "blas": blas(), "simd": simd()}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
