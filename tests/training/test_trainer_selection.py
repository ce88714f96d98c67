"""Which weights a run ends with: worked examples on one weight whose path is known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from small_data import classifier, dataset, one_weight, rows, watched, weight

from nnlab.core import Rows
from nnlab.training import DivergedError, EpochEnd, Event, Trainer, TrainingEnd
from nnlab.training import Tested as Examined  # pytest takes Test* for a class of tests

# At rate ½, w is ½, ¾, ⅞, 15/16, ... On the row x = 1.25, y = 1 the losses are .0703, .00195, .00439, .0148, ...
PASSES_ITS_BEST = rows([[1.25]], [1])
BEST_WEIGHT = 0.75


def end(trainer: Trainer) -> TrainingEnd:
    (found,) = [event for event in trainer.run() if isinstance(event, TrainingEnd)]
    return found


def bests(trainer: Trainer) -> list[bool]:
    return [event.is_best for event in trainer.run() if isinstance(event, EpochEnd)]


def test_the_weights_of_the_best_epoch_are_restored() -> None:
    trainer = one_weight(PASSES_ITS_BEST, lr=0.5, epochs=6)
    assert end(trainer) == TrainingEnd(epoch=2, epochs=6, stopped_early=False)
    assert weight(trainer) == BEST_WEIGHT


def test_an_epoch_is_reported_as_best_when_none_before_it_was_better() -> None:
    assert bests(one_weight(PASSES_ITS_BEST, lr=0.5, epochs=4)) == [True, True, False, False]


def test_without_restoring_the_last_weights_stay() -> None:
    trainer = one_weight(PASSES_ITS_BEST, lr=0.5, epochs=4, restore_best=False)
    assert end(trainer) == TrainingEnd(epoch=4, epochs=4, stopped_early=False)
    assert weight(trainer) == 15 / 16


def test_without_validation_rows_the_last_weights_stay() -> None:
    trainer = one_weight(None, lr=0.5, epochs=4)
    assert end(trainer).epoch == 4
    assert weight(trainer) == 15 / 16


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 4), (3, 5)])
def test_training_stops_after_that_many_epochs_without_a_better_one(patience: int, epochs: int) -> None:
    trainer = one_weight(PASSES_ITS_BEST, lr=0.5, epochs=100, patience=patience)
    assert end(trainer) == TrainingEnd(epoch=2, epochs=epochs, stopped_early=True)
    assert weight(trainer) == BEST_WEIGHT


def test_patience_works_where_nothing_is_restored() -> None:
    trainer = one_weight(PASSES_ITS_BEST, lr=0.5, epochs=100, patience=1, restore_best=False)
    assert end(trainer) == TrainingEnd(epoch=3, epochs=3, stopped_early=True)
    assert weight(trainer) == 7 / 8


def test_patience_that_lasts_to_the_end_is_no_early_stop() -> None:
    assert not end(one_weight(PASSES_ITS_BEST, lr=0.5, epochs=3, patience=2)).stopped_early


def test_ties_go_to_the_earlier_epoch() -> None:
    # At rate 2, w jumps 0 → 2 → 0 → 2: on x = 1, y = 1 every epoch has the loss ½.
    trainer = one_weight(rows([[1.0]], [1]), lr=2.0, epochs=4)
    assert bests(trainer) == [True, False, False, False]
    assert weight(trainer) == 2.0


def test_accuracy_as_monitor_is_made_large_with_ties_to_the_earlier_epoch() -> None:
    # On x = 0.8, y = 1 the predictions are .4, .6, .7: right from epoch 2 on, and the loss falls for ever.
    trainer = one_weight(rows([[0.8]], [1]), lr=0.5, epochs=5, monitor="val/accuracy", patience=3)
    assert end(trainer) == TrainingEnd(epoch=2, epochs=5, stopped_early=True)
    assert weight(trainer) == BEST_WEIGHT


def test_the_test_split_is_read_once_with_the_best_weights_after_training_ended() -> None:
    seen: list[tuple[int, float, bool]] = []
    has_ended = False
    test = watched(
        rows([[1.0], [2.0], [3.0]], [1, 1, 0]), lambda count: seen.append((count, weight(trainer), has_ended))
    )
    trainer = one_weight(PASSES_ITS_BEST, lr=0.5, test=test, epochs=5)
    for event in trainer.run():
        if isinstance(event, TrainingEnd):
            assert weight(trainer) == BEST_WEIGHT
            has_ended = True
        if isinstance(event, Examined):
            # Predictions .75, 1.5, 2.25 against 1, 1, 0: mean of ½(.0625 + .25 + 5.0625); two of three right.
            assert event.metrics == {
                "test/loss": pytest.approx(5.375 / 6),
                "test/accuracy": pytest.approx(2 / 3),
            }
    assert seen == [(3, BEST_WEIGHT, True)]


def test_the_test_split_is_never_read_where_no_test_is_wanted() -> None:
    seen: list[int] = []
    trainer = one_weight(PASSES_ITS_BEST, lr=0.5, test=watched(rows([[1.0]], [1]), seen.append), epochs=5)
    assert not any(isinstance(event, Examined) for event in trainer.run(test=False))
    assert seen == []


@pytest.mark.parametrize(("setting", "reads"), [(True, [1]), ("auto", [1]), (False, [])])
def test_the_setting_leaves_the_test_split_alone(setting: bool | str, reads: list[int]) -> None:
    seen: list[int] = []
    trainer = one_weight(
        PASSES_ITS_BEST, lr=0.5, test=watched(rows([[1.0]], [1]), seen.append), epochs=2, settings_test=setting
    )
    assert sum(isinstance(event, Examined) for event in trainer.run()) == len(reads)
    assert seen == reads


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_outputs_of_the_one_evaluation_are_the_predictions(dtype: type) -> None:
    """`Network.predict` passes the rows forward again: what pictures are drawn from must be the same to the bit."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(1003, 4)), random.integers(0, 3, 1003)  # more than are passed forward at once
    data = dataset(Rows.whole(x[:50], y[:50]), None, Rows.whole(x, y), classes=3)
    (tested,) = [event for event in classifier(data, epochs=1, dtype=dtype).run() if isinstance(event, Examined)]
    trainer = classifier(data, epochs=1, dtype=dtype)
    list(trainer.run(test=False))
    assert tested.outputs is not None
    np.testing.assert_array_equal(tested.outputs, trainer.objective.network.predict(x.astype(dtype)))
    assert tested.metrics["test/accuracy"] == pytest.approx(np.mean(tested.outputs.argmax(axis=1) == y))


