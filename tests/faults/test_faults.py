"""A sample of the damage of `make faults`, one promise a test."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from faults.promise import BrokenPromiseError, NotHereError, Promise, Work
from faults.registry import areas, promises
from faults.report import report
from faults.trial import put_to_the_test, verdicts


@pytest.mark.slow
@pytest.mark.parametrize("name", promises())
def test_promise_holds(name: str) -> None:
    (verdict,) = verdicts([promises()[name]], lambda promise: promise.sample, seed=1, processes=1)
    if verdict.outcome == "not here":
        pytest.skip(verdict.figure)
    assert verdict.outcome == "held", verdict.figure


def test_every_promise_has_rounds_and_words() -> None:
    for promise in promises().values():
        assert promise.rounds >= promise.sample >= 1, promise.name
        assert promise.promise, promise.name
        assert promise.fault, promise.name


def _broken(work: Work) -> str:
    raise BrokenPromiseError("two of them differ")


def _absent(work: Work) -> str:
    raise NotHereError("no server | here")


def _mistaken(work: Work) -> str:
    raise KeyError("x")


@pytest.mark.parametrize(
    ("do", "outcome"),
    [
        (lambda work: f"{work.rounds} rounds", "held"),
        (_broken, "broken"),
        (_absent, "not here"),
        (_mistaken, "broken"),
    ],
)
def test_outcomes(do: Callable[[Work], str], outcome: str) -> None:
    promise = Promise("x", "It holds.", "It is hit.", 3, 1, do)
    verdict = put_to_the_test(promise, 3, seed=0)
    assert verdict.outcome == outcome
    page = report({"area": [promise]}, {"x": verdict}, ["a fact"])
    (row,) = [line for line in page.splitlines() if line.startswith("| `x`")]
    assert ("**" in row) == (outcome != "held")
    assert row.replace("\\|", "").count("|") == 6


def test_the_same_seed_does_the_same_damage() -> None:
    promise = Promise("x", "It holds.", "It is hit.", 1, 1, lambda work: str(work.random.random()))
    assert put_to_the_test(promise, 1, seed=5).figure == put_to_the_test(promise, 1, seed=5).figure
    assert put_to_the_test(promise, 1, seed=5).figure != put_to_the_test(promise, 1, seed=6).figure


def test_promises_stand_under_their_areas() -> None:
    assert [promise.name for area in areas().values() for promise in area] == [*promises()]
