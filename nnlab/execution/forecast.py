"""How long a run will take, and how much it will keep: from a few of its steps, which are taken and forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple, Self

import numpy as np
from threadpoolctl import threadpool_limits

from nnlab.config.build import build_trainer
from nnlab.config.job import Job
from nnlab.config.schema import Config
from nnlab.config.size import NetworkSize, network_size
from nnlab.config.tracking_uri import sqlite_path
from nnlab.core.batches import shuffled
from nnlab.core.learner import Tally, evaluate
from nnlab.core.network import ROWS_AT_ONCE
from nnlab.core.optimizers import Optimizer
from nnlab.data.dataset import Dataset
from nnlab.training.trainer import Trainer

Clock = Callable[[], float]

SECONDS_TIMED = 0.1
"""Of steps, at most, unless one takes longer."""
SECONDS_OF_TIMING = 5.0
"""Of all runs that are timed, about, besides the shortest and the longest."""
MOST_TIMED = 10
BUSY = 1.3
STEPS_AT_ONCE = 4
"""Between two looks at the clock."""
SECONDS_OF_RECORDING = 0.03
"""What a run's directory, its model and its tags take, about."""
SECONDS_OF_EPOCH = 0.0002
"""What the record of an epoch takes, about."""
BYTES_OF_RUN = 60_000
"""What a run keeps besides its weights and a line an epoch, about: a dozen small files, each at least a block."""
BYTES_OF_EPOCH = 500
BYTES_OF_EPOCH_IN_MLFLOW = 2_700
"""Of metrics in its database."""
BYTES_OF_PICTURES = 250_000


@dataclass(frozen=True)
class Kept:
    """What runs leave on the disk, about.

    Attributes:
        runs: bytes in their directories.
        mlflow: bytes in a local store of MLflow.
    """

    runs: float
    mlflow: float

    def __add__(self, other: Kept) -> Kept:
        return Kept(self.runs + other.runs, self.mlflow + other.mlflow)

    def __mul__(self, count: float) -> Kept:
        return Kept(self.runs * count, self.mlflow * count)


def size_of(config: Config, dataset: Dataset) -> NetworkSize:
    """The size of a run's network."""
    model = config.model
    widths = (dataset.features, *model.hidden, model.output_units or dataset.classes)
    return network_size(widths, has_biases=model.bias)


