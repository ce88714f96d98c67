"""The available processors, and how many of them are worthwhile for a network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Of a container, in Linux: microseconds of processor time, and the period that they are for; or the word max."""

WORTH_A_THREAD = 1e7
"""Multiplications that a thread must have of a batch's largest product: with fewer, threads wait for each other."""


def usable_cores() -> int:
    """How many processors this process may use: those of the machine, or what the container allows."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, int(cpu_quota() or cores)))


def cpu_quota() -> float | None:
    """The container's quota, in processors; None if it has no limit."""
    try:
        quota, period = CPU_QUOTA.read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def worthwhile_threads(batch_rows: int, widths: Sequence[int], cores: int) -> int:
    """How many BLAS threads are no slower than one, for batches of so many rows.

    It depends on the shapes and the cores alone: a measurement would choose differently from run to run, and the bits
    of a result depend on the number of threads.

    Args:
        batch_rows: rows per update.
        widths: of the layers, from the input to the output.
        cores: usable ones.
    """
    largest = batch_rows * max(rows * columns for rows, columns in pairwise(widths))
    return max(1, min(cores, int(largest / WORTH_A_THREAD)))
