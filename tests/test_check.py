"""What a setting may be: annotations against values, and the problem with each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pytest

from nnlab.check import NOT_EMPTY, Checked, Matches, OneOf, Problem, Range, closest, field_rules, problem_with

Fraction = Annotated[float, Range(ge=0, lt=1)]
Positive = Annotated[float, Range(gt=0)]
Count = Annotated[int, Range(ge=1)]
Batch = Count | Literal["full"]
Hex = Annotated[str, Matches(r"[0-9a-f]+", "hexadecimal digits")]
Strategy = Literal["tail", "random", "stratified"]
ROOMS: dict[str, object] = {"kitchen": 1, "cellar": None, "attic": 3}
Room = Annotated[str, OneOf(ROOMS)]
DryRoom = Annotated[str, OneOf(ROOMS, but=("cellar",))]


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (bool, True),
        (bool, False),
        (int, 3),
        (int, -3),
        (float, 0.5),
        (float, 3),
        (str, ""),
        (Strategy, "tail"),
        (Room, "cellar"),
        (DryRoom, "attic"),
        (Room | None, None),
        (Room, np.str_("attic")),
        (tuple[Room, ...], ["attic", "kitchen"]),
        (Annotated[str, NOT_EMPTY], " x "),
        (Fraction, 0),
        (Fraction, 0.999),
        (Positive, 1e-300),
        (Count, 1),
        (Batch, 50),
        (Batch, "full"),
        (float | None, None),
        (float | None, 2.5),
        (Count | None, None),
        (tuple[int, ...], (300, 50)),
        (tuple[int, ...], [300, 50]),
        (tuple[int, ...], []),
        (tuple[Count, ...], [1]),
        (Annotated[float, "a note that is no range"], -1.0),
        (Hex, "c0ffee"),
        (bool, np.bool_(False)),
        (int, np.uint8(3)),
        (float, np.float32(0.5)),
        (float, np.longdouble(0.5)),
        (Batch, np.str_("full")),
        (tuple[Count, ...], [np.int64(3), 4]),
        (Count, 10**400),
    ],
)
def test_a_valid_value_has_no_problem(annotation: Any, value: Any) -> None:
    assert problem_with(annotation, value) is None


@pytest.mark.parametrize(
    ("annotation", "value", "rule", "nearest"),
    [
        # kinds
        (bool, 1, "must be true or false", ""),
        (bool, "yes", "must be true or false", ""),
        (int, True, "must be a whole number", ""),
        (int, 2.0, "must be a whole number", "2"),
        (int, "3", "must be a whole number", "3"),
        (int, 2.5, "must be a whole number", ""),
        (int, None, "must be a whole number", ""),
        (int, math.inf, "must be a whole number", ""),
        (float, "0.1", "must be a number", "0.1"),
        (float, "fast", "must be a number", ""),
        (float, "nan", "must be a number", ""),
        (float, "inf", "must be a number", ""),
        (float, True, "must be a number", ""),
        (float, None, "must be a number", ""),
        (float, math.nan, "must be a finite number", ""),
        (float, -math.inf, "must be a finite number", ""),
        (str, 3, "must be text", ""),
        # patterns, which the whole text has to fit
        (Hex, "c0ffee!", "must be hexadecimal digits", ""),
        (Hex, "c0\n", "must be hexadecimal digits", ""),
        (Hex, 10, "must be text", ""),
        (Hex | None, "", "must be hexadecimal digits or null", ""),
        # ranges
        (Fraction, 1.0, "must be at least 0 and below 1", "a value below 1"),
        (Fraction, -0.5, "must be at least 0 and below 1", "0"),
        (Positive, 0, "must be above 0", "a value above 0"),
        (Positive, math.nan, "must be a finite number", ""),
        (Count, 0, "must be at least 1", "1"),
        (Count, 1.0, "must be a whole number", "1"),
        (Annotated[float, Range(gt=0, le=1)], 3.0, "must be above 0 and at most 1", "1"),
        (Positive, "-1", "must be a number", ""),
        # choices
        (Strategy, "tale", "must be one of tail, random, stratified", "tail"),
        (Strategy, "stratifed", "must be one of tail, random, stratified", "stratified"),
        (Strategy, "xyz", "must be one of tail, random, stratified", ""),
        (Strategy, 7, "must be one of tail, random, stratified", ""),
        (Strategy, ["tail"], "must be one of tail, random, stratified", "tail"),
        # names in a table
        (Room, "atic", "must be one of kitchen, cellar, attic", "attic"),
        (Room, "garage", "must be one of kitchen, cellar, attic", ""),
        (Room, 1, "must be one of kitchen, cellar, attic", ""),
        (Room, None, "must be one of kitchen, cellar, attic", ""),
        (DryRoom, "cellar", "must be one of kitchen, attic", ""),
        (Room | Literal["auto"], "kitchn", "must be one of kitchen, cellar, attic or auto", "kitchen"),
        (
            tuple[Room, ...],
            ["atic"],
            "each item must be one of kitchen, cellar, attic, but item 0 is 'atic'",
            "[attic]",
        ),
        # blank text
        (Annotated[str, NOT_EMPTY], "", "must be non-empty text", ""),
        (Annotated[str, NOT_EMPTY], " \n\t", "must be non-empty text", ""),
        # one of several
        (float | None, "x", "must be a number or null", ""),
        (Batch, 0, "must be at least 1 or full", "1"),
        (Batch, "fulll", "must be a whole number or full", "full"),
        (Count | None, 0, "must be at least 1 or null", "1"),
        # NumPy's numbers, and what is none
        (int, np.float64(2.0), "must be a whole number", "2"),
        (int, np.bool_(True), "must be a whole number", ""),
        (float, np.float32("nan"), "must be a finite number", ""),
        (float, np.array(0.1), "must be a number", ""),
        (float, np.array([0.1]), "must be a number", ""),
        (Fraction, np.float64(-0.5), "must be at least 0 and below 1", "0"),
        (Strategy, np.array(["tail"]), "must be one of tail, random, stratified", "tail"),
        # lists
        (tuple[int, ...], 300, "must be a list", "[300]"),
        (tuple[int, ...], (300, "50"), "each item must be a whole number, but item 1 is '50'", "[300,50]"),
        (tuple[Count, ...], [0], "each item must be at least 1, but item 0 is 0", "[1]"),
    ],
)
def test_a_wrong_value_gets_its_rule_and_the_nearest_valid_choice(
    annotation: Any, value: Any, rule: str, nearest: str
) -> None:
    assert problem_with(annotation, value) == Problem(rule, nearest)


def test_a_name_added_to_a_table_is_valid_from_then_on() -> None:
    table: dict[str, object] = {"kitchen": 1}
    room = Annotated[str, OneOf(table)]
    assert problem_with(room, "attic") == Problem("must be kitchen")
    table["attic"] = 3
    assert problem_with(room, "attic") is None


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (Range(gt=0), "above 0"),
        (Range(ge=0, lt=1), "at least 0 and below 1"),
        (Range(gt=0, le=1), "above 0 and at most 1"),
        (Range(le=1e-5), "at most 1e-05"),
    ],
)
def test_a_range_says_its_bounds(bounds: Range, words: str) -> None:
    assert str(bounds) == words


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nothing_infinite_lies_in_a_range(value: float) -> None:
    assert value not in Range()
    assert value not in Range(ge=0)


def test_a_value_within_a_range_has_no_nearer_one() -> None:
    assert Range(ge=0, le=1).nearest(0.5) == ""


def test_a_whole_number_too_large_for_a_float_is_a_problem_not_a_crash() -> None:
    assert problem_with(Positive, 10**400) is not None


@pytest.mark.parametrize(
    ("word", "expected"), [("adma", "adam"), ("momentun", "momentum"), ("xylophone", ""), ("", "")]
)
def test_the_closest_choice_is_one_that_looks_alike_or_none(word: str, expected: str) -> None:
    assert closest(word, ["sgd", "momentum", "nesterov", "adam"]) == expected


@dataclass(frozen=True)
class Settings(Checked):
    rate: Positive
    strategy: Strategy = "tail"
    widths: tuple[Count, ...] = ()


def test_valid_settings_are_made() -> None:
    assert Settings(0.1, strategy="random", widths=(3, 4)).widths == (3, 4)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rate": 0}, r"^`Settings\(rate=0\)`: `rate` must be above 0\. Try a value above 0\.$"),
        ({"rate": "fast"}, r"^`Settings\(rate='fast'\)`: `rate` must be a number\.$"),
        ({"rate": 1, "strategy": "tali"}, r"`strategy` must be one of tail, random, stratified\. Try tail\.$"),
        ({"rate": 1, "widths": 7}, r"^`Settings\(widths=7\)`: `widths` must be a list\. Try \[7\]\.$"),
    ],
)
def test_settings_out_of_their_rules_are_refused_when_made(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings(**fields)


def test_settings_keep_the_numbers_of_numpy_as_those_of_python() -> None:
    made = Settings(np.float32(0.5), strategy=np.str_("random"), widths=[np.int64(3), np.uint8(4)])  # type: ignore[arg-type]
    assert repr(made) == "Settings(rate=0.5, strategy='random', widths=[3, 4])"


def test_a_wrong_value_is_shown_in_one_short_line() -> None:
    for value in (np.zeros((40, 30)), [list(range(1000))], "text\n" * 1000):
        with pytest.raises(ValueError, match="`rate` must be a number") as raised:
            Settings(value)  # type: ignore[arg-type]
        assert len(str(raised.value)) < 200
        assert "\n" not in str(raised.value)


def test_a_setting_that_a_class_does_not_have_is_refused_by_those_that_it_has() -> None:
    with pytest.raises(TypeError, match=r"`Settings` has no setting `speed`\. It has rate, strategy, widths\."):
        Settings(0.1, speed=3)  # type: ignore[call-arg]


def test_the_rules_of_a_class_come_in_the_order_of_its_fields() -> None:
    assert list(field_rules(Settings)) == ["rate", "strategy", "widths"]
    assert field_rules(Settings)["rate"] == Positive
