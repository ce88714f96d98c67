"""The trainer: epochs over shuffled batches, validation after each, the best epoch's weights, one test at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Generator

import numpy as np

from nnlab.core.batches import chunks, shuffled
from nnlab.core.learner import Learner, Tally, evaluate
from nnlab.core.node import Array
from nnlab.core.objective import Objective
from nnlab.core.optimizers import Optimizer
from nnlab.core.profile import Profile
from nnlab.core.rows import Rows
from nnlab.core.schedules import Horizon, Schedule
from nnlab.data.dataset import Dataset
from nnlab.training.events import DivergedError, EpochEnd, Event, Progress, Tested, TrainingEnd
from nnlab.training.selection import Selection
from nnlab.training.settings import TrainerSettings

STEPS_BETWEEN_REPORTS = 64


class Trainer:
    """Trains an objective on a dataset, and reports it as a stream of events.

    Attributes:
        profile: where the time went, if the settings ask for it.

    Args:
        objective: the loss to minimize; its network is changed in place.
        optimizer: the rule.
        schedule: of the learning rate.
        dataset: the splits.
        settings: how long, in which batches, which weights to keep.
        shuffle: the stream of the orders of rows.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer: Optimizer,
        schedule: Schedule,
        dataset: Dataset,
        settings: TrainerSettings,
        shuffle: np.random.Generator,
    ) -> None:
        self.objective = objective
        self.dataset = dataset
        self.settings = settings
        self._shuffle = shuffle
        self.profile = Profile() if settings.profile else None
        rows = len(dataset.train)
        batch_size = rows if settings.batch_size == "full" else settings.batch_size
        self.steps_per_epoch = -(-rows // batch_size)
        self.learner = Learner(
            objective,
            optimizer,
            schedule,
            Horizon(self.steps_per_epoch, settings.epochs),
            rows=dataset.train,
            batch_size=batch_size,
            clip_norm=settings.clip_norm,
            profile=self.profile,
        )

    def run(self, *, test: bool = True) -> Generator[Event, None, None]:
        """Train. The generator trains as its events are taken, and stops when they are not.

        Closing the generator early leaves the network with the weights that it would have kept so far.

        Args:
            test: false leaves the test split alone, whatever the settings say.

        Raises:
            DivergedError: if a loss is NaN or infinite. The network then holds the weights of the best
                epoch before that, or those of the last update if there was none.
        """
        network = self.objective.network
        selection = Selection(
            self.settings, network.parameters.values_vector, has_validation=len(self.dataset.validation) > 0
        )
        epoch, stopped_early = 0, False
        try:
            for epoch in range(1, self.settings.last_epoch + 1):
                tally = Tally()
                seconds = yield from self._learn(epoch, tally)
                held_out = self._evaluated(self.dataset.validation)
                metrics = {
                    **_scores("train", tally),
                    "lr": self.learner.last_lr,
                    "time/epoch_seconds": seconds,
                    **_scores("val", held_out),
                }
                if self.settings.count_correct:
                    metrics |= _counts("train", tally) | _counts("val", held_out)
                self._check_finite(metrics.get("val/loss", 0.0), f"epoch {epoch}, on the validation split")
                is_best = selection.observe(epoch, metrics)
                yield EpochEnd(epoch, metrics, is_best)
                if selection.is_exhausted:
                    stopped_early = True
                    break
        finally:
            selection.restore()
        yield TrainingEnd(selection.epoch, epoch, stopped_early)
        if test and self.settings.test and len(self.dataset.test):
            yield self.test()

    def test(self) -> Tested:
        """Evaluate the test split with the weights that the network has.

        Raises:
            DivergedError: if the loss is NaN or infinite.
        """
        rows, network = self.dataset.test, self.objective.network
        predictions = np.empty((len(rows), network.outputs), network.dtype)
        metrics = _scores("test", self._evaluated(rows, predictions))
        self._check_finite(metrics["test/loss"], "the last update, as the test split shows")
        return Tested(metrics, self.objective.outputs(predictions))

    def _learn(self, epoch: int, tally: Tally) -> Generator[Event, None, float]:
        """One epoch of updates, with an event every so many steps; returns the seconds it took, events excluded."""
        steps = self.steps_per_epoch
        order = shuffled(self.dataset.train, self._shuffle)
        interval = max(STEPS_BETWEEN_REPORTS, steps // 50)
        done, seconds = 0, 0.0
        for ids in chunks(order, interval * self.learner.batch_size):
            start = time.perf_counter()
            self.learner.learn(ids, tally)
            seconds += time.perf_counter() - start
            done = min(done + interval, steps)
            self._check_finite(tally.loss, f"epoch {epoch}, by step {done} of {steps}")
            if done < steps:
                yield Progress(epoch, done, steps)
        return seconds

    def _check_finite(self, loss: float, when: str) -> None:
        if not math.isfinite(loss):
            raise DivergedError(
                f"Training diverged in {when}: the loss became {loss:g}. "
                f"Lower the learning rate (it was {self.learner.last_lr:g}), clip gradients (clip_norm) or scale the "
                "inputs."
            )

    def _evaluated(self, rows: Rows, predictions: Array | None = None) -> Tally:
        if not len(rows):
            return Tally()
        if self.profile is not None:
            return self.profile.timed("evaluation", "of a split", evaluate)(self.objective, rows, predictions)
        return evaluate(self.objective, rows, predictions)


def _scores(split: str, tally: Tally) -> dict[str, float]:
    """Loss and accuracy on a split; empty where the split is."""
    return {f"{split}/loss": tally.mean_loss, f"{split}/accuracy": tally.accuracy} if tally.rows else {}


def _counts(split: str, tally: Tally) -> dict[str, float]:
    """How many rows of a split were classified correctly; empty where none has a label."""
    return {f"{split}/correct": tally.correct} if tally.labelled else {}
