"""The trainer's events, in which order, and that their numbers are true."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from small_data import classifier, dataset, one_weight, rows

from nnlab.core import Rows, Sequential
from nnlab.core.layers import Activation, Dense
from nnlab.core.optimizers import Momentum
from nnlab.core.schedules import Cosine, Horizon
from nnlab.core.seeding import streams
from nnlab.training import EpochEnd, Progress, Trainer, TrainingEnd
from nnlab.training import Tested as Examined  # pytest takes Test* for a class of tests

FIVE = rows([[0.5, -1.0], [1.5, 2.0], [-0.3, 0.4], [2.0, -0.7], [-1.2, -0.1]], [0, 1, 1, 0, 1])
TWO = rows([[1.0, 1.0], [0.2, -0.5]], [1, 0])
ONE = rows([[0.3, 0.3]], [0])

TRAINING = {"train/loss", "train/accuracy", "lr", "time/epoch_seconds"}
VALIDATION = {"val/loss", "val/accuracy"}


def names(trainer: Trainer, *, test: bool = True) -> list[str]:
    return [type(event).__name__ for event in trainer.run(test=test)]


def metrics_by_epoch(trainer: Trainer) -> list[dict[str, float]]:
    return [dict(event.metrics) for event in trainer.run() if isinstance(event, EpochEnd)]


def test_a_run_is_its_epochs_then_its_end_then_one_test() -> None:
    trainer = classifier(dataset(FIVE, TWO, ONE), epochs=3, batch_size=2)
    events = [event for event in trainer.run() if not isinstance(event, Progress)]  # a busy machine has time for some
    assert [type(event).__name__ for event in events] == ["EpochEnd"] * 3 + ["TrainingEnd", "Tested"]
    assert [event.epoch for event in events if isinstance(event, EpochEnd)] == [1, 2, 3]
    assert all(set(event.metrics) == TRAINING | VALIDATION for event in events if isinstance(event, EpochEnd))
    assert isinstance(events[-1], Examined)
    assert set(events[-1].metrics) == {"test/loss", "test/accuracy"}


def test_without_validation_and_test_rows_there_are_no_such_metrics() -> None:
    trainer = classifier(dataset(FIVE), epochs=2, batch_size=2)
    events = list(trainer.run())
    assert [type(event).__name__ for event in events] == ["EpochEnd", "EpochEnd", "TrainingEnd"]
    assert all(set(event.metrics) == TRAINING for event in events if isinstance(event, EpochEnd))
    assert events[-1] == TrainingEnd(epoch=2, epochs=2, stopped_early=False)


def test_the_test_split_is_left_alone_where_no_test_is_wanted() -> None:
    assert "Tested" not in names(classifier(dataset(FIVE, TWO, ONE), epochs=1, batch_size=2), test=False)


def test_where_counts_are_asked_for_an_epoch_tells_how_many_rows_were_right() -> None:
    for metrics in metrics_by_epoch(classifier(dataset(FIVE, TWO, ONE), epochs=3, batch_size=2, count_correct=True)):
        assert set(metrics) == TRAINING | VALIDATION | {"train/correct", "val/correct"}
        assert metrics["train/correct"] == round(metrics["train/accuracy"] * 5)
        assert metrics["val/correct"] == round(metrics["val/accuracy"] * 2)


def test_without_labels_or_validation_rows_there_is_nothing_to_count() -> None:
    targets = Rows.whole(np.ones((1, 1)), np.array([[0.7]]))
    for validation, names in ((None, TRAINING), (targets, TRAINING | VALIDATION)):
        (metrics,) = metrics_by_epoch(one_weight(validation, lr=0.5, epochs=1, count_correct=True))
        assert set(metrics) == names | {"train/correct"}


def test_progress_rises_within_an_epoch_and_never_reaches_its_end() -> None:
    many = Rows(FIVE.x, FIVE.y, np.arange(1000) % 5)
    trainer = classifier(dataset(many), epochs=2, batch_size=5)
    reports = [event for event in trainer.run() if isinstance(event, Progress)]
    assert trainer.steps_per_epoch == 200
    for epoch in (1, 2):
        steps = [report.step for report in reports if report.epoch == epoch]
        assert steps == sorted(set(steps))
        assert steps
        assert all(0 < step < 200 for step in steps)
    assert {report.steps for report in reports} == {200}


@pytest.mark.parametrize(("batch_size", "steps"), [(2, 3), (5, 1), (1, 5), ("full", 1), (4, 2)])
def test_an_epoch_takes_every_row_once_the_last_batch_being_smaller(batch_size: int | str, steps: int) -> None:
    trainer = classifier(dataset(FIVE), epochs=2, batch_size=batch_size)
    list(trainer.run())
    assert trainer.steps_per_epoch == steps
    assert trainer.learner.step == 2 * steps


def test_the_reported_learning_rate_is_that_of_the_epochs_last_update() -> None:
    trainer = classifier(dataset(FIVE), epochs=2, batch_size=2)
    horizon = trainer.learner.horizon
    trainer.learner.schedule = Cosine()
    reported = [metrics["lr"] for metrics in metrics_by_epoch(trainer)]
    # Six updates, 0 to 5; half a cosine from the first to the last: (1 + cos(π t / 5)) / 2 at t = 2 and t = 5.
    assert horizon == Horizon(3, 2)
    assert reported == pytest.approx([0.5 * (1 + math.cos(2 * math.pi / 5)) / 2, 0.0])


def test_full_batch_means_the_whole_training_split_in_one_exact_step() -> None:
    # w: 0 → 0.5 → 0.75; losses before each update are ½ and ⅛.
    assert [metrics["train/loss"] for metrics in metrics_by_epoch(one_weight(None, lr=0.5, epochs=2))] == [
        0.5,
        0.125,
    ]


def softmax_of(scores: list[float]) -> list[float]:
    exponentials = [math.exp(score) for score in scores]
    return [each / sum(exponentials) for each in exponentials]


class LoopNetwork:
    """The same 2-3-2 net in plain Python: one example, one weight, one loop at a time."""

    def __init__(self, trainer: Trainer) -> None:
        named = {name: array.copy() for name, array in trainer.objective.network.parameters.named().items()}
        self.w1, self.b1, self.w2, self.b2 = (
            next(array for array in named.values() if array.shape == shape) for shape in ((2, 3), (3,), (3, 2), (2,))
        )

    def outputs(self, x: list[float]) -> tuple[list[float], list[float]]:
        hidden = []
        for unit in range(3):
            total = self.b1[unit]
            for feature in range(2):
                total += x[feature] * self.w1[feature, unit]
            hidden.append(max(0.0, total))
        scores = []
        for label in range(2):
            total = self.b2[label]
            for unit in range(3):
                total += hidden[unit] * self.w2[unit, label]
            scores.append(total)
        return hidden, softmax_of(scores)

    def loss(self, x: list[float], y: int) -> tuple[float, bool]:
        _, probabilities = self.outputs(x)
        return -math.log(probabilities[y]), probabilities.index(max(probabilities)) == y

    def step(self, batch: list[tuple[list[float], int]], lr: float) -> None:
        changes = [np.zeros_like(array) for array in (self.w1, self.b1, self.w2, self.b2)]
        for x, y in batch:
            hidden, probabilities = self.outputs(x)
            for label in range(2):
                error = (probabilities[label] - (1.0 if label == y else 0.0)) / len(batch)
                changes[3][label] += error
                for unit in range(3):
                    changes[2][unit, label] += error * hidden[unit]
                    if hidden[unit] > 0:
                        changes[1][unit] += error * self.w2[unit, label]
                        for feature in range(2):
                            changes[0][feature, unit] += error * self.w2[unit, label] * x[feature]
        for array, change in zip((self.w1, self.b1, self.w2, self.b2), changes, strict=True):
            array -= lr * change


def test_every_reported_number_is_what_a_plain_loop_over_rows_and_weights_gives() -> None:
    trainer = classifier(dataset(FIVE, TWO, ONE), seed=7, epochs=3, batch_size=2, restore_best=False)
    oracle = LoopNetwork(trainer)
    shuffle = streams(7).shuffle
    examples = list(zip(FIVE.x.tolist(), FIVE.y.tolist(), strict=True))

    events = list(trainer.run())
    for event in events[:3]:
        assert isinstance(event, EpochEnd)
        losses, right = [], 0
        order = [examples[position] for position in shuffle.permutation(5)]
        for batch in (order[0:2], order[2:4], order[4:5]):
            for x, y in batch:
                loss, is_right = oracle.loss(x, y)
                losses.append(loss)
                right += is_right
            oracle.step(batch, lr=0.5)
        held = [oracle.loss(x, y) for x, y in zip(TWO.x.tolist(), TWO.y.tolist(), strict=True)]
        assert event.metrics["train/loss"] == pytest.approx(sum(losses) / 5, rel=1e-12)
        assert event.metrics["train/accuracy"] == right / 5
        assert event.metrics["val/loss"] == pytest.approx(sum(loss for loss, _ in held) / 2, rel=1e-12)
        assert event.metrics["val/accuracy"] == sum(is_right for _, is_right in held) / 2
    loss, is_right = oracle.loss(ONE.x[0].tolist(), int(ONE.y[0]))
    assert events[-1] == Examined({"test/loss": pytest.approx(loss, rel=1e-12), "test/accuracy": float(is_right)})  # type: ignore[dict-item]


def test_reports_on_the_way_do_not_change_the_bits_of_the_result() -> None:
    """The trainer stops to report within an epoch; `Sequential.fit` does not. Their weights are the same bytes."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(1003, 4)).astype(np.float32), rng.integers(0, 3, 1003)
    train, validation = Rows.whole(x, y).first(903), Rows(x, y, np.arange(903, 1003))
    trainer = classifier(
        dataset(train, validation, classes=3),
        seed=11,
        hidden=8,
        dtype=np.float32,
        optimizer=Momentum(lr=0.05),
        epochs=3,
        batch_size=4,
        restore_best=False,
    )
    reported = [event for event in trainer.run() if isinstance(event, EpochEnd | Progress)]
    assert any(isinstance(event, Progress) for event in reported)

    stack = [Dense(8), Activation("relu"), Dense(3), Activation("softmax")]
    model = Sequential(stack, seed=11)
    model.compile(optimizer=Momentum(lr=0.05), loss="cross_entropy")
    history = model.fit(x[:903], y[:903], epochs=3, batch_size=4, validation_data=(x[903:], y[903:]), verbose=0)

    weights = trainer.objective.network.parameters.values_vector
    assert weights.tobytes() == model.network.parameters.values_vector.tobytes()
    ends = [event.metrics for event in reported if isinstance(event, EpochEnd)]
    assert [metrics["train/loss"] for metrics in ends] == history.history["loss"]
    assert [metrics["val/accuracy"] for metrics in ends] == history.history["val_accuracy"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(dtype: type) -> None:
    weights = []
    for seed in (5, 5, 6):
        trainer = classifier(dataset(FIVE, TWO), seed=seed, dtype=dtype, epochs=4, batch_size=2)
        list(trainer.run())
        weights.append(trainer.objective.network.parameters.values_vector)
    assert weights[0].dtype == dtype
    assert weights[0].tobytes() == weights[1].tobytes()
    assert weights[0].tobytes() != weights[2].tobytes()


def test_each_epoch_has_an_order_of_its_own() -> None:
    rows: list[int] = []
    trainer = classifier(dataset(FIVE), epochs=4, batch_size=1)
    learn = trainer.learner.learn
    trainer.learner.learn = lambda ids, tally: (rows.extend(ids.tolist()), learn(ids, tally))[1]  # type: ignore
    list(trainer.run())
    orders = [rows[start : start + 5] for start in range(0, 20, 5)]
    assert len(rows) == 20
    assert all(sorted(order) == [0, 1, 2, 3, 4] for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_clipping_bounds_the_step() -> None:
    # The first gradient is −1; clipped to ¼ and taken at rate 1 it moves w from 0 to ¼.
    trainer = one_weight(None, lr=1.0, epochs=1, clip_norm=0.25)
    list(trainer.run())
    assert trainer.objective.network.parameters.values_vector[0] == pytest.approx(0.25)


def test_settings_that_make_no_sense_are_refused() -> None:
    settings = classifier(dataset(FIVE)).settings
    with pytest.raises(ValueError, match=r"`epochs` must be at least 1"):
        replace(settings, epochs=0)
    with pytest.raises(ValueError, match=r"`monitor` must be one of val/loss, val/accuracy"):
        replace(settings, monitor="test/loss")
