"""A second `fit` continues where the first ended, under every schedule: laws that hold to the bit."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest

from nnlab.core import (
    L2,
    SGD,
    Adam,
    Constant,
    Cosine,
    Dense,
    Dropout,
    Exponential,
    Momentum,
    Nesterov,
    Sequential,
    StepDecay,
    TimeDecay,
)
from nnlab.core.schedules import SCHEDULES, Horizon, Schedule

X = np.random.default_rng(41).normal(size=(22, 5))
Y = np.random.default_rng(42).integers(0, 3, 22)
GOING_ON: list[Schedule] = [
    Constant(),
    Constant(warmup=4.5),
    TimeDecay(decay=0.1),
    StepDecay(every=2),
    Exponential(decay=0.7),
    Exponential(decay=0.7, warmup=5),
]
ALL = [*GOING_ON, Cosine(), Cosine(floor=0.1, warmup=4)]


def model(schedule: Schedule | None = None, optimizer: Any = None, **plan: Any) -> Sequential:
    layers = [Dense(6, "relu", kernel_regularizer=L2(0.01)), Dropout(0.2), Dense(3, "softmax")]
    made = Sequential(layers, seed=9)
    made.compile(optimizer or SGD(lr=0.5), schedule=schedule, **plan)
    return made


def fit(trained: Sequential, epochs: int, *, batch_size: int = 4, **settings: Any) -> Any:
    return trained.fit(X, Y, batch_size, epochs, 0, **settings)


def weights(trained: Sequential) -> np.ndarray:
    return trained.network.parameters.values_vector.copy()


def test_the_laws_hold_of_every_schedule_there_is() -> None:
    assert {type(schedule) for schedule in ALL} == set(SCHEDULES.values())


@pytest.mark.parametrize("optimizer", [SGD(0.5), Momentum(0.1), Nesterov(0.1), Adam(0.05), "adam"], ids=str)
@pytest.mark.parametrize("schedule", ALL, ids=str)
def test_calls_one_after_the_other_are_one_call(schedule: Schedule, optimizer: Any) -> None:
    whole, parts = model(schedule, optimizer, schedule_epochs=6), model(schedule, optimizer, schedule_epochs=6)
    history = fit(whole, 6)
    first, second, third = fit(parts, 3), fit(parts, 4, initial_epoch=3), fit(parts, 6, initial_epoch=4)
    assert weights(whole).tobytes() == weights(parts).tobytes()
    assert history.history["loss"] == first.history["loss"] + second.history["loss"] + third.history["loss"]
    assert history.epoch == first.epoch + second.epoch + third.epoch == list(range(6))


@pytest.mark.parametrize("schedule", GOING_ON, ids=str)
def test_a_call_without_an_initial_epoch_continues_as_well_and_numbers_its_epochs_from_0(schedule: Schedule) -> None:
    numbered, plain = model(schedule), model(schedule)
    fit(numbered, 2), fit(numbered, 5, initial_epoch=2)
    fit(plain, 2)
    assert fit(plain, 3).epoch == [0, 1, 2]
    assert weights(numbered).tobytes() == weights(plain).tobytes()


@pytest.mark.parametrize("schedule", ALL, ids=str)
def test_weights_move_in_every_later_call_or_it_is_refused(schedule: Schedule) -> None:
    trained = model(schedule)
    fit(trained, 3)
    for _ in range(3):
        before = weights(trained)
        if schedule.ends:
            with pytest.raises(ValueError, match=r"ends with epoch 3, .*Call `compile` again .*schedule_epochs=6"):
                fit(trained, 3)
            assert weights(trained).tobytes() == before.tobytes()
        else:
            fit(trained, 3)
            assert np.abs(weights(trained) - before).max() > 0


def rates(schedule: Schedule, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> list[list[float]]:
    """The learning rates of each of several calls of two epochs with batches of these sizes."""
    seen: list[list[float]] = []
    factor = Schedule.factor

    def recorded(self: Schedule, step: int, horizon: Horizon) -> float:
        seen[-1].append(factor(self, step, horizon))
        return seen[-1][-1]

    trained = model(schedule)
    monkeypatch.setattr(Schedule, "factor", recorded)
    for size in sizes:
        seen.append([])
        fit(trained, 2, batch_size=size)
        del seen[-1][0]  # asked once before the first update
    return seen


@pytest.mark.parametrize("sizes", [[2, 11, 22], [22, 2, 11], [11, 22, 2]])
def test_another_batch_size_does_not_shift_epochs(sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    # By hand: epoch e of a call begins at rate ½^⌊e / 2⌋, and halfway through it the continuous 0.7^(e + ½) is reached.
    steps = rates(StepDecay(drop=0.5, every=2), sizes, monkeypatch)
    assert [set(call) for call in steps] == [{1.0}, {0.5}, {0.25}]
    for number, (size, call) in enumerate(zip(sizes, rates(Exponential(decay=0.7), sizes, monkeypatch), strict=True)):
        epoch = 22 // size
        assert len(call) == 2 * epoch
        assert call[0] == pytest.approx(0.7 ** (2 * number), rel=1e-12)
        assert call[epoch] == pytest.approx(0.7 ** (2 * number + 1), rel=1e-12)
    warm = rates(Constant(warmup=6), sizes, monkeypatch)
    assert [call[-1] for call in warm] == pytest.approx([2 / 6, 4 / 6, 1.0], rel=1e-12)


def test_another_batch_size_leaves_the_count_of_updates_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [2, 11, 22]
    calls = rates(TimeDecay(decay=0.5), sizes, monkeypatch)
    assert list(chain.from_iterable(calls)) == pytest.approx(
        [1 / (1 + 0.5 * update) for update in range(22 + 4 + 2)], rel=1e-12
    )


def test_a_cosine_that_is_planned_ahead_ends_with_its_last_call(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = model(Cosine(), schedule_epochs=4)
    fit(trained, 2), fit(trained, 4, initial_epoch=2, batch_size=11)
    with pytest.raises(ValueError, match=r"ends with epoch 4, and this call would train from epoch 4 to 5"):
        fit(trained, 1)
    trained.compile(SGD(lr=0.5), schedule=Cosine())
    before = weights(trained)
    fit(trained, 1)
    assert np.abs(weights(trained) - before).max() > 0


def test_an_initial_epoch_says_where_an_epochs_schedule_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    # As a Keras callback that sets the rate by the epoch's number would.
    late, plain = model(StepDecay(drop=0.5, every=1)), model(optimizer=SGD(lr=0.5 * 0.5**3))
    assert fit(late, 4, initial_epoch=3).epoch == [3]
    fit(plain, 1)
    assert weights(late).tobytes() == weights(plain).tobytes()


@pytest.mark.parametrize("epoch", [1, 10, 11])
def test_an_initial_epoch_leaves_a_count_of_updates_alone(epoch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # As Keras' `iterations`, which begin at 0 whatever the epochs are numbered.
    late, plain = model(TimeDecay(decay=0.1)), model(TimeDecay(decay=0.1))
    fit(late, epoch + 2, initial_epoch=epoch, batch_size=22), fit(plain, 2, batch_size=22)
    assert weights(late).tobytes() == weights(plain).tobytes()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 2, "initial_epoch": 3}, r"`epochs` is the epoch to end with.*Try epochs=5"),
        ({"epochs": 2, "initial_epoch": -1}, "`initial_epoch` must be at least 0"),
        ({"epochs": 2, "initial_epoch": 1.5}, "`initial_epoch` must be a whole number"),
    ],
)
def test_epochs_that_end_before_they_start_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit(model(), **settings)


def test_no_epochs_are_no_change() -> None:
    trained = model()
    fit(trained, 2)
    before = weights(trained)
    assert fit(trained, 2, initial_epoch=2).history == {}
    assert weights(trained).tobytes() == before.tobytes()


class Interrupting(SGD):
    """Descends until an update at which Ctrl-C comes."""

    at = 10**9

    def step(self, parameters: Any, gradients: Any, state: Any, lr: float) -> None:
        if Interrupting.at == 0:
            raise KeyboardInterrupt
        Interrupting.at -= 1
        super().step(parameters, gradients, state, lr)


@pytest.mark.parametrize("updates", [0, 7, 12])
def test_what_an_interrupted_call_has_learnt_is_kept_and_its_broken_epoch_is_restarted(
    updates: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Interrupting, "at", updates)
    broken = model(Cosine(), Interrupting(lr=0.5))
    with pytest.raises(KeyboardInterrupt):
        fit(broken, 5)
    kept = weights(broken)
    monkeypatch.setattr(Interrupting, "at", 10**9)
    done = updates // 6  # 22 rows in batches of 4
    broken.evaluate(X, Y)
    assert weights(broken).tobytes() == kept.tobytes()
    history = fit(broken, 5, initial_epoch=done)
    assert history.epoch == list(range(done, 5))
    assert np.abs(weights(broken) - kept).max() > 0
    with pytest.raises(ValueError, match="ends with epoch 5"):
        fit(broken, 1)
