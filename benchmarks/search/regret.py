"""What a search costs by not finding the best: its regret, over many studies, with bootstrap intervals.

The studies of one place are paired: each contestant searches the same table with the same seed. Intervals are for these
tables: studies are drawn again within each of them, tables are not.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna

from benchmarks.search.contestants import CONTESTANTS, Contestant, Form
from benchmarks.search.tables import Family
from nnlab.cpu import usable_cores

LOOKS = (25, 50, 100)
"""After how many trials the best so far is looked at."""
RESAMPLES, CONFIDENCE = 2000, 0.95

Regrets = np.ndarray[Any, np.dtype[np.float64]]
"""(tables, studies, looks)."""


@dataclass(frozen=True)
class Searched:
    """What a contestant reached on the tables of a family.

    Attributes:
        regrets: of the best so far, in the family's unit.
        milliseconds: a trial, proposal and bookkeeping, in the study in the middle.
    """

    regrets: Regrets
    milliseconds: float


def searched(
    names: Sequence[str], family: Family, sets: Sequence[str], form: Form, studies: int, looks: Sequence[int] = LOOKS
) -> dict[str, Searched]:
    """Let the contestants search each table `studies` times, in as many processes as there are cores."""
    places = [(data, seed) for data in sets for seed in range(studies)]
    tasks = [(name, family, data, form, seed, tuple(looks)) for name in names for data, seed in places]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(usable_cores(), mp_context=spawn, initializer=_alone) as pool:
        done = list(pool.map(_task, tasks, chunksize=4))
    found = {}
    for place, name in enumerate(names):
        of_name = done[place * len(places) : (place + 1) * len(places)]
        regrets = np.array([regret for regret, _ in of_name]).reshape(len(sets), studies, len(looks))
        seconds = statistics.median(each for _, each in of_name)  # the first of a process also reads the table
        found[name] = Searched(regrets, 1000 * seconds / looks[-1])
    return found


def study_regrets(
    contestant: Contestant, family: Family, data: str, form: Form, seed: int, looks: Sequence[int]
) -> list[float]:
    """The regret of one study after so many trials each: the loss of the best so far, less that of the table's best."""
    losses = family.losses(data).mean(-1)
    seen: list[float] = []

    def objective(values: Mapping[str, Any]) -> float:
        loss = float(losses[tuple(axis.place(values[axis.key]) for axis in family.axes)])
        seen.append(loss)
        return loss

    contestant(family, form, seed, looks[-1], objective)
    return [min(seen[:look]) - float(losses.min()) for look in looks]


def interval(regrets: Regrets) -> list[tuple[float, float, float]]:
    """Lower end, mean and upper end for each look: a percentile bootstrap over the studies of each table.

    Args:
        regrets: of a contestant, or of one less those of another.
    """
    random = np.random.default_rng(0)
    tables, studies, _ = regrets.shape
    drawn = random.integers(0, studies, (RESAMPLES, tables, studies))
    means = regrets[np.arange(tables)[:, None], drawn].mean((1, 2))
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return [tuple(map(float, each)) for each in zip(low, regrets.mean((0, 1)), high, strict=True)]  # type: ignore[misc]


def _task(task: tuple[str, Family, str, Form, int, tuple[int, ...]]) -> tuple[list[float], float]:
    name, family, data, form, seed, looks = task
    started = time.perf_counter()
    return study_regrets(CONTESTANTS[name], family, data, form, seed, looks), time.perf_counter() - started


def _alone() -> None:
    """A process that searches: one thread of BLAS, before NumPy is first used, and nothing on the console."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    optuna.logging.set_verbosity(optuna.logging.ERROR)
