"""Constraints: what Python's own evaluation says of them, and what is no constraint."""

from __future__ import annotations

import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlab.tuning.search.constraint import DEEPEST, LONGEST, Constraint, ConstraintError

VALUES: dict[str, Any] = {
    "parameters": 650,
    "multiplications": 640,
    "optimizer": "adam",
    "optimizer.lr": 0.5,
    "model.width.0": 16,
    "regularizer.lambda": 3,
    "trainer.patience": None,
    "zero": 0,
}


def holds(text: str) -> bool:
    return Constraint.of(text).holds(VALUES.get)


@pytest.mark.parametrize(
    ("text", "is_true"),
    [
        ("parameters < 50000", True),
        ("parameters<650", False),
        ("0 < model.width.0 <= 16", True),
        ("0 < model.width.0 <= 15", False),
        ("16 < model.width.0 <= 20", False),
        ("20 > model.width.0 > 10 > zero", True),
        ("20 > model.width.0 > 10 > 10", False),
        ("0 < model.width.0 <= 15 or optimizer.lr * 2 == 1", True),
        ("optimizer == 'adam' and not optimizer.lr > 0.1", False),
        ('optimizer != "adam" or optimizer.lr <= 0.5', True),
        ("parameters // 100 % 4 == 2", True),
        ("2 ** 3 ** 2 == 512", True),
        ("-parameters + +multiplications == -10", True),
        ("parameters > 6.5e+2 - 1", True),
        ("parameters > 1_000", False),
        ("regularizer.lambda > 2", True),
        ("\n parameters\n< 5e4 ", True),
    ],
)
def test_it_means_what_it_means_in_python(text: str, is_true: bool) -> None:
    assert holds(text) is is_true


@pytest.mark.parametrize("text", ["trainer.patience > 3", "not trainer.patience > 3", "trainer.patience * 2 < 1"])
def test_a_comparison_with_a_value_that_a_trial_lacks_says_nothing_of_it(text: str) -> None:
    assert holds(text)
    assert holds(f"{text} or parameters < 1")
    assert not holds(f"{text} and parameters < 1")


@pytest.mark.parametrize(
    "text", ["1 / zero > 0", "1 / zero < 0", "(-1) ** 0.5 < 3", "10 ** 10 ** 10 > 3", "5 % zero < 1"]
)
def test_what_cannot_be_computed_does_not_hold(text: str) -> None:
    assert not holds(text)


COMPARED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}


@given(a=st.integers(-50, 50), b=st.integers(-50, 50), c=st.integers(1, 50), sign=st.sampled_from([*COMPARED]))
def test_arithmetic_is_that_of_floats(a: int, b: int, c: int, sign: str) -> None:
    expected = COMPARED[sign]((float(a) - b) * 3 / c, float(b) // c)
    found = Constraint.of(f"(a - b) * 3 / c {sign} b // c").holds({"a": a, "b": b, "c": c}.get)
    assert found is expected


def test_it_says_which_names_it_is_about() -> None:
    constraint = Constraint.of(
        "optimizer == 'adam' or model.activation == model.output or optimizer.lr + 1 < parameters"
    )
    assert constraint.names == {"optimizer", "model.activation", "model.output", "optimizer.lr", "parameters"}
    assert constraint.texts == {"optimizer"}
    assert constraint.numbers == {"optimizer.lr", "parameters"}


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "3", "'x'", "parameters", "parameters <", "a < 3)", "a < 3 # b", "a, b", "[a] < 3", "{} == a"),
        *("__import__('os').system('x') == 0", "a.b(3) < 2", "a[0] < 3", "lambda: 3", "(x := 3) < 4", "a if b else c"),
        *("a in 3", "a is 3", "f'{a}' == 'x'", "b'x' == a", "1j < a", "a @ b < 3", "~a < 3", "a << 2 < 3", "... < a"),
        *("optimizer < 'adam'", "'a' == 'b'", "a + 'b' == 'c'", "ü < 3", "a≤3", "9" * 400 + " > a", "1e999 > a"),
        *(
            "(" * 300 + "1" + ")" * 300 + " < 3",
            "-" * (DEEPEST + 9) + "1 < 3",
            "not " * 150 + "a < 3",
            "a<3" + " " * LONGEST,
        ),
        *("a < 3; b", "a < 3\x00", "yield a", "await a < 3", "*a < 3", "print(a) < 3"),
    ],
)
def test_anything_else_is_refused_with_an_example_that_is_none(text: str) -> None:
    with pytest.raises(ConstraintError) as caught:
        Constraint.of(text)
    assert Constraint.of(caught.value.nearest)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("parameters = 650", "parameters == 650"),
        ("parameters => 650", "parameters >= 650"),
        ("parameters =< 6 || zero <> 1", "parameters <= 6 or zero != 1"),
        ("parameters > 6 && zero = 0", "parameters > 6 and zero == 0"),
    ],
)
def test_what_other_languages_write_is_mended(text: str, meant: str) -> None:
    with pytest.raises(ConstraintError) as caught:
        Constraint.of(text)
    assert caught.value.nearest == meant
