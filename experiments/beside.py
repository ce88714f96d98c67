"""What a study does beside its runs, once a seed: in worker processes, as runs are."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_workers(workers: int, function: Callable[..., T], *arguments: Iterable[object]) -> list[T]:
    """As `map`, in so many processes; the function and its arguments are sent there."""
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(function, *arguments))
