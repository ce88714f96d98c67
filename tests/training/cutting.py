"""Trainings of every kind that are cut at any event, taken down to JSON and bytes, and go on in a fresh trainer."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from small_data import dataset

from nnlab.core import Activation, Dense, Network, Rows
from nnlab.core.layers import Dropout, Layer
from nnlab.core.objective import Objective
from nnlab.core.optimizers import SGD, Adam, Momentum, Nesterov, Optimizer
from nnlab.core.regularizers import L1, L2, Regularizer
from nnlab.core.schedules import Constant, Cosine, Exponential, Schedule, StepDecay, TimeDecay
from nnlab.core.seeding import streams
from nnlab.training import EpochEnd, Event, Trainer, TrainerSettings, TrainerState

RNG = np.random.default_rng(7)
X, Y = RNG.normal(size=(160, 5)).astype(np.float32), RNG.integers(0, 3, 160)

OPTIMIZERS: dict[str, tuple[Optimizer, Regularizer | None]] = {
    "sgd": (SGD(lr=0.1), None),
    "sgd with decay": (SGD(lr=0.1), L2(0.01)),
    "momentum": (Momentum(lr=0.05), None),
    "momentum with decay": (Momentum(lr=0.05), L2(0.01)),
    "momentum with l1": (Momentum(lr=0.05), L1(0.001)),
    "nesterov": (Nesterov(lr=0.05), L2(0.01)),
    "adam": (Adam(lr=0.01), L2(0.001)),
}
SCHEDULES: dict[str, Schedule] = {
    "constant": Constant(warmup=1.5),
    "time_decay": TimeDecay(decay=0.01, warmup=1.5),
    "step": StepDecay(every=2, warmup=0.5),
    "exponential": Exponential(warmup=1.5),
    "cosine": Cosine(floor=0.01, warmup=1.5),
}

MOMENTUM, CONSTANT = Momentum(lr=0.05), Constant()


@dataclass(frozen=True)
class Kind:
    """What a training is made of; `make` gives a fresh one."""

    optimizer: Optimizer = MOMENTUM
    regularizer: Regularizer | None = None
    schedule: Schedule = CONSTANT
    dropout: float = 0.0
    validation: bool = True
    dtype: Any = np.float32
    settings: TrainerSettings = field(default_factory=lambda: TrainerSettings(epochs=5, batch_size=8))

    def make(self, steps_between_reports: int = 1) -> Trainer:
        random = streams(3)
        layers: list[Layer] = [Dense(6, kernel_regularizer=self.regularizer), Activation("relu")]
        layers += [Dropout(self.dropout)] if self.dropout else []
        layers += [Dense(3, kernel_regularizer=self.regularizer), Activation("softmax")]
        network = Network(layers, features=(5,), rng=random.init, dtype=self.dtype)
        rows = Rows.whole(X.astype(self.dtype), Y)
        parts = [Rows(rows.x, rows.y, index) for index in np.split(np.arange(160), [101, 131])]
        data = dataset(parts[0], parts[1] if self.validation else None, parts[2], classes=3)
        objective = Objective(network, "cross_entropy", dropout=random.dropout)
        trainer = Trainer(objective, self.optimizer, self.schedule, data, self.settings, random.shuffle)
        trainer._pace.interval = steps_between_reports
        return trainer

    def set(self, **settings: Any) -> Kind:
        return replace(self, settings=replace(self.settings, **settings))


@dataclass
class Record:
    """What a training has done: the order of its rows, and all that it told but the time it took."""

    rows: list[int] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)
    weights: bytes = b""


def spied(trainer: Trainer, record: Record) -> None:
    """Note which rows are loaded, in the order in which they are."""
    loader: Any = trainer.learner
    load: Callable[..., Any] = loader._load

    def noting(ids: Any) -> Any:
        record.rows += ids.tolist()
        return load(ids)

    loader._load = noting


def noted(event: Event) -> list[Any]:
    if isinstance(event, EpochEnd):
        metrics = {name: float(number).hex() for name, number in event.metrics.items() if not name.startswith("time/")}
        return ["epoch", event.epoch, metrics, event.is_best]
    return [type(event).__name__, *(str(value) for name, value in vars(event).items() if name != "outputs")]


def straight(kind: Kind) -> Record:
    """From the beginning to the end."""
    record, trainer = Record(), kind.make()
    spied(trainer, record)
    record.told = [noted(event) for event in trainer.run()]
    record.weights = trainer.objective.network.parameters.values_vector.tobytes()
    return record


def carried(state: TrainerState) -> TrainerState:
    """The same, after a way through bytes and text."""
    arrays = {
        name: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape) for name, array in state.arrays.items()
    }
    return TrainerState(arrays, json.loads(json.dumps(state.facts, allow_nan=False)))


def cut(kind: Kind, events: list[int], spoil: random.Random) -> Record:
    """Taken `events[0]` events, then gone on in a fresh trainer for `events[1]` more, and so on to the end.

    Between taking the state and the end of a process training goes on by itself for some steps: that is lost, as it is
    by a kill.
    """
    record, state = Record(), None
    for count in [*events, -1]:
        trainer = kind.make()
        if state is not None:
            trainer.restore(carried(state))
        this = Record()
        spied(trainer, this)
        run = trainer.run()
        for event in run:
            this.told.append(noted(event))
            if type(event).__name__ in ("TrainingEnd", "Tested"):
                continue
            count -= 1
            if count == 0:
                state, rows = trainer.state(), len(this.rows)
                for _ in range(spoil.randint(0, 3)):
                    next(run, None)
                this.rows = this.rows[:rows]
                break
        run.close()
        record.rows += this.rows
        record.told += this.told
        record.weights = trainer.objective.network.parameters.values_vector.tobytes()
        if count > 0:
            break
    return record
