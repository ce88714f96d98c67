"""A training that is cut anywhere and goes on in a fresh trainer does what it would have done, row by row."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cutting import OPTIMIZERS, SCHEDULES, Kind, cut, straight

from nnlab.core.optimizers import Adam, Momentum
from nnlab.core.regularizers import L2
from nnlab.core.schedules import Cosine
from nnlab.training import EpochEnd, Progress, TrainerState, TrainingEnd

DECAYING = Kind(Momentum(lr=0.05), L2(0.01), Cosine(warmup=1.5), dropout=0.3)

KINDS: dict[str, Kind] = {
    **{name: Kind(optimizer, rule) for name, (optimizer, rule) in OPTIMIZERS.items()},
    **{f"{name} clipped": Kind(optimizer, rule).set(clip_norm=0.5) for name, (optimizer, rule) in OPTIMIZERS.items()},
    **{f"schedule {name}": Kind(schedule=schedule) for name, schedule in SCHEDULES.items()},
    "dropout": Kind(Adam(), dropout=0.4),
    "dropout in float64": Kind(Adam(), dropout=0.4, dtype=np.float64),
    "all at once": DECAYING,
    "patience": DECAYING.set(patience=1, epochs=30),
    "patience, last weights": DECAYING.set(patience=2, epochs=30, restore_best=False),
    "by accuracy": DECAYING.set(monitor="val/accuracy", patience=2, epochs=30),
    "last weights": DECAYING.set(restore_best=False),
    "no validation": replace(DECAYING, validation=False),
    "full batches": replace(DECAYING).set(batch_size="full", epochs=12),
    "batches of one": replace(DECAYING).set(batch_size=1, epochs=2),
    "counts": DECAYING.set(count_correct=True),
    "stopped after": DECAYING.set(stop_after=3, epochs=9),
    "profiled": DECAYING.set(profile=True),
}


@pytest.mark.parametrize("name", KINDS)
def test_cut_at_random_events_it_ends_in_the_same_bits(name: str) -> None:
    kind, chance = KINDS[name], random.Random(name)
    whole = straight(kind)
    events = len(whole.told) - 2
    for cuts in (1, 2, 3):
        at = sorted(chance.sample(range(1, events + 1), cuts))
        counts = [here - before for before, here in zip([0, *at], at, strict=False)]
        assert cut(kind, counts, chance) == whole, f"cut after the events {at} of {events}"


@pytest.mark.parametrize("name", ["all at once", "adam", "momentum with decay", "no validation", "counts"])
def test_cut_again_and_again_inside_one_epoch(name: str) -> None:
    kind, chance = KINDS[name], random.Random(name)
    whole = straight(kind)
    for epoch in range(5):  # of 12 events inside it and one at its end
        assert cut(kind, [13 * epoch + 2, 3], chance) == whole
        assert cut(kind, [13 * epoch + 1, 4, 1], chance) == whole
    assert cut(kind, [1] * 20, chance) == whole


def test_a_state_at_the_very_end_is_complete_and_so_is_one_whose_patience_has_run_out() -> None:
    for kind, stopped in ((DECAYING, False), (KINDS["patience"], True)):
        trainer = kind.make()
        for event in trainer.run():
            if isinstance(event, EpochEnd) and trainer.is_complete:
                state = trainer.state()
            if isinstance(event, TrainingEnd):
                end = event
        again = kind.make()
        again.restore(state)
        first, *_ = again.run()
        assert first == end
        assert end.stopped_early is stopped
        assert again.objective.network.parameters.values_vector.tobytes() == (
            trainer.objective.network.parameters.values_vector.tobytes()
        )


def half_way(events: int = 16) -> TrainerState:
    run = (trainer := DECAYING.make()).run()
    for _ in range(events):
        next(run)
    return trainer.state()


def test_a_state_is_a_copy() -> None:
    trainer = DECAYING.make()
    run = trainer.run()
    next(run)
    state = trainer.state()
    before = {name: array.copy() for name, array in state.arrays.items()}
    facts = str(state.facts)
    for _ in range(30):
        next(run)
    assert str(state.facts) == facts
    for name, array in before.items():
        np.testing.assert_array_equal(array, state.arrays[name])


def test_after_training_ended_there_is_no_state_to_take() -> None:
    trainer = DECAYING.make()
    list(trainer.run())
    with pytest.raises(RuntimeError, match="Training has ended"):
        trainer.state()


FACTS: dict[str, dict[str, Any]] = {
    "a negative count": {"epochs": -1},
    "a count as text": {"steps": "3"},
    "a count as a float": {"rows": 24.0},
    "true for a number": {"steps": True},
    "more steps than there are": {"steps": 13, "rows": 104},
    "rows of other batches": {"rows": 23},
    "another batch size": {"batch_size": 4, "rows": 12},
    "another length of the epoch": {"steps_per_epoch": 12},
    "another horizon": {"horizon": 9},
    "a best epoch to come": {"best_epoch": 4},
    "a loss that is no number": {"loss": float("nan")},
    "a score as a list": {"best_score": [1.0]},
    "a rate below zero": {"last_lr": -0.1},
    "something unknown": {"momentum": 0.9},
    "a stream of another kind": {"shuffle": {"bit_generator": "MT19937", "state": {}}},
    "a stream of nothing": {"dropout": {}},
    "a stream as a list": {"dropout": []},
    "a stream of texts": {
        "shuffle": {
            "bit_generator": "PCG64",
            "state": {"state": "1", "inc": "3"},
            "has_uint32": 0,
            "uinteger": 0,
        }
    },
    "a stream of too large numbers": {
        "shuffle": {
            "bit_generator": "PCG64",
            "state": {"state": 1 << 200, "inc": 3},
            "has_uint32": 0,
            "uinteger": 0,
        }
    },
}
ARRAYS: dict[str, dict[str, Any]] = {
    "none": {"weights": None},
    "an unknown one": {"weight": np.zeros(3)},
    "of another shape": {"weights": np.zeros(3, np.float32)},
    "of another dtype": {"optimizer.0.velocity": np.zeros(48)},
    "of rows": {"optimizer.0.share": np.zeros(1)},
}


def changed(state: TrainerState, facts: dict[str, Any], arrays: dict[str, Any]) -> TrainerState:
    named = {**state.arrays, **arrays}
    return TrainerState({name: array for name, array in named.items() if array is not None}, {**state.facts, **facts})


@pytest.mark.parametrize(
    ("facts", "arrays"),
    [*((facts, {}) for facts in FACTS.values()), *(({}, arrays) for arrays in ARRAYS.values())],
    ids=[*FACTS, *ARRAYS],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(
    facts: dict[str, Any], arrays: dict[str, Any]
) -> None:
    trainer, before = DECAYING.make(), half_way(events=40)
    trainer.restore(before)
    with pytest.raises(ValueError, match=r"must be|cannot be|has no setting|has the arrays"):
        trainer.restore(changed(half_way(), facts, arrays))
    assert str(trainer.state()) == str(before)


@pytest.mark.parametrize("name", ["epochs", "best_score", "shuffle"])
def test_a_fact_that_is_missing_is_told(name: str) -> None:
    state = half_way()
    facts = {key: value for key, value in state.facts.items() if key != name}
    with pytest.raises(ValueError, match=name):
        DECAYING.make().restore(TrainerState(state.arrays, facts))


@pytest.mark.parametrize("other", ["sgd", "adam", "last weights", "full batches", "dropout in float64"])
def test_a_state_of_another_training_is_refused(other: str) -> None:
    state = half_way()
    with pytest.raises(ValueError, match=r"must be|has the arrays"):
        KINDS[other].make().restore(state)


def test_an_extension_is_planned_from_the_epoch_that_begins_next() -> None:
    kind = Kind(schedule=Cosine()).set(epochs=4)
    trainer = kind.make()
    rates: dict[int, float] = {}
    for event in trainer.run():
        if isinstance(event, Progress) and (event.epoch, event.step) == (3, 5):
            trainer.extend(8)
            state = trainer.state()
        if isinstance(event, EpochEnd):
            rates[event.epoch] = event.metrics["lr"]
    assert list(rates) == list(range(1, 9))
    undisturbed = {event.epoch: event.metrics["lr"] for event in kind.make().run() if isinstance(event, EpochEnd)}
    longer = {
        event.epoch: event.metrics["lr"] for event in kind.set(epochs=8).make().run() if isinstance(event, EpochEnd)
    }
    assert rates == {epoch: (undisturbed if epoch < 4 else longer)[epoch] for epoch in range(1, 9)}

    again = kind.make()
    again.extend(8, after=3)
    again.restore(state)
    ends = [event for event in again.run() if isinstance(event, EpochEnd)]
    assert [event.epoch for event in ends] == [3, 4, 5, 6, 7, 8]
    weights = trainer.objective.network.parameters.values_vector
    assert again.objective.network.parameters.values_vector.tobytes() == weights.tobytes()


def test_an_extension_has_to_leave_something_to_train() -> None:
    trainer = DECAYING.make()
    trainer.restore(half_way(events=16))  # in epoch 2
    with pytest.raises(ValueError, match="`epochs` must be more than the 2"):
        trainer.extend(2)
    trainer.extend(3)
    assert trainer.last_epoch == 3