class Work(NamedTuple):
    """What the time of a run depends on most.

    Attributes:
        size: of the network.
        layers: that are hidden.
        rows: of the training split.
        batch_size: rows of a step, or `full`.
        epochs: of the run.
        states: numbers that the optimizer keeps for each parameter.
    """

    size: NetworkSize
    layers: int
    rows: int
    batch_size: int | str
    epochs: int
    states: int

    @classmethod
    def of(cls, job: Job) -> Self:
        """That of a run."""
        config, dataset = job.config, job.load()
        trainer, states = config.trainer, states_of(config.optimizer)
        size, layers = size_of(config, dataset), len(config.model.hidden)
        return cls(size, layers, len(dataset.train), trainer.batch_size, trainer.last_epoch, states)

    @property
    def seconds(self) -> float:
        """On some machine: to find the shortest and the longest of many runs, which are then timed.

        A step costs time by its operations, by what it multiplies and by what it updates.
        """
        batch = self.rows if self.batch_size == "full" else min(self.rows, int(self.batch_size))
        updates = (1 + self.states) * self.size.parameters
        step = 2e-5 * (self.layers + 2) + 1e-10 * self.size.multiplications * batch + 4e-10 * updates
        return self.epochs * -(-self.rows // batch) * step


def states_of(optimizer: Optimizer) -> int:
    """How many numbers an optimizer keeps for each parameter."""
    return sum(array.size == 2 for array in optimizer.init(np.zeros(2)).values())


def seconds_of_run(config: Config, dataset: Dataset, most: float = SECONDS_TIMED) -> float:
    """About how long a run takes with all of its epochs, if nothing else needs the processor.

    Args:
        config: validated.
        dataset: of the run.
        most: how many seconds of steps to time.
    """
    threads = int(config.trainer.threads)
    # A thread's own time: what else the machine does at this moment does not count.
    clock = time.thread_time if threads == 1 else time.perf_counter
    start = clock()
    with threadpool_limits(threads):
        trainer = build_trainer(config, dataset)
        seconds = SECONDS_OF_RECORDING + clock() - start
        epoch = _seconds_of_learning(trainer, most, clock) + _seconds_of_validation(trainer, most / 4, clock)
    return seconds + config.trainer.last_epoch * (epoch + SECONDS_OF_EPOCH)


class Estimates(NamedTuple):
    """How long some runs take.

    Attributes:
        seconds: of each, about, if nothing else needs the processors.
        stretch: how many times as long what was timed has taken, because other processes needed them too.
    """

    seconds: list[float]
    stretch: float

    @property
    def note(self) -> str:
        """What to tell of other processes; nothing where they do not matter."""
        times = f"{self.stretch:.2g} times"
        return f"this machine is busy: all took {times} as long just now" if self.stretch >= BUSY else ""


def seconds_of_runs(jobs: Sequence[Job]) -> Estimates:
    """About how long each of some runs takes.

    The first two are timed; of the others as many, spread evenly, as there is time for. The rest take as long for their
    `Work` as those.
    """
    works = [Work.of(job).seconds for job in jobs]
    others = range(2, len(jobs))
    chosen = [*range(min(2, len(jobs))), *others[:: max(1, -(-len(others) // MOST_TIMED))]]
    timed: dict[int, float] = {}
    start, processor = time.perf_counter(), time.process_time()
    for place in chosen:
        if place < 2 or time.perf_counter() - start < SECONDS_OF_TIMING:
            timed[place] = seconds_of_run(jobs[place].config, jobs[place].load())
    stretch = (time.perf_counter() - start) / max(time.process_time() - processor, 1e-9)
    per_work = sum(timed.values()) / sum(works[place] for place in timed)
    return Estimates([timed.get(place, per_work * each) for place, each in enumerate(works)], stretch)


def kept_of_run(config: Config, size: NetworkSize, *, pictures: bool) -> Kept:
    """About what a run keeps: its directory, of which MLflow's store has a copy.

    Args:
        config: of the run.
        size: of its network.
        pictures: whether it has some.
    """
    weights, epochs = size.parameters * np.dtype(config.dtype).itemsize, config.trainer.last_epoch
    files = weights + BYTES_OF_RUN + epochs * BYTES_OF_EPOCH + (BYTES_OF_PICTURES if pictures else 0)
    is_local = config.tracking.enabled and sqlite_path(str(config.tracking.uri)) is not None
    return Kept(files, files + epochs * BYTES_OF_EPOCH_IN_MLFLOW if is_local else 0)


def _seconds_of_learning(trainer: Trainer, most: float, clock: Clock) -> float:
    """The steps of an epoch."""
    learner, rows = trainer.learner, trainer.dataset.train
    size = min(learner.batch_size, len(rows))
    order = shuffled(rows, np.random.default_rng(0))
    count = len(order) // size  # of whole batches
    at_once = min(STEPS_AT_ONCE, count)
    place = 0

    def steps() -> None:
        nonlocal place
        learner.step = 0  # the schedule's first: it may have no more than a few
        learner.learn(order[place * size : (place + at_once) * size], Tally())
        place = (place + at_once) % (count - at_once + 1)

    return len(rows) / size * _timed(steps, most, clock) / at_once


def _seconds_of_validation(trainer: Trainer, most: float, clock: Clock) -> float:
    rows = trainer.dataset.validation
    if not len(rows):
        return 0.0
    some = rows.first(ROWS_AT_ONCE)
    return len(rows) / len(some) * _timed(lambda: evaluate(trainer.objective, some), most, clock)


def _timed(do: Callable[[], object], most: float, clock: Clock) -> float:
    """The median of the seconds that something takes, after a first time, in which the graph is recorded."""
    do()
    seconds: list[float] = []
    while not seconds or sum(seconds) < most:
        start = clock()
        do()
        seconds.append(clock() - start)
    return median(seconds)
