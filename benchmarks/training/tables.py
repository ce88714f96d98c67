"""The benchmarks of training: nnlab and its peers, point by point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from benchmarks.bench import Bench
from benchmarks.report import Row, Table
from benchmarks.training.contestants.registry import (
    COMPILED,
    CONTESTANTS,
    FLOOR,
    JAX,
    KERAS,
    NNLAB,
    SKLEARN,
    TORCH,
    TUTORIAL,
    UPDATED,
)
from benchmarks.training.point import POINTS, point_text
from benchmarks.training.race import Seconds, race
from nnlab.cpu import worthwhile_threads

NEEDS = {TORCH: "torch", COMPILED: "torch", KERAS: "keras", JAX: "jax"}
EVALUATED = 10_000
FEWEST_ROUNDS, QUICK_STEPS = 5, 40


def train_deep_50(bench: Bench) -> Table:
    """784-300-50-10 at batch 50, against all peers."""
    targets = {TORCH: 2.0, SKLEARN: 1.7, KERAS: 1.35, JAX: 0.92}
    return _everybody(bench, "deep-50", targets, floor=1.25, jax_at_best=1.15)


def train_deep_128(bench: Bench) -> Table:
    """784-300-50-10 at batch 128, against all peers."""
    targets = {TORCH: 2.0, SKLEARN: 1.6, KERAS: 1.05, JAX: 0.88}
    return _everybody(bench, "deep-128", targets, floor=1.12, jax_at_best=1.15)


def train_wide(bench: Bench) -> Table:
    """784-800-10 at batch 128, against all peers."""
    return _everybody(bench, "wide", {})


def train_online(bench: Bench) -> Table:
    """784-50-10 sigmoid units, one row at a time."""
    return _steps(bench, "online", {TORCH: 4.0, TUTORIAL: 3.0})


def train_truth_table(bench: Bench) -> Table:
    """The truth table, 3-4-1, all rows in one batch."""
    return _steps(bench, "truth-table", {TORCH: 6.0, TUTORIAL: 1.5})


def evaluation(bench: Bench) -> Table:
    """Loss and accuracy of 10,000 rows through 784-300-50-10."""
    seconds = _raced(bench, "deep-128", [NNLAB, TORCH], 1, f"evaluate {EVALUATED}")
    rows = [Row(CONTESTANTS[name].title, [1000 * value for value in each], " ms") for name, each in seconds.items()]
    return Table(f"evaluation of {EVALUATED:,} rows, 1 thread", [*rows, *_ratios(seconds, {TORCH: 1.2})])


def _everybody(
    bench: Bench,
    point: str,
    targets: Mapping[str, float],
    *,
    floor: float | None = None,
    jax_at_best: float | None = None,
) -> Table:
    one = _raced(bench, point, list(CONTESTANTS), 1)
    two = _raced(bench, point, [NNLAB, FLOOR, UPDATED, TORCH, JAX], 2)
    rows = [Row(f"{CONTESTANTS[name].title}, 1 thread", each, " s") for name, each in one.items()]
    rows += [Row(f"{CONTESTANTS[name].title}, 2 threads", each, " s") for name, each in two.items()]
    rows += _ratios(one, targets)
    over = [ours / theirs for ours, theirs in zip(one[NNLAB], one[FLOOR], strict=True)]
    rows.append(Row("nnlab against the floor", over, "x", f"<= {floor}x" if floor else ""))
    over = [ours / theirs for ours, theirs in zip(one[NNLAB], one[UPDATED], strict=True)]
    rows.append(Row("nnlab against floor and update", over, "x"))
    if JAX in one and JAX in two:
        best = {name: min(one[name], two[name], key=_median) for name in (NNLAB, JAX)}
        ratio = [theirs / ours for ours, theirs in zip(best[NNLAB], best[JAX], strict=True)]
        rows.append(Row("JAX, each at its better threads", ratio, "x", f">= {jax_at_best}x" if jax_at_best else ""))
    chosen = worthwhile_threads(POINTS[point].batch, POINTS[point].widths, 2)
    gain = [a / b for a, b in zip(one[NNLAB], two[NNLAB], strict=True)]
    rows.append(Row(f"2 threads against 1 (auto takes {chosen})", gain, "x", ">= 1x" if chosen == 2 else ""))
    title = f"{POINTS[point].name}: seconds an epoch of {POINTS[point].rows:,} rows of {bench.data.name}, float32"
    return Table(title, rows)


def _steps(bench: Bench, point: str, targets: Mapping[str, float]) -> Table:
    able = [name for name, entry in CONTESTANTS.items() if entry.is_classic_too]
    seconds = _raced(bench, point, able, 1)
    steps = POINTS[point].steps
    rows = [
        Row(CONTESTANTS[name].title, [1e6 * value / steps for value in each], " us") for name, each in seconds.items()
    ]
    return Table(f"{POINTS[point].name}: microseconds a step, 1 thread", [*rows, *_ratios(seconds, targets)])


def _ratios(seconds: Seconds, targets: Mapping[str, float]) -> list[Row]:
    """How many times as fast nnlab is as each of the others, round by round."""
    rows = []
    for name, each in seconds.items():
        if name not in (NNLAB, FLOOR, UPDATED):
            ratio = [theirs / ours for ours, theirs in zip(seconds[NNLAB], each, strict=True)]
            target = f">= {targets[name]}x" if name in targets else ""
            rows.append(Row(f"nnlab against {CONTESTANTS[name].title}", ratio, "x", target))
    return rows


def _raced(bench: Bench, point: str, names: Sequence[str], threads: int, question: str = "epoch {round}") -> Seconds:
    """The race of the contestants that are installed."""
    missing = missing_peers()
    there = [name for name in names if NEEDS.get(name) not in missing]
    rounds = max(bench.rounds, FEWEST_ROUNDS)
    chosen = POINTS[point]
    if bench.is_quick:
        rounds = 1
        there = [name for name in there if name != COMPILED]  # compiling takes longer than all the others together
        point = point if chosen.is_classic else point_text(chosen.widths, chosen.batch, QUICK_STEPS * chosen.batch)
    return race(point, there, threads=threads, rounds=rounds, root=bench.data.root, question=question)


def missing_peers() -> list[str]:
    """The libraries of peers that are not installed."""
    return [library for library in dict.fromkeys(NEEDS.values()) if find_spec(library) is None]


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
