"""A space that cannot be searched: what is typed, and what has to be said about it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from expected_problems import ExpectedProblem, says

from nnlab.config.problems import ConfigProblem
from nnlab.tuning.search.space import read_space

BESIDE = "set it as key=value outside the space, or use choice(..., ...)"


def problems_of(texts: dict[str, Any]) -> list[ConfigProblem]:
    space, problems = read_space(texts)
    assert (space is None) == bool(problems)
    return problems


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        # texts
        ("trainer.batch_size", "full", says("", BESIDE, "single value")),
        ("optimizer.lr", 0.1, says("", BESIDE, "single value")),
        ("optimizer.lr", "choice(0.1)", says("", BESIDE, "single value")),
        ("optimizer.lr", "interval(1, 1)", says("", BESIDE, "single value")),
        ("trainer.batch_size", "range(16, 32, 16)", says("", BESIDE, "single value")),
        (
            "trainer.batch_size",
            [16, 32],
            says("", "choice(16, 32)", "text"),
        ),
        (
            "optimizer.lr",
            "choice(0.1",
            says("", "choice(16, 32), range(16, 257) or interval(0.1, 1)", "0.1"),
        ),
        (
            "model.activation",
            "glob(*)",
            says("", "choice(..., ...)", "glob()"),
        ),
        # bounds
        (
            "optimizer.lr",
            "interval(1, 0.1)",
            says("", "interval(0.1, 1.0)"),
        ),
        (
            "trainer.batch_size",
            "range(32, 16)",
            says("", "range(16, 32)", "empty"),
        ),
        (
            "trainer.batch_size",
            "range(16, 32, 0)",
            says("", "range(16, 32)", "0"),
        ),
        ("optimizer.lr", "interval(0.1, inf)", says("", "", "finite", "inf")),
        ("optimizer.lr", "interval(nan, 1)", says("", "", "finite", "nan")),
        (
            "trainer.batch_size",
            "interval(0.5, 4.2)",
            says("", "interval(1, 4)", "whole numbers"),
        ),
        (
            "trainer.batch_size",
            "range(1, 4, 0.5)",
            says("", "", "whole numbers", "step"),
        ),
        # log scales
        (
            "model.dropout",
            "tag(log, interval(0, 0.5))",
            says("", "tag(log, interval(0.0005, 0.5))", "0", "0.0"),
        ),
        (
            "trainer.batch_size",
            "tag(log, range(0, 65))",
            says("", "tag(log, interval(1, 64))", "0", "0.0"),
        ),
        (
            "trainer.batch_size",
            "tag(log, range(16, 65, 16))",
            says("", "tag(log, interval(16, 64))", "log", "step"),
        ),
        (
            "optimizer.lr",
            "tag(lgo, interval(0.1, 1))",
            says("", "tag(log, ...)", "lgo"),
        ),
        (
            "optimizer.lr",
            "tag(log, choice(0.1, 1))",
            says("", "the choice(...) alone"),
        ),
        # values against the rule of the key
        (
            "model.dropout",
            "interval(0, 1)",
            says("", "a value below 1 instead of 1.0", "1.0", "0", "1"),
        ),
        (
            "trainer.batch_size",
            "choice(0, 16)",
            says("", "1 instead of 0", "0", "1"),
        ),
        ("optimizer.lr", "choice(fast, slow)", says("", "", "fast", "a number")),
        ("optimizer.lr", "choice(1, 1.0)", says("", "", "1.0")),
        (
            "optimizer.lr",
            "choice(choice(1, 2), 3)",
            says("", "all values in one choice(..., ...)"),
        ),
        (
            "model.activation",
            "choice(relu, tahn)",
            says("", "tanh instead of tahn", "identity, sigmoid, tanh, relu"),
        ),
        (
            "model.activation",
            "interval(0, 1)",
            says("", "choice(..., ...)", "identity, sigmoid, tanh, relu"),
        ),
        (
            "model.hidden",
            "choice([64], [0, 64])",
            says("", "[1,64] instead of [0,64]", "[0", "64]", "1", "0"),
        ),
        # keys
        ("optimizer.lrr", "interval(0.1, 1)", says("", "optimizer.lr")),
        ("learning_rate", "interval(0.1, 1)", says("", "optimizer.lr")),
        ("batch_size", "16,32", says("", "trainer.batch_size")),
        ("model.depht", "range(1, 4)", says("", "model.depth")),
        ("model.widht", "range(8, 65)", says("", "model.width")),
        ("optimzer", "choice(sgd, adam)", says("", "optimizer")),
        (
            "optimizer",
            "choice(sgd, adma)",
            says("", "adam instead of adma", "adam, momentum, nesterov, sgd, sgd_unit"),
        ),
        ("data", "choice(digits, toy)", says("", "set it outside the space", "same validation rows")),
        ("data.name", "choice(digits, toy)", says("", "set it outside the space", "same validation rows")),
        (
            "data.split.validation",
            "interval(0.1, 0.2)",
            says("", "set it outside the space", "same validation rows"),
        ),
        (
            "seed",
            "range(0, 5)",
            says("", "sweep.seeds=3, for several seeds per trial"),
        ),
        (
            "trainer.monitor",
            "val/loss,val/accuracy",
            says("", "sweep.objective=val/accuracy", "sweep.objective"),
        ),
        (
            "trainer.restore_best",
            "true,false",
            says("", "sweep.at=last", "sweep.at"),
        ),
        (
            "optimizer.name",
            "sgd,adam",
            says("", "optimizer=choice(...)"),
        ),
        ("tracking.enabled", "true,false", says("", "", "score")),
        ("runs_dir", "a,b", says("", "", "score")),
    ],
)
def test_a_wrong_text_or_key_gets_the_rule_and_the_remedy(key: str, text: Any, problem: ExpectedProblem) -> None:
    shown = "[16,32]" if isinstance(text, list) else text
    assert problems_of({key: text}) == [dataclasses.replace(problem, what=f"{key}={shown}")]


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (
            {"model.width": "8,16"},
            says("model.width=8,16", "model.depth=range(1, 4)", "model.depth"),
        ),
        (
            {"model.depth": "1,2", "model.width.0": "8,16"},
            says("model.depth=1,2", "model.width=choice(32, 64, 128)", "1"),
        ),
        (
            {"model.depth": "1,2", "model.width": "8,16", "model.width.2": "8,16"},
            says("model.width.2=8,16", "model.depth=range(1, 4)", "model.depth", "2"),
        ),
        (
            {"model.width.0": "8,16", "model.width.2": "8,16"},
            says("model.width.2=8,16", "count the layers from 0", "model.width.1"),
        ),
        (
            {"model.depth": "1,2", "model.width": "8,16", "model.width.first": "8,16"},
            says("model.width.first=8,16", "model.width.0", "0"),
        ),
        (
            {"model.depth": "interval(-1, 2)", "model.width": "8,16"},
            says("model.depth=interval(-1, 2)", "0 instead of -1", "-1", "0", "100"),
        ),
        (
            {"model.depth": "1,2", "model.width": "0,16"},
            says("model.width=0,16", "1 instead of 0", "0", "1"),
        ),
        (
            {"model.depth": "1,2", "model.width": "8,16", "model.hidden": "choice([8],[16])"},
            says("model.hidden=choice([8],[16])", "leave model.hidden out", "model.depth", "model.width"),
        ),
        (
            {"optimizer": "sgd,adam", "optimizer.momentum": "interval(0, 0.9)"},
            says("optimizer.momentum=interval(0, 0.9)", "optimizer=momentum or nesterov as a choice", "optimizer=sgd"),
        ),
        (
            {},
            says("sweep.space", "'optimizer.lr=tag(log, interval(1e-3, 1))', or a preset such as sweep=mlp"),
        ),
    ],
)
def test_keys_that_do_not_fit_each_other_are_reported(texts: dict[str, str], problem: ExpectedProblem) -> None:
    assert problems_of(texts) == [problem]


def test_every_problem_is_reported_at_once() -> None:
    texts = {"seed": "1,2", "optimizer.lr": "interval(1, 0.1)", "model": {"depth": "1,2", "widht": "8,16"}}
    assert [problem.key for problem in problems_of(texts)] == [
        "model.depth",
        "seed",
        "optimizer.lr",
        "model.widht",
    ]
