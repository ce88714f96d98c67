"""The contestants by name, each in a module that is imported in its own process alone."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.training.contestants.contestant import Contestant
from benchmarks.training.point import Array, Labels, Point


class Entry(NamedTuple):
    """Where a contestant is, and what it can do.

    Args:
        title: for tables.
        module: in this package.
        function: makes it.
        is_classic_too: whether it also trains sigmoid units by squared error.
        trains: whether its weights are worth checking.
    """

    title: str
    module: str
    function: str = "make"
    is_classic_too: bool = False
    trains: bool = True


NNLAB, FLOOR, UPDATED, TUTORIAL, SKLEARN = "nnlab", "floor", "floor-updated", "tutorial", "sklearn"
TORCH, COMPILED, KERAS, JAX = "torch", "torch-compiled", "keras", "jax"
CONTESTANTS = {
    NNLAB: Entry("nnlab", "nnlab_core", is_classic_too=True),
    FLOOR: Entry("floor (matrix products alone)", "floor", is_classic_too=True, trains=False),
    UPDATED: Entry("floor and the update's passes", "floor", "make_updated", trains=False),
    TUTORIAL: Entry("tutorial NumPy", "numpy_tutorial", is_classic_too=True),
    SKLEARN: Entry("scikit-learn", "scikit_learn"),
    TORCH: Entry("PyTorch eager", "pytorch", is_classic_too=True),
    COMPILED: Entry("PyTorch compiled", "pytorch", "make_compiled"),
    KERAS: Entry("Keras on JAX", "keras_on_jax"),
    JAX: Entry("JAX, epoch jitted", "jax_epoch"),
}


def made(name: str, point: Point, x: Array, labels: Labels, threads: int) -> Contestant:
    """The contestant, ready to train."""
    entry = CONTESTANTS[name]
    module = importlib.import_module(f"benchmarks.training.contestants.{entry.module}")
    make: Callable[[Point, Array, Labels, int], Contestant] = getattr(module, entry.function)
    return make(point, x, labels, threads)
