"""Where a step's time goes, and whether another form of its costliest part would be faster."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.plan import Plan
from benchmarks.table import Row, Table
from benchmarks.training.point import POINTS, point_text
from benchmarks.training.race import REPOSITORY, held_to
from benchmarks.training.tables import QUICK_STEPS


def profile_deep_50(plan: Plan) -> Table:
    """Where a step of 784-300-50-10 at batch 50 goes."""
    return _profiled(plan, "deep-50")


def profile_truth_table(plan: Plan) -> Table:
    """Where a step of the truth table goes."""
    return _profiled(plan, "truth-table")


def update_forms(plan: Plan) -> Table:
    """Ways to write momentum's update in NumPy, at 1 and 2 threads."""
    rows = [
        Row(f"{form}, {threads} thread{'s' * (threads > 1)}", each, " us")
        for threads in (1, 2)
        for form, each in _answer("update_forms", threads=threads).items()
    ]
    return Table("two products of 784-300 at batch 50, and momentum with L2 on its 235,200 weights", rows)


def _profiled(plan: Plan, point: str) -> Table:
    chosen = POINTS[point]
    text = point
    if plan.is_quick and not chosen.is_classic:
        text = point_text(chosen.widths, chosen.batch, QUICK_STEPS * chosen.batch)
    found = _answer("profiled", text, *([str(plan.data.root)] if plan.data.root else []))
    rows = [Row(name, each, " us") for name, each in found["operations"].items()]
    rest = [
        step - sum(operations) for step, *operations in zip(found["step"], *found["operations"].values(), strict=True)
    ]
    rows.append(Row("the loop around them", rest, " us"))
    rows.append(Row("a whole step, unwatched", found["step"], " us"))
    return Table(f"{chosen.name}: microseconds a step by operation, 1 thread", rows)


def _answer(module: str, *arguments: str, threads: int = 1) -> Any:
    """The JSON that a module of this package prints when it is run."""
    command = [sys.executable, "-m", f"benchmarks.training.{module}", *arguments]
    done = subprocess.run(command, env=held_to(threads), capture_output=True, text=True, cwd=REPOSITORY)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)
