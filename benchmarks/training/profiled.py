"""Where a step of nnlab's goes: `python -m benchmarks.training.profiled POINT [ROOT]`, a process of its own.

It prints a JSON object: microseconds a step of each operation, and of a whole step that nobody watches.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnlab.core.profile import Profile

ROUNDS = 5


def main(point_name: str, *root: str) -> None:
    """Measure on one processor, and print."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    from benchmarks.training.contestants.nnlab_core import make, make_watched
    from benchmarks.training.point import point_of
    from benchmarks.training.rows import order_of, rows_of
    from nnlab.core.profile import Profile

    point = point_of(point_name)
    x, labels = rows_of(point, Path(root[0]) if root else None)
    profile = Profile()
    watched, unwatched = make_watched(point, x, labels, profile), make(point, x, labels, 1)
    operations: dict[str, list[float]] = {}
    steps: list[float] = []
    before: dict[str, float] = {}
    for number in range(ROUNDS + 1):
        order = order_of(point, number)
        began = time.perf_counter()
        unwatched.train(order)
        step = 1e6 * (time.perf_counter() - began) / point.steps
        watched.train(order)
        sums = {f"{row['phase']}: {row['operation']}": float(row["seconds"]) for row in _rows(profile)}
        if number:  # the first is the warm-up
            steps.append(step)
            for name, seconds in sums.items():
                operations.setdefault(name, []).append(1e6 * (seconds - before[name]) / point.steps)
        before = sums
    print(json.dumps({"step": steps, "operations": operations}))


def _rows(profile: Profile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(profile.table())))


if __name__ == "__main__":
    main(*sys.argv[1:])
