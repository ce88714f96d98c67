"""`range(...)` means one thing: decimals worked out here, the runs of `-m`, and what a sweep searches."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlab.config.multirun import each_job
from nnlab.config.overrides import parsed
from nnlab.config.problems import ConfigProblem
from nnlab.tuning.search.space import read_space


def of_multirun(key: str, text: str) -> list[Any]:
    """The values of the jobs of `-m`, as Hydra's parser reads them back."""
    problems: list[ConfigProblem] = []
    jobs = list(each_job(parsed([f"{key}={text}"]), problems))
    assert problems == []
    return [job[0].value() for job in jobs]


def of_a_sweep(key: str, text: str) -> list[Any]:
    space, problems = read_space({key: text})
    assert problems == []
    assert space is not None
    (dimension,) = space.dimensions
    return [dimension.value(index) for index in range(dimension.count or 0)]


@pytest.mark.parametrize(
    ("key", "text", "values"),
    [
        ("optimizer.lr", "range(0.1,0.8,0.1)", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        ("optimizer.lr", "range(0.1, 0.4, 0.1)", [0.1, 0.2, 0.3]),
        ("optimizer.lr", "range(1e-3,5e-3,1e-3)", [0.001, 0.002, 0.003, 0.004]),
        ("optimizer.lr", "range(1,2,0.3)", [1.0, 1.3, 1.6, 1.9]),
        ("optimizer.lr", "range(1,4)", [1, 2, 3]),
        ("optimizer.lr", "range(1.0,4)", [1.0, 2.0, 3.0]),
        ("optimizer.lr", "range(start=0.5,stop=2.5)", [0.5, 1.5]),
        ("optimizer.lr", "tag(log, range(1,4))", [1, 2, 3]),
        ("optimizer.lr", "float(range(1,4))", [1.0, 2.0, 3.0]),
        ("trainer.epochs", "range(2,10,3)", [2, 5, 8]),
        ("trainer.epochs", "range(1.0,4.0)", [1, 2, 3]),
        ("trainer.epochs", "int(range(1.5,4.5))", [1, 2, 3]),
    ],
)
def test_both_have_the_values_that_were_worked_out(key: str, text: str, values: list[Any]) -> None:
    for found in (of_multirun(key, text), of_a_sweep(key, text)):
        assert found == values
        assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("range(0.4,0.1,-0.1)", [0.4, 0.3, 0.2]),
        ("range(3,0,-1)", [3, 2, 1]),
        ("sort(range(0.4,0.1,-0.1))", [0.2, 0.3, 0.4]),
        ("sort(range(1,10,4),reverse=true)", [9, 5, 1]),  # plain Hydra: 6, 2
        ("sort(range(0.1,0.8,0.3),reverse=true)", [0.7, 0.4, 0.1]),
        ("sort(range(1,4))", [1, 2, 3]),
    ],
)
def test_a_range_that_goes_down_or_is_sorted(text: str, values: list[Any]) -> None:
    assert of_multirun("optimizer.lr", text) == values
    assert of_a_sweep("optimizer.lr", text) == sorted(values)


def test_a_shuffled_range_has_the_same_values() -> None:
    assert sorted(of_multirun("optimizer.lr", "shuffle(range(0.1,0.8,0.1))")) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert of_multirun("seed", "range(3)") == [0, 1, 2]


THOUSANDTHS = st.integers(1, 5000).map(lambda number: Decimal(number) / 1000)


@given(start=THOUSANDTHS, step=THOUSANDTHS, count=st.integers(2, 40))
@settings(max_examples=60)
def test_any_steps_are_counted_in_decimals(start: Decimal, step: Decimal, count: int) -> None:
    stop = start + (count - 1) * step + step / 2
    values = [float(start + place * step) for place in range(count)]
    text = f"range({float(start)!r},{float(stop)!r},{float(step)!r})"
    assert of_multirun("optimizer.lr", text) == values
    assert of_a_sweep("optimizer.lr", text) == values


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("range(1,0)", "is empty"),
        ("range(1,1)", "is empty"),
        ("range(0,1,-0.1)", "is empty"),
        ("range(0,1,0)", "a step of 0"),
        ("range(0.0,1.0,0.0)", "a step of 0"),
        ("range(1,inf)", "finite bounds"),
        ("range(nan,2)", "finite bounds"),
        ("range(0,1e9)", "1,000,000,000 values"),
        ("sort(range(1,0))", "is empty"),
        ("interval(0.1,0.3)", "infinitely many values"),
        ("tag(log,interval(0.1,0.3))", "infinitely many values"),
        ("glob(*)", "not a config group"),
    ],
)
def test_what_gives_no_runs_is_reported(text: str, fact: str) -> None:
    problems: list[ConfigProblem] = []
    assert [job for job in each_job(parsed([f"optimizer.lr={text}"]), problems) if job] == []
    (problem,) = problems
    assert fact in problem.rule
    assert problem.nearest or "finite" in fact


def test_too_many_combinations_are_reported_before_any_is_composed() -> None:
    problems: list[ConfigProblem] = []
    assert list(each_job(parsed(["seed=range(200)", "trainer.epochs=range(1,201)"]), problems)) == []
    assert "40,000 runs" in problems[0].rule
