"""How costs grow: with rows, width, depth and batch, and with the runs in the store."""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from benchmarks.bench import Bench
from benchmarks.report import Row, Table
from benchmarks.training.contestants.registry import FLOOR, NNLAB
from benchmarks.training.point import point_text
from benchmarks.training.race import race
from benchmarks.watching import new_runs_dir, run_command, watched
from nnlab.plots import look, new_figure

BATCH, ROWS = 128, 12_800


def growth_training(bench: Bench) -> Table:
    """Seconds per epoch by rows, width, depth and batch size."""
    points: dict[str, dict[int, tuple[tuple[int, ...], int, int]]] = {
        "rows": {rows: ((784, 300, 50, 10), BATCH, rows) for rows in (6_400, 12_800, 25_600, 51_200)},
        "width": {width: ((784, width, width, 10), BATCH, ROWS) for width in (32, 64, 128, 256, 512, 1024)},
        "depth": {depth: ((784, *[128] * depth, 10), BATCH, ROWS) for depth in (1, 2, 4, 8, 16)},
        "batch": {batch: ((784, 300, 50, 10), batch, ROWS) for batch in (8, 16, 32, 64, 128, 256, 512)},
    }
    measured: dict[str, dict[int, Mapping[str, float]]] = {}
    for axis, of_axis in points.items():
        chosen = list(of_axis.items())[:2] if bench.is_quick else list(of_axis.items())
        measured[axis] = {
            value: {
                name: statistics.median(seconds)
                for name, seconds in race(
                    point_text(*spec), [NNLAB, FLOOR], threads=1, rounds=3, root=bench.data.root
                ).items()
            }
            for value, spec in chosen
        }
    _draw_training(bench, measured)
    rows = [
        Row(f"{axis} {value:,}: against the floor", [seconds[NNLAB] / seconds[FLOOR]], "x")
        for axis, of_axis in measured.items()
        for value, seconds in of_axis.items()
    ]
    return Table(f"an epoch of {ROWS:,} rows at batch {BATCH} where nothing else is said, 1 thread", rows)


def growth_runs(bench: Bench) -> Table:
    """Seconds of a small run by the number of runs in the store, up to 5,000."""
    runs = new_runs_dir(bench)
    costs: dict[int, list[float]] = {}
    for count in (0, 2) if bench.is_quick else (0, 1000, 2500, 5000):
        _fill(runs / "mlflow.db", count)
        costs[count] = [
            watched(run_command(runs, "data=digits", "trainer.epochs=3", "tracking.plots=false"), bench.folder).wall
            for _ in range(3)
        ]
    shutil.rmtree(runs)
    figure, (axes,) = _figure(1)
    axes.plot(list(costs), [statistics.median(each) for each in costs.values()], "o-")
    axes.set(xlabel="runs in the store", ylabel="seconds of a run of three epochs on digits", ylim=(0, None))
    bench.figures["growth_runs"] = figure
    rows = [Row(f"{count:,} runs in the store", each, " s") for count, each in costs.items()]
    return Table("a small run, from command to exit, on a store with so many runs of ten epochs", rows)


def _fill(store: Path, count: int) -> None:
    """Add runs of ten epochs to the store until there are `count`."""
    with closing(sqlite3.connect(store)) as database, database:
        (there,) = database.execute("SELECT count(*) FROM runs").fetchone()
        for number in range(there, count):
            run = uuid.uuid4().hex
            database.execute(
                "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status,"
                " start_time, end_time, lifecycle_stage, artifact_uri, experiment_id)"
                " VALUES (?, ?, 'LOCAL', '', '', 'bench', 'FINISHED', ?, ?, 'active', '', 0)",
                (run, f"run {number}", number, number + 1),
            )
            database.executemany(
                "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)",
                [
                    (name, 0.1 * step, number, run, step)
                    for name in ("train/loss", "val/loss", "val/accuracy")
                    for step in range(10)
                ],
            )
            database.executemany(
                "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)",
                [(f"key.{i}", str(i), run) for i in range(40)],
            )


def _draw_training(bench: Bench, measured: Mapping[str, Mapping[int, Mapping[str, float]]]) -> None:
    figure, all_axes = _figure(len(measured))
    for axes, (axis, of_axis) in zip(all_axes, measured.items(), strict=True):
        for name, label in ((NNLAB, "nnlab"), (FLOOR, "matrix products alone")):
            axes.loglog(list(of_axis), [seconds[name] for seconds in of_axis.values()], "o-", label=label)
        axes.set_xticks(list(of_axis), [f"{value:,}" for value in of_axis], fontsize=7)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set(xlabel=axis, ylabel="seconds an epoch")
        axes.grid(visible=True)
    all_axes[0].legend()
    bench.figures["growth_training"] = figure


def _figure(count: int) -> tuple[Figure, Sequence[Axes]]:
    with look():
        figure = new_figure(3.6 * count if count > 1 else 6.0, 3.4)
        return figure, [figure.add_subplot(1, count, place + 1) for place in range(count)]