def test_watched_rows_do_notice_reading() -> None:
    seen: list[int] = []
    split = watched(rows([[1.0], [2.0]], [1, 0]), seen.append)
    split.inputs(np.float64)
    assert seen == [2]
    assert isinstance(split, Rows)


def test_nobody_taking_events_means_the_best_weights_so_far() -> None:
    trainer = one_weight(PASSES_ITS_BEST, lr=0.5, epochs=100)
    events = trainer.run()
    for event in events:
        if isinstance(event, EpochEnd) and event.epoch == 4:
            break
    assert weight(trainer) == 15 / 16
    events.close()
    assert weight(trainer) == BEST_WEIGHT


def test_an_error_of_the_listener_leaves_the_best_weights() -> None:
    trainer = one_weight(PASSES_ITS_BEST, lr=0.5, epochs=100)
    events = trainer.run()
    for event in events:
        if isinstance(event, EpochEnd) and event.epoch == 3:
            with pytest.raises(KeyboardInterrupt, match="enough"):
                events.throw(KeyboardInterrupt("enough"))
            break
    assert weight(trainer) == BEST_WEIGHT


# At rate 10 the error w − 1 goes −1 → 9 → −81 → 729 ...: w is 10, −80, 730 ..., and epoch 1 stays the best.
# The validation loss of epoch k is ½·81^k: past float32's 3.4e38 from k = 21 on, since 81^20 = 1.5e38.


def test_divergence_is_reported_with_its_epoch_and_leaves_the_best_weights() -> None:
    trainer = one_weight(rows([[1.0]], [1]), lr=10.0, dtype=np.float32, epochs=100)
    epochs = []
    with pytest.raises(DivergedError, match=r"diverged in epoch 21, on the validation split: the loss became inf"):
        epochs += [event.epoch for event in trainer.run() if isinstance(event, EpochEnd)]
    assert weight(trainer) == 10.0


def test_divergence_on_the_training_split_is_reported_with_its_step() -> None:
    trainer = one_weight(None, lr=10.0, dtype=np.float32, epochs=100)
    reported: list[Event] = []
    with pytest.raises(DivergedError, match=r"diverged in epoch 22, by step 1 of 1: .* Lower the learning rate"):
        reported.extend(trainer.run())
    assert [event.epoch for event in reported if isinstance(event, EpochEnd)] == list(range(1, 22))


def test_no_epoch_with_a_loss_that_is_not_finite_is_ever_reported() -> None:
    trainer = one_weight(rows([[1.0]], [1]), lr=10.0, dtype=np.float32, epochs=100)
    reported: list[Event] = []
    with pytest.raises(DivergedError, match="diverged"):
        reported.extend(trainer.run())
    assert reported
    assert all(np.isfinite(list(event.metrics.values())).all() for event in reported if isinstance(event, EpochEnd))
    assert not any(isinstance(event, TrainingEnd | Examined) for event in reported)


def test_a_last_step_that_ruins_the_weights_is_divergence_too() -> None:
    """Without a validation split only the test can show it: the training loss is from before the step."""
    trainer = one_weight(None, lr=1e30, dtype=np.float32, test=rows([[1.0]], [1]), epochs=1)
    with pytest.raises(DivergedError, match="diverged"):
        list(trainer.run())
