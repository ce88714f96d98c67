from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest

from nnlab.check import OneOf, Range
from nnlab.json_text import read_json
from nnlab.typed import DEEPEST, FILLED, NOT_FINITE_TOO, OPEN, PATH, ByName, Fields, MalformedError, typed


class Inner(TypedDict):
    count: Annotated[int, Range(ge=1)]
    note: NotRequired[str]


@dataclass(frozen=True)
class Outer:
    inner: Inner
    rest: tuple[float, ...] = ()


KINDS = {"a": Fields({"kind": str}), 1: Fields({"kind": int, "more": bool})}
KIND = Annotated[dict[str, Any], ByName("kind", KINDS)]


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (int, 3),
        (float, 0.5),
        (str, "é"),
        (bool, True),
        (None, None),
        (int | None, None),
        (Literal["a", 1], 1),
        (list[int], [1, 2]),
        (dict[str, float], {"a": 0.5}),
        (Inner, {"count": 1}),
        (Inner, {"count": 1, "note": ""}),
        (KIND, {"kind": "a"}),
        (KIND, {"kind": 1, "more": False}),
        (Annotated[Inner, OPEN], {"count": 1, "other": [None, {"a": 2.5}]}),
        (Annotated[str, PATH], "a/b"),
        (Any, {"a": [1, 10**30, "x", None, True, {}]}),
    ],
)
def test_a_value_of_its_type_comes_back_as_it_is(shape: Any, value: object) -> None:
    found = typed(shape, value)
    assert found == value
    assert type(found) is type(value)


def test_numbers_become_floats_lists_tuples_and_mappings_dataclasses_where_these_are_declared() -> None:
    found = typed(Outer, {"inner": {"count": 2}, "rest": [1, 2.5]})
    assert found == Outer({"count": 2}, (1.0, 2.5))
    assert [type(number) for number in found.rest] == [float, float]
    assert typed(tuple[int, str], [1, "a"]) == (1, "a")
    assert str(typed(Annotated[float, NOT_FINITE_TOO], float("nan"))) == "nan"


@pytest.mark.parametrize(
    ("shape", "value", "fault"),
    [
        (int, True, "it must be a whole number, but is True"),
        (int, 1.0, "it must be a whole number, but is 1.0"),
        (int, 2**63, "it must be a whole number of 64 bits"),
        (float, True, "it must be a finite number, but is True"),
        (float, "1", "it must be a finite number"),
        (float, float("nan"), "it must be a finite number"),
        (float, 10**400, "it must be a finite number"),
        (str, 1, "it must be text, but is 1"),
        (str, "\ud800", "it must be text that UTF-8 has"),
        (bool, 1, "it must be true or false, but is 1"),
        (Literal["a", 1], True, "it must be one of a, 1, but is True"),
        (int | None, "x", "it must be a whole number or null, but is 'x'"),
        (list[int], {}, "it must be a list"),
        (list[int], [1, "x"], "`1` must be a whole number, but is 'x'"),
        (tuple[int, int], [1], "it must be a list of 2"),
        (dict[str, Inner], {"a": {"count": 0}}, "`a.count` must be at least 1, but is 0"),
        (Inner, [], "it must be a mapping"),
        (Inner, {}, "it must have the key 'count'"),
        (Inner, {"count": 1, "x": 2}, "it has the key 'x', which this version of nnlab does not know"),
        (Outer, {"inner": {"count": 1, "note": None}}, "`inner.note` must be text, but is None"),
        (KIND, {"kind": "b"}, "it must have one of a, 1 as 'kind'"),
        (KIND, {"kind": []}, "it must have one of a, 1 as 'kind'"),
        (KIND, {"kind": "a", "more": True}, "it has the key 'more'"),
        (Annotated[Inner, OPEN], {"count": 1, "x": {"\ud800": 1}}, "`x` holds what must be text that UTF-8 has"),
        (Annotated[list[int], FILLED], [], "it must not be empty"),
        (Annotated[str, PATH], "a\0b", "it must be a path"),
        (Annotated[str, OneOf({"a": 1, "b": 2})], "c", "it must be one of a, b, but is 'c'"),
    ],
)
def test_another_value_is_refused_with_place_rule_and_value(shape: Any, value: object, fault: str) -> None:
    with pytest.raises(MalformedError) as caught:
        typed(shape, value)
    assert str(caught.value).startswith(fault)


def test_any_value_may_be_nested_but_not_without_end() -> None:
    tree: list[Any] = []
    for _ in range(DEEPEST):
        tree = [tree]
    assert typed(Any, tree) == tree
    with pytest.raises(MalformedError, match=f"nested at most {DEEPEST} deep"):
        typed(Any, [tree])


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff", b"\xef\xbb\xbf{}", b"NaN", b"1e400", b'{"a":1,"a":1}', b"[" * 100_000, b"1" * 5000, b"{} {}"],
)
def test_what_is_no_strict_json_is_refused_as_such(data: bytes) -> None:
    with pytest.raises(MalformedError, match=r"^it is n"):
        read_json(data, Any)
