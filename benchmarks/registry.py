"""The benchmarks by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.plan import Plan
from benchmarks.sweep_overhead import sweep_overhead
from benchmarks.sweep_rate import sweep_rate
from benchmarks.sweep_workers import sweep_workers
from benchmarks.table import Table

BENCHMARKS: dict[str, Callable[[Plan], Table]] = {
    "sweep-rate": sweep_rate,
    "sweep-overhead": sweep_overhead,
    "sweep-workers": sweep_workers,
}
