"""How the cost of a trial grows with their number: of small ones to 1,000, and of coordination alone to 10,000."""

from __future__ import annotations

import csv
import itertools
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from matplotlib.ticker import NullFormatter

from benchmarks.bench import Bench
from benchmarks.coordination import Mark
from benchmarks.machine import environment
from benchmarks.report import Row, Table
from benchmarks.watching import new_runs_dir, sweep_command, watched
from nnlab.plots import look, new_figure

WINDOW = 100
"""Trials over which a mean is taken."""
COUNTS = (200, 500, 1_000, 2_000, 5_000, 10_000)
"""At which coordination is shown."""
MIDDLE, MOST_AT_MIDDLE, MOST = 1_000, 30, 60
"""Milliseconds of coordination: at most so many at the number in the middle, and at the end."""


def growth_trials(bench: Bench) -> Table:
    """Seconds per small trial, and what of it is coordination, by the number of trials."""
    small = _small_trials(bench, 4 if bench.is_quick else 1_000)
    marks = _instant_trials(bench, (4, 8) if bench.is_quick else (WINDOW, COUNTS[-1]))
    spans = list(itertools.pairwise(marks))
    processor = {after.trials: _milliseconds(before, after, "processor") for before, after in spans}
    wall = {after.trials: _milliseconds(before, after, "wall") for before, after in spans}
    memory = {mark.trials: mark.megabytes for mark in marks}
    shown = list(processor) if bench.is_quick else COUNTS
    _draw(bench, small, {"the coordinator's processor": processor, "wall": wall})
    targets = {MIDDLE: f"<= {MOST_AT_MIDDLE} ms", COUNTS[-1]: f"<= {MOST} ms"}
    first = min(memory)
    rows = [
        *(Row(f"small trials to {count:,}", [seconds], " s") for count, seconds in small.items()),
        *(Row(f"coordination at {count:,}", [processor[count]], " ms", targets.get(count, "")) for count in shown),
        *(Row(f"an instant trial at {count:,}, wall", [wall[count]], " ms") for count in shown),
        *(Row(f"memory of the coordinator at {count:,}", [memory[count]], " MB") for count in shown),
        Row("a trial more in it", [1e3 * (memory[shown[-1]] - memory[first]) / (shown[-1] - first)], " kB"),
    ]
    return Table(
        f"a study of {max(small):,} small trials on the digits (sweep=mlp, MLflow included), seconds a trial; and one\n"
        f"  of {max(memory):,} that take no time (no MLflow): coordination is what the study's process computes for a\n"
        "  trial, and wall is with the storage, the pruner and the exchange with two workers",
        rows,
    )


def _small_trials(bench: Bench, trials: int) -> dict[int, float]:
    """Wall seconds a trial up to so many trials."""
    runs = new_runs_dir(bench)
    overrides = ("data=digits", "sweep=mlp", f"sweep.trials={trials}", "sweep.workers=2", "sweep.name=growth")
    watched(sweep_command(runs, *overrides), bench.folder)
    with (runs / "growth" / "trials.csv").open(encoding="utf-8", newline="") as file:
        ended = sorted(datetime.fromisoformat(row["ended"]).timestamp() for row in csv.DictReader(file))
    shutil.rmtree(runs)
    window = min(WINDOW, len(ended) // 2)
    return {
        count: (ended[count - 1] - ended[count - window]) / (window - 1)
        for count in range(window, len(ended) + 1, window)
        if window > 1
    }


def _instant_trials(bench: Bench, every_and_count: tuple[int, int]) -> list[Mark]:
    """A study of trials that take no time, by its own marks."""
    every, count = every_and_count
    runs = new_runs_dir(bench)
    command = [sys.executable, "-m", "benchmarks.coordination", str(runs), str(count), str(every)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[1], env=environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    shutil.rmtree(runs)
    return [Mark(**json.loads(line)) for line in done.stdout.splitlines()]


def _milliseconds(before: Mark, after: Mark, what: str) -> float:
    return float(1000 * (getattr(after, what) - getattr(before, what)) / (after.trials - before.trials))


def _draw(bench: Bench, small: Mapping[int, float], instant: Mapping[str, Mapping[int, float]]) -> None:
    with look():
        figure = new_figure(7.2, 3.4)
        axes = [figure.add_subplot(1, 2, place) for place in (1, 2)]
    axes[0].plot(list(small), list(small.values()), "o-")
    axes[0].set(xlabel="small trials", ylabel="seconds a trial, two workers", ylim=(0, None))
    for name, costs in instant.items():
        counts, smooth = _smoothed(costs)
        axes[1].plot(counts, smooth, label=name)
    axes[1].set(xlabel="trials that take no time", ylabel="milliseconds a trial", ylim=(0, None))
    axes[1].xaxis.set_minor_formatter(NullFormatter())
    axes[1].legend()
    bench.figures["growth_trials"] = figure


def _smoothed(costs: Mapping[int, float]) -> tuple[Sequence[int], Sequence[float]]:
    """The medians of three windows each, so that a moment of another process does not count."""
    counts, values = list(costs), list(costs.values())
    return counts, [statistics.median(values[max(0, place - 1) : place + 2]) for place in range(len(values))]
