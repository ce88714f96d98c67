"""The trainer: epochs over shuffled batches, validation after each, the best epoch's weights, one test at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Generator

import numpy as np

from nnlab.core.batches import shuffled
from nnlab.core.learner import Learner, Tally, evaluate
from nnlab.core.node import Array
from nnlab.core.objective import Objective
from nnlab.core.optimizers import Optimizer
from nnlab.core.profile import Profile
from nnlab.core.rows import Rows
from nnlab.core.schedules import Horizon, Schedule
from nnlab.data.dataset import Dataset
from nnlab.training.events import DivergedError, EpochEnd, Event, Progress, Tested, TrainingEnd
from nnlab.training.extensions import Extensions
from nnlab.training.pace import Pace
from nnlab.training.selection import Selection
from nnlab.training.settings import TrainerSettings
from nnlab.training.state import EpochUnderWay, Facts, TrainerState, arrays_of, check_arrays, check_stream, state_of


class Trainer:
    """Trains an objective on a dataset, and reports it as a stream of events.

    All that a training depends on lies in attributes: `run` goes on from there, inside an epoch too, and `state` and
    `restore` bring it from one process into another.

    Attributes:
        profile: where the time went, if the settings ask for it.
        epochs: how many have ended.
        under_way: how far the next one has come.
        selection: the best of those that have ended.

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
        parameters = objective.network.parameters.values_vector
        self.selection = Selection(settings, parameters, has_validation=len(dataset.validation) > 0)
        self.epochs = 0
        self._shuffle = shuffle
        self.under_way = self._next_epoch()
        self._extensions = Extensions(settings)
        self._has_last_weights = True
        self._pace = Pace(self.steps_per_epoch)

    @property
    def last_epoch(self) -> int:
        """The epoch after which training ends, unless patience ends it before."""
        return self._extensions.last_epoch

    @property
    def is_complete(self) -> bool:
        """Whether no epoch is left to train: all have been, or patience has run out."""
        return self.epochs >= self.last_epoch or self.selection.is_exhausted

    def run(self, *, test: bool = True) -> Generator[Event, None, None]:
        """Train, from where training is. The generator trains as its events are taken, and stops when they are not.

        Closing the generator early leaves the network with the weights that it would have kept so far.

        Args:
            test: false leaves the test split alone, whatever the settings say.

        Raises:
            DivergedError: if a loss is NaN or infinite. The network then holds the weights of the best
                epoch before that, or those of the last update if there was none.
        """
        try:
            while not self.is_complete:
                yield from self._learn()
                yield self._end_of_epoch()
        finally:
            self._has_last_weights = False
            self.selection.restore()
        yield TrainingEnd(self.selection.epoch, self.epochs, self.selection.is_exhausted)
        if test and self.settings.test and len(self.dataset.test):
            yield self.test()

    def extend(self, epochs: int, after: int | None = None) -> None:
        """Train `epochs` in total, with the schedule planned for them: what is complete goes on, what is not, longer.

        Args:
            epochs: more or fewer than were planned.
            after: from the epoch after this one on; by default from the next that begins.

        Raises:
            ValueError: if epoch `after` is not before the last of `epochs`.
        """
        self._extensions.add(self.epochs + (self.under_way.steps > 0) if after is None else after, epochs)

    def state(self) -> TrainerState:
        """All that the rest of training depends on, as copies. May be called while `run` waits after a `Progress` or an
        `EpochEnd`.

        Raises:
            RuntimeError: if `run` has ended or was closed: the network may hold the weights of an earlier epoch.
        """
        if not self._has_last_weights:
            raise RuntimeError("Training has ended, and with it its state: ask for it at the last `EpochEnd`.")
        horizon = self._horizon(self.epochs + (self.under_way.steps > 0))
        return state_of(self.learner, self.selection, self.under_way, self.epochs, horizon)

    def restore(self, state: TrainerState) -> None:
        """Go on from a state of the same training, with the same extensions: `run` then does what it did after that.

        Raises:
            ValueError: if the state does not fit; then nothing is changed.
        """
        facts, own = Facts.of(state.facts), arrays_of(self.learner, self.selection)
        facts.check(self.learner, self._horizon(facts.epochs + (facts.steps > 0)))
        check_arrays(state.arrays, own)
        streams = {"shuffle": self._shuffle, "dropout": self.objective.dropout}
        for name, stream in streams.items():
            check_stream(name, stream, getattr(facts, name))
        for name, array in own.items():
            array[...] = state.arrays[name]
        for name, stream in streams.items():
            stream.bit_generator.state = getattr(facts, name)
        self.epochs = facts.epochs
        self.learner.step = facts.epochs * self.steps_per_epoch + facts.steps
        self.learner.last_lr = facts.last_lr
        tally = Tally(facts.loss, facts.rows, facts.correct, facts.labelled)
        self.under_way = EpochUnderWay(facts.shuffle, facts.steps, tally, facts.seconds)
        self.selection.last_epoch = facts.epochs
        self.selection.best_epoch, self.selection.best_score = facts.best_epoch, facts.best_score
        self._has_last_weights = True

    def test(self) -> Tested:
        """Evaluate the test split with the weights that the network has.

        Raises:
            DivergedError: if the loss is NaN or infinite.
        """
        rows, network = self.dataset.test, self.objective.network
        predictions = np.empty((len(rows), network.outputs), network.dtype)
        metrics = _scores("test", self._evaluated(rows, predictions))
        self._check_finite(metrics["test/loss"], "the last update, as the test split shows")
        return Tested(metrics, self.objective.outputs(predictions), self.objective.classes(predictions))

    def _learn(self) -> Generator[Progress, None, None]:
        """The updates that are left of an epoch, with an event every so many steps. Its order is drawn here, where the
        stream is at `order_from`."""
        epoch, steps, now = self.epochs + 1, self.steps_per_epoch, self.under_way
        self.learner.horizon = self._horizon(epoch)
        order = shuffled(self.dataset.train, self._shuffle)
        size = self.learner.batch_size
        self._pace.reported()
        while now.steps < steps:
            ids = order[now.steps * size : (now.steps + self._pace.steps(now.steps)) * size]
            start = time.perf_counter()
            self.learner.learn(ids, now.tally)
            seconds = time.perf_counter() - start
            self._pace.took(len(ids) / size, seconds)
            now.seconds += seconds
            now.steps += -(-len(ids) // size)
            if now.steps % self._pace.interval == 0 or now.steps == steps:  # the same steps, whatever the pace
                self._check_finite(now.tally.loss, f"epoch {epoch}, by step {now.steps} of {steps}")
            if self._pace.is_report_due and now.steps < steps:
                self._pace.reported()
                yield Progress(epoch, now.steps, steps)

    def _end_of_epoch(self) -> EpochEnd:
        """Evaluate the validation split, and choose."""
        epoch, tally = self.epochs + 1, self.under_way.tally
        held_out = self._evaluated(self.dataset.validation)
        metrics = {
            **_scores("train", tally),
            "lr": self.learner.last_lr,
            "time/epoch_seconds": self.under_way.seconds,
            **_scores("val", held_out),
        }
        if self.settings.count_correct:
            metrics |= _counts("train", tally) | _counts("val", held_out)
        self._check_finite(metrics.get("val/loss", 0.0), f"epoch {epoch}, on the validation split")
        is_best = self.selection.observe(epoch, metrics)
        self.epochs, self.under_way = epoch, self._next_epoch()
        return EpochEnd(epoch, metrics, is_best)

    def _next_epoch(self) -> EpochUnderWay:
        return EpochUnderWay(self._shuffle.bit_generator.state)

    def _horizon(self, epoch: int) -> Horizon:
        return Horizon(self.steps_per_epoch, self._extensions.planned(epoch))

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
