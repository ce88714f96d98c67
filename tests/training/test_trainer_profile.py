"""`trainer.profile`: what is counted, and that counting changes nothing."""

from __future__ import annotations

import csv
import io
import time

import pytest
from small_data import classifier, dataset, rows

from nnlab.core.profile import COLUMNS, Profile
from nnlab.training import Trainer

POINTS = rows([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.5, 1.0]], [0, 1, 1, 0, 1])
EPOCHS, STEPS_AN_EPOCH = 3, 3


def trained(*, profile: bool) -> Trainer:
    trainer = classifier(dataset(POINTS, POINTS, POINTS), epochs=EPOCHS, batch_size=2, profile=profile)
    for _ in trainer.run():
        pass
    return trainer


def table(profile: Profile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(profile.table())))


def test_a_profile_changes_no_bit_of_the_weights() -> None:
    plain, watched = trained(profile=False), trained(profile=True)
    assert plain.profile is None
    ours, theirs = (each.objective.network.parameters.values_vector.tobytes() for each in (plain, watched))
    assert ours == theirs


def test_every_operation_is_counted_once_per_step_and_every_evaluation_once() -> None:
    profile = trained(profile=True).profile
    assert profile is not None
    lines = table(profile)
    calls = {(line["phase"], line["operation"]): int(line["calls"]) for line in lines}
    steps = EPOCHS * STEPS_AN_EPOCH
    assert calls.pop(("evaluation", "of a split")) == EPOCHS + 1, "validation after each epoch, the test once"
    # A last, smaller batch has buffers of its own, and the same operations.
    assert set(calls.values()) == {steps}
    assert {("batch", "gather and scale"), ("update", "SGD"), ("report", "penalty")} <= set(calls)
    for phase in ("forward", "backward"):
        operations = [operation for of, operation in calls if of == phase]
        assert sorted(operation.split()[0] for operation in operations) == [
            "CrossEntropyWithSoftmax", "Linear", "Linear", "ReLU",
        ]  # fmt: skip
    assert any("dense_1.weight" in operation for _, operation in calls)


def test_seconds_are_those_that_a_call_took(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 2.0, 10.0, 11.0, 20.0, 21.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(moments))
    profile = Profile()
    square = profile.timed("forward", "square", lambda x: x * x)
    cube = profile.timed("forward", "cube", lambda x: x**3)
    profile.timed("forward", "never called", abs)
    assert (square(3), square(4), cube(2)) == (9, 16, 8)
    first, second = table(profile)
    assert tuple(first) == COLUMNS
    assert list(first.values()) == ["forward", "square", "2", "3.000000", "0.7500", "1500000.00"]
    assert list(second.values()) == ["forward", "cube", "1", "1.000000", "0.2500", "1000000.00"]


def test_the_shares_add_up() -> None:
    profile = trained(profile=True).profile
    assert profile is not None
    assert sum(float(line["share"]) for line in table(profile)) == pytest.approx(1.0, abs=1e-3)
