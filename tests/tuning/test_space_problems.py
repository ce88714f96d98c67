"""A space that cannot be searched: what is typed, and what has to be said about it."""

from __future__ import annotations

from typing import Any

import pytest

from nnlab.tuning.search.space import read_space

ALL_FILES = "adam, momentum, nesterov, sgd, sgd_unit"
PLAIN = "is a single value, which leaves nothing to search"
BESIDE = "set it as key=value beside the space, or choice(..., ...)"
ROWS = "cannot be searched: it must be the same for all trials, which are compared on the same validation rows"


def problems_of(texts: dict[str, Any]) -> list[str]:
    space, problems = read_space(texts)
    assert (space is None) == bool(problems)
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("key", "text", "rest"),
    [
        # texts
        ("trainer.batch_size", "full", f"{PLAIN}. Nearest valid: {BESIDE}."),
        ("optimizer.lr", 0.1, f"{PLAIN}. Nearest valid: {BESIDE}."),
        ("optimizer.lr", "choice(0.1)", f"{PLAIN}. Nearest valid: {BESIDE}."),
        ("optimizer.lr", "interval(1, 1)", f"{PLAIN}. Nearest valid: {BESIDE}."),
        ("trainer.batch_size", "range(16, 32, 16)", f"{PLAIN}. Nearest valid: {BESIDE}."),
        (
            "trainer.batch_size",
            [16, 32],
            "must be a text in the sweep grammar. Nearest valid: choice(16, 32).",
        ),
        (
            "optimizer.lr",
            "choice(0.1",
            "cannot be read: no viable alternative at input 'choice(0.1'. "
            "Nearest valid: choice(16, 32), range(16, 257) or interval(0.1, 1).",
        ),
        (
            "model.activation",
            "glob(*)",
            "must name its values itself, so glob() is of no use. Nearest valid: choice(..., ...).",
        ),
        # bounds
        (
            "optimizer.lr",
            "interval(1, 0.1)",
            "must go from the smaller to the larger bound. Nearest valid: interval(0.1, 1.0).",
        ),
        (
            "trainer.batch_size",
            "range(32, 16)",
            "is empty: it must go from its start towards its stop, which is left out. Nearest valid: range(16, 32).",
        ),
        (
            "trainer.batch_size",
            "range(16, 32, 0)",
            "has a step of 0, with which it never ends. Nearest valid: range(16, 32).",
        ),
        ("optimizer.lr", "interval(0.1, inf)", "must have finite bounds, but has inf."),
        ("optimizer.lr", "interval(nan, 1)", "must have finite bounds, but has nan."),
        (
            "trainer.batch_size",
            "interval(0.5, 4.2)",
            "must have whole bounds, since the key is a whole number. Nearest valid: interval(1, 4).",
        ),
        (
            "trainer.batch_size",
            "range(1, 4, 0.5)",
            "must have whole bounds and steps, since the key is a whole number.",
        ),
        # log scales
        (
            "model.dropout",
            "tag(log, interval(0, 0.5))",
            "has a log scale, which must begin above 0, but begins at 0.0. "
            "Nearest valid: tag(log, interval(0.0005, 0.5)).",
        ),
        (
            "trainer.batch_size",
            "tag(log, range(0, 65))",
            "has a log scale, which must begin above 0, but begins at 0.0. Nearest valid: tag(log, interval(1, 64)).",
        ),
        (
            "trainer.batch_size",
            "tag(log, range(16, 65, 16))",
            "has a log scale and steps, but can have only one of them. Nearest valid: tag(log, interval(16, 64)).",
        ),
        (
            "optimizer.lr",
            "tag(lgo, interval(0.1, 1))",
            "has the tag lgo, but the only tag is log. Nearest valid: tag(log, ...).",
        ),
        (
            "optimizer.lr",
            "tag(log, choice(0.1, 1))",
            "has choices, which no tag applies to. Nearest valid: the choice(...) alone.",
        ),
        # values against the rule of the key
        (
            "model.dropout",
            "interval(0, 1)",
            "has the value 1.0, but each must be at least 0 and below 1. "
            "Nearest valid: a value below 1 in place of 1.0.",
        ),
        (
            "trainer.batch_size",
            "choice(0, 16)",
            "has the value 0, but each must be at least 1 or full. Nearest valid: 1 in place of 0.",
        ),
        ("optimizer.lr", "choice(fast, slow)", "has the value fast, but each must be a number."),
        ("optimizer.lr", "choice(1, 1.0)", "has the choice 1.0 twice."),
        (
            "optimizer.lr",
            "choice(choice(1, 2), 3)",
            "has a sweep inside a choice. Nearest valid: all values in one choice(..., ...).",
        ),
        (
            "model.activation",
            "choice(relu, tahn)",
            "has the value tahn, but each must be one of relu, sigmoid, tanh, identity. "
            "Nearest valid: tanh in place of tahn.",
        ),
        (
            "model.activation",
            "interval(0, 1)",
            "must be one of relu, sigmoid, tanh, identity. Nearest valid: choice(..., ...).",
        ),
        (
            "model.hidden",
            "choice([64], [0, 64])",
            "has the value [0,64], but each item must be at least 1, but item 0 is 0. "
            "Nearest valid: [1,64] in place of [0,64].",
        ),
        # keys
        ("optimizer.lrr", "interval(0.1, 1)", "is not a key of the configuration. Nearest valid: optimizer.lr."),
        ("learning_rate", "interval(0.1, 1)", "is not a key of the configuration. Nearest valid: optimizer.lr."),
        ("batch_size", "16,32", "is not a key of the configuration. Nearest valid: trainer.batch_size."),
        ("model.depht", "range(1, 4)", "is not a key of the configuration. Nearest valid: model.depth."),
        ("model.widht", "range(8, 65)", "is not a key of the configuration. Nearest valid: model.width."),
        ("optimzer", "choice(sgd, adam)", "is not a key of the configuration. Nearest valid: optimizer."),
        (
            "optimizer",
            "choice(sgd, adma)",
            f"has the choice adma, but each must be one of {ALL_FILES}. Nearest valid: adam in place of adma.",
        ),
        ("data", "choice(digits, toy)", f"{ROWS}. Nearest valid: set it beside the space."),
        ("data.name", "choice(digits, toy)", f"{ROWS}. Nearest valid: set it beside the space."),
        ("data.split.validation", "interval(0.1, 0.2)", f"{ROWS}. Nearest valid: set it beside the space."),
        (
            "seed",
            "range(0, 5)",
            "cannot be searched: it is the study's, and gives each trial its own. "
            "Nearest valid: sweep.seeds=3, for several seeds a trial.",
        ),
        (
            "trainer.monitor",
            "val/loss,val/accuracy",
            "cannot be searched: it follows sweep.objective. Nearest valid: sweep.objective=val/accuracy.",
        ),
        (
            "trainer.restore_best",
            "true,false",
            "cannot be searched: it follows sweep.at. Nearest valid: sweep.at=last.",
        ),
        (
            "optimizer.name",
            "sgd,adam",
            "cannot be searched: it follows the choice of its group. Nearest valid: optimizer=choice(...).",
        ),
        ("tracking.enabled", "true,false", "cannot be searched: it changes nothing that a trial is judged by."),
        ("runs_dir", "a,b", "cannot be searched: it changes nothing that a trial is judged by."),
    ],
)
def test_a_wrong_text_or_key_is_told_with_the_rule_and_the_remedy(key: str, text: Any, rest: str) -> None:
    shown = "[16,32]" if isinstance(text, list) else text
    assert problems_of({key: text}) == [f"{key}={shown}: {rest}"]


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (
            {"model.width": "8,16"},
            "model.width=8,16: needs model.depth, the number of layers that have it. "
            "Nearest valid: model.depth=range(1, 4).",
        ),
        (
            {"model.depth": "1,2", "model.width.0": "8,16"},
            "model.depth=1,2: reaches layer 1, whose width is not said. "
            "Nearest valid: model.width=choice(32, 64, 128).",
        ),
        (
            {"model.depth": "1,2", "model.width": "8,16", "model.width.2": "8,16"},
            "model.width.2=8,16: is the width of a layer that never is: model.depth ends at 2. "
            "Nearest valid: model.depth=range(1, 4).",
        ),
        (
            {"model.width.0": "8,16", "model.width.2": "8,16"},
            "model.width.2=8,16: is the width of a layer that never is: model.width.1 is missing. "
            "Nearest valid: count the layers from 0.",
        ),
        (
            {"model.depth": "1,2", "model.width": "8,16", "model.width.first": "8,16"},
            "model.width.first=8,16: must end in the number of a hidden layer, counted from 0. "
            "Nearest valid: model.width.0.",
        ),
        (
            {"model.depth": "interval(-1, 2)", "model.width": "8,16"},
            "model.depth=interval(-1, 2): has the value -1, but each must be at least 0 and at most 100. "
            "Nearest valid: 0 in place of -1.",
        ),
        (
            {"model.depth": "1,2", "model.width": "0,16"},
            "model.width=0,16: has the value 0, but each must be at least 1. Nearest valid: 1 in place of 0.",
        ),
        (
            {"model.depth": "1,2", "model.width": "8,16", "model.hidden": "choice([8],[16])"},
            "model.hidden=choice([8],[16]): cannot be searched beside model.depth and model.width, which say the same. "
            "Nearest valid: leave model.hidden out.",
        ),
        (
            {"optimizer": "sgd,adam", "optimizer.momentum": "interval(0, 0.9)"},
            "optimizer.momentum=interval(0, 0.9): is no key of optimizer=sgd or adam. "
            "Nearest valid: optimizer=momentum or nesterov as a choice.",
        ),
        (
            {},
            "sweep.space: is empty: there is nothing to search. "
            "Nearest valid: 'optimizer.lr=tag(log, interval(1e-3, 1))', or a preset such as sweep=mlp.",
        ),
    ],
)
def test_keys_that_do_not_fit_each_other_are_told(texts: dict[str, str], problem: str) -> None:
    assert problems_of(texts) == [problem]


def test_every_problem_is_told_at_once() -> None:
    texts = {"seed": "1,2", "optimizer.lr": "interval(1, 0.1)", "model": {"depth": "1,2", "widht": "8,16"}}
    assert [problem.partition("=")[0] for problem in problems_of(texts)] == [
        "model.depth",
        "seed",
        "optimizer.lr",
        "model.widht",
    ]
