"""One contestant in a process of its own: `python -m benchmarks.training.child NAME POINT THREADS [ROOT]`.

It answers each line of its standard input with one on its standard output: `check` with the loss after some steps,
`epoch N` and `evaluate N` with seconds, `memory` with the largest resident set so far in megabytes.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from benchmarks.training.contestants.contestant import Evaluator


def main(name: str, point_name: str, threads: str, *root: str) -> None:
    """Answer until the input ends."""
    if hasattr(os, "sched_setaffinity"):  # the only limit on threads that every library obeys
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(threads)])
    from benchmarks.training.contestants.registry import made
    from benchmarks.training.point import point_of
    from benchmarks.training.rows import CHECKED_ROWS, CHECKED_STEPS, order_of, rows_of

    point = point_of(point_name)
    x, labels = rows_of(point, Path(root[0]) if root else None)
    contestant = made(name, point, x, labels, int(threads))
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    for line in sys.stdin:
        match line.split():
            case ["check"]:
                contestant.train(order_of(point, 0)[: CHECKED_STEPS * point.batch])
                answer = point.loss(contestant.weights(), x[:CHECKED_ROWS], labels[:CHECKED_ROWS])
            case ["epoch", number]:
                order = order_of(point, int(number))
                started = time.perf_counter()
                contestant.train(order)
                answer = time.perf_counter() - started
            case ["evaluate", rows]:
                started = time.perf_counter()
                cast("Evaluator", contestant).evaluate(int(rows))
                answer = time.perf_counter() - started
            case ["memory"]:
                answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            case other:
                raise ValueError(f"no such question: {other}")
        answers.write(f"{answer!r}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
