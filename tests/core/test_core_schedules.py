"""Schedules: worked values of each."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from nnlab.core import Constant, Cosine, Exponential, StepDecay, TimeDecay
from nnlab.core.schedules import SCHEDULES, Horizon, Schedule

TEN_BY_FIVE = Horizon(steps_per_epoch=10, epochs=5)


def factors(schedule: Schedule, steps: list[int], horizon: Horizon = TEN_BY_FIVE) -> list[float]:
    return [schedule.factor(step, horizon) for step in steps]


def test_constant_is_one() -> None:
    assert factors(Constant(), [0, 1, 49, 1000]) == [1.0, 1.0, 1.0, 1.0]


def test_time_decay_is_that_of_the_published_keras_network() -> None:
    # lr_t = 0.01 / (1 + 1e-4 t), t in updates: 960 an epoch, 9,600 in ten.
    rates = [0.01 * factor for factor in factors(TimeDecay(decay=1e-4), [0, 960, 9600, 10000])]
    assert rates == pytest.approx([0.01, 0.01 / 1.096, 0.01 / 1.96, 0.005], rel=1e-15)


def test_step_decay_drops_at_the_first_update_after_every_so_many_epochs() -> None:
    assert factors(StepDecay(drop=0.5, every=2), [0, 19, 20, 39, 40]) == [1.0, 1.0, 0.5, 0.5, 0.25]


def test_exponential_shrinks_by_its_decay_each_epoch_without_jumps() -> None:
    assert factors(Exponential(decay=0.81), [0, 5, 10, 20]) == pytest.approx([1.0, 0.9, 0.81, 0.6561], rel=1e-14)


def test_cosine_starts_at_one_and_ends_at_its_floor_with_the_last_update() -> None:
    # T = 49: cos(π/3) = ½ at a third of the way is ¾; the horizon below has T = 6, so that it is an update.
    assert factors(Cosine(), [0, 49]) == pytest.approx([1.0, 0.0], abs=1e-15)
    assert factors(Cosine(floor=0.2), [0, 49]) == pytest.approx([1.0, 0.2], rel=1e-15)
    assert factors(Cosine(), [0, 2, 3, 4, 6], Horizon(7, 1)) == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.0], abs=1e-15)
    assert factors(Cosine(floor=0.2), [3], Horizon(7, 1)) == pytest.approx([0.6], rel=1e-15)


def test_cosine_stays_at_its_floor_after_the_end() -> None:
    assert factors(Cosine(floor=0.1), [50, 500]) == pytest.approx([0.1, 0.1], rel=1e-15)


def test_cosine_over_a_single_update_is_one() -> None:
    assert factors(Cosine(), [0], Horizon(1, 1)) == [1.0]


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_starts_at_one(name: str) -> None:
    assert SCHEDULES[name]().factor(0, TEN_BY_FIVE) == 1.0


@pytest.mark.parametrize("name", SCHEDULES)
def test_no_schedule_ever_rises_without_warm_up(name: str) -> None:
    path = factors(SCHEDULES[name](), list(range(50)))
    assert all(later <= earlier for earlier, later in pairwise(path))


def test_warm_up_rises_in_equal_steps_and_reaches_one_with_the_last_of_its_updates() -> None:
    assert factors(Constant(warmup=0.4), [0, 1, 2, 3, 4]) == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0], rel=1e-15)
    assert factors(Constant(warmup=2), [0, 9, 19, 20]) == pytest.approx([0.05, 0.5, 1.0, 1.0], rel=1e-15)


@pytest.mark.parametrize("name", SCHEDULES)
def test_warm_up_multiplies_any_schedule(name: str) -> None:
    with_ramp, without = SCHEDULES[name](warmup=1), SCHEDULES[name]()
    assert with_ramp.factor(4, TEN_BY_FIVE) == pytest.approx(0.5 * without.factor(4, TEN_BY_FIVE), rel=1e-15)
    assert with_ramp.factor(10, TEN_BY_FIVE) == without.factor(10, TEN_BY_FIVE)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TimeDecay(decay=-1.0), r"`TimeDecay\(decay=-1.0\)`: `decay` must be at least 0"),
        (lambda: StepDecay(every=0), r"`StepDecay\(every=0\)`: `every` must be at least 1. Try 1"),
        (lambda: StepDecay(drop=1.5), r"`drop` must be above 0 and at most 1. Try 1"),
        (lambda: Exponential(decay=0.0), r"`decay` must be above 0 and at most 1. Try a value above 0"),
        (lambda: Cosine(floor=2.0), r"`floor` must be at least 0 and at most 1. Try 1"),
        (lambda: Constant(warmup=math.nan), r"`warmup` must be a finite number"),
    ],
)
def test_settings_out_of_range_are_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()


def test_the_schedules_known_by_name_include_those_of_the_contract() -> None:
    assert set(SCHEDULES) == {"constant", "time_decay", "step", "exponential", "cosine"}
