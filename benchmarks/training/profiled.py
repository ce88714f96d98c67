"""Where the time of a step of nnlab's goes, operation by operation.

It is measured in a process of its own, `python -m benchmarks.training.profiled POINT [ROOT]`, which prints a JSON
object: microseconds per step of each operation, and of a whole step without the profile's clock.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench import Bench
from benchmarks.report import Row, Table
from benchmarks.training.point import POINTS, point_of, point_text
from benchmarks.training.race import REPOSITORY, held_to
from benchmarks.training.tables import QUICK_STEPS

if TYPE_CHECKING:
    from nnlab.core.profile import Profile

ROUNDS = 5


def profile_deep_50(bench: Bench) -> Table:
    """Where a step of 784-300-50-10 at batch 50 goes."""
    return _profiled(bench, "deep-50")


def profile_truth_table(bench: Bench) -> Table:
    """Where a step of the truth table goes."""
    return _profiled(bench, "truth-table")


def _profiled(bench: Bench, point: str) -> Table:
    chosen = POINTS[point]
    text = point
    if bench.is_quick and not chosen.is_classic:
        text = point_text(chosen.widths, chosen.batch, QUICK_STEPS * chosen.batch)
    root = [str(bench.data.root)] if bench.data.root else []
    command = [sys.executable, "-m", "benchmarks.training.profiled", text, *root]
    done = subprocess.run(command, env=held_to(1), capture_output=True, text=True, cwd=REPOSITORY)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr}")
    found = json.loads(done.stdout)
    rows = [Row(name, each, " us") for name, each in found["operations"].items()]
    rest = [
        step - sum(operations) for step, *operations in zip(found["step"], *found["operations"].values(), strict=True)
    ]
    rows.append(Row("the loop around them", rest, " us"))
    rows.append(Row("a whole step, unwatched", found["step"], " us"))
    return Table(f"{chosen.name}: microseconds a step by operation, 1 thread", rows)


def main(point_name: str, *root: str) -> None:
    """Measure on one processor, and print."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    from benchmarks.training.contestants.nnlab_core import make, make_watched
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
        started = time.perf_counter()
        unwatched.train(order)
        step = 1e6 * (time.perf_counter() - started) / point.steps
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
