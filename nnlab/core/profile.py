"""Where the time of training goes: seconds by phase and by operation."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

COLUMNS = ("phase", "operation", "calls", "seconds", "share", "microseconds_a_call")


@dataclass
class _Sum:
    calls: int = 0
    seconds: float = 0.0


class Profile:
    """Adds up the time of calls that are made through it, which costs half a microsecond per call."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], _Sum] = {}

    def timed(self, phase: str, operation: str, call: Callable[P, T]) -> Callable[P, T]:
        """The same call, with its time added to `operation` in `phase`."""
        total = self._sums.setdefault((phase, operation), _Sum())
        clock = time.perf_counter

        def timed_call(*args: P.args, **kwargs: P.kwargs) -> T:
            start = clock()
            result = call(*args, **kwargs)
            total.seconds += clock() - start
            total.calls += 1
            return result

        return timed_call

    def sums(self) -> list[tuple[str, str, int, float]]:
        """Phase, operation, calls and seconds of what was called: plain values, for `add`."""
        return [(*key, total.calls, total.seconds) for key, total in self._sums.items() if total.calls]

    def add(self, sums: Iterable[tuple[str, str, int, float]]) -> None:
        """Count what another process has spent on the same work."""
        for phase, operation, calls, seconds in sums:
            total = self._sums.setdefault((phase, operation), _Sum())
            total.calls += calls
            total.seconds += seconds

    def table(self) -> str:
        """CSV with one line per operation that was called, in the order of work, with its share of the total."""
        called = {key: total for key, total in self._sums.items() if total.calls}
        whole = sum(total.seconds for total in called.values())
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(COLUMNS)
        for (phase, operation), total in called.items():
            share, microseconds = total.seconds / whole, 1e6 * total.seconds / total.calls
            figures = (f"{total.seconds:.6f}", f"{share:.4f}", f"{microseconds:.2f}")
            lines.writerow([phase, operation, total.calls, *figures])
        return text.getvalue()
