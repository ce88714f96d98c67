"""A small training of some config that can be stopped at any event, and gone on with from its files."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from faults.promise import BrokenPromiseError
from nnlab.batch import compose
from nnlab.config.build import build_trainer
from nnlab.config.job import Job
from nnlab.execution.checkpointing import Checkpointing
from nnlab.runs.directory import JOURNAL
from nnlab.training import EpochEnd, Trainer, TrainingEnd

SMALL = ("data=digits", "data.limit=203", "model.hidden=[7]", "trainer.epochs=4", "tracking.enabled=false")
CHOICES = (
    ("optimizer=sgd", "optimizer=momentum", "optimizer=nesterov", "optimizer=adam"),
    ("regularizer=none", "regularizer=l2", "regularizer=l1"),
    *(("schedule=constant", "schedule=cosine", "schedule=step", "schedule=exponential", "schedule=time_decay"),),
    ("schedule.warmup=0", "schedule.warmup=1.5"),
    ("model.dropout=0", "model.dropout=0.3"),
    ("trainer.clip_norm=null", "trainer.clip_norm=0.5"),
    ("trainer.restore_best=true", "trainer.restore_best=false"),
    ("trainer.batch_size=16", "trainer.batch_size=5", "trainer.batch_size=full"),
    ("dtype=float32", "dtype=float64"),
    ("trainer.count_correct=false", "trainer.count_correct=true"),
    ("trainer.patience=null", "trainer.patience=1", "data.split.validation=0"),
)


@dataclass(frozen=True)
class Outcome:
    """What a training leaves: each epoch's metrics but its time, its end, and its weights."""

    epochs: dict[int, dict[str, float]]
    end: TrainingEnd | None
    weights: bytes


class Training:
    """A small training of some config, in a folder of its own, that can be stopped and gone on with."""

    def __init__(self, folder: Path, overrides: tuple[str, ...]) -> None:
        folder.mkdir()
        (folder / JOURNAL).write_text("{}\n")
        self.folder = folder
        self.overrides = overrides
        self.job: Job = compose(*SMALL, *overrides)
        self._dataset = self.job.load()
        self.told: list[str] = []
        self.is_inside_an_epoch = False
        self.recorded: dict[int, dict[str, float]] = {}

    def fresh(self) -> tuple[Trainer, Checkpointing]:
        """A trainer at its beginning, and what brings it to the newest checkpoint."""
        trainer = build_trainer(self.job.config, self._dataset)
        trainer._pace.interval = 3  # steps: so that there are many events inside an epoch
        return trainer, Checkpointing(self.job.config, trainer, self.folder, self.told.append)

    def go_on(self, events: int | None = None, saved: tuple[int, ...] = ()) -> Outcome:
        """From the newest checkpoint on, so many events, or all; with a checkpoint after the last, and some others."""
        trainer, checkpointing = self.fresh()
        checkpointing.restore(len(self.recorded))
        end = None
        with closing(checkpointing), closing(trainer.run(test=False)) as run:
            for number, event in enumerate(run, 1):
                if isinstance(event, TrainingEnd):
                    end = event
                    continue
                if isinstance(event, EpochEnd):
                    metrics = {name: number for name, number in event.metrics.items() if not name.startswith("time/")}
                    before = self.recorded.setdefault(event.epoch, metrics)
                    if before != metrics:
                        raise BrokenPromiseError(
                            f"{self.overrides}: epoch {event.epoch} was {before}, is {metrics} again"
                        )
                if number in saved or number == events:
                    checkpointing.write()
                self.is_inside_an_epoch = trainer.under_way.steps > 0
                if number == events:
                    break
        return Outcome(dict(self.recorded), end, trainer.objective.network.parameters.values_vector.tobytes())

    def events(self) -> int:
        """How many events an undisturbed training has before its end."""
        trainer, _ = self.fresh()
        return sum(not isinstance(event, TrainingEnd) for event in trainer.run(test=False))
