"""The declared types of what a file holds: values are checked where they are read, and nowhere after.

What a file may hold is written as types, as a `TypedDict` or as a dataclass whose fields have rules (`nnlab.check`)::

    class Epoch(TypedDict):
        epoch: Annotated[int, Range(ge=1)]
        metrics: dict[str, float]
        comment: NotRequired[str]

`typed(Epoch, tree)` gives the tree back if it is that, and otherwise says where it is not. Nothing is converted, except
whole numbers where a number is declared: `true` is no number, "3" is none, and what JSON calls 1e400 is none either.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

from nnlab.check import Matches, OneOf, Range
from nnlab.plain import shown
from nnlab.typed_values import SINGLE, Read, WrongValueError, any_float, choice, text

DEEPEST = 32
"""How deep lists and mappings may lie in each other where any value may stand."""

PATH = Matches(r"[^\0]+", "a path")
FILLED = object()
"""`Annotated[list[T], FILLED]`: a list or mapping that is not empty."""
NOT_FINITE_TOO = object()
"""`Annotated[float, NOT_FINITE_TOO]`: also NaN and the infinities."""
OPEN = object()
"""`Annotated[Shape, OPEN]`: a mapping that may have other keys than those declared, with any plain values."""


@dataclasses.dataclass(frozen=True, eq=False)  # hashed by identity: a table has no hash
class ByName:
    """`Annotated[dict, ByName(key, table)]`: a mapping whose shape a table has, by the name (or number) at a key."""

    key: str
    table: Mapping[Any, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Fields:
    """`Annotated[dict, Fields(...)]`: a mapping with these keys, where a `TypedDict` would say too much or cannot.

    Args:
        needed: the shapes of values by key.
        others: those that may be missing.
    """

    needed: Mapping[str, Any]
    others: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class MalformedError(ValueError):
    """A file's content is not what it should be; the message says what is wrong, and continues "... is damaged: "."""


def typed(shape: Any, value: Any) -> Any:
    """The value, if it is of a declared type.

    Args:
        shape: built of `bool`, `int`, `float`, `str`, `None`, `Any`, `Literal`, `X | Y`, `list[T]`, `tuple[T, ...]`,
            `tuple[T, U]`, `dict[str, T]`, dataclasses, `TypedDict`, and `Annotated` with the rules of `nnlab.check` or
            with those above.
        value: of the types that JSON has.

    Returns:
        An object of the dataclass; tuples for lists where tuples are declared; otherwise an equal value.

    Raises:
        MalformedError: with the place, the rule and the value.
    """
    try:
        return _reader(shape)(value)
    except WrongValueError as wrong:
        place = f"`{shown(wrong.place)[1:-1]}` " if wrong.place else "it "
        raise MalformedError(f"{place}{wrong.rule}, but is {shown(wrong.value)}") from None


@functools.cache
def _reader(shape: Any) -> Read:
    """What reads values of a type: made once, since journals have many lines."""
    if shape is Any:
        return _plain
    if shape in SINGLE:
        return SINGLE[shape]
    origin, arguments = get_origin(shape), get_args(shape)
    if origin is Annotated:
        if OPEN in arguments or isinstance(arguments[1], Fields):
            shape = arguments[1] if isinstance(arguments[1], Fields) else arguments[0]
            return _fields(shape, is_open=OPEN in arguments)
        if NOT_FINITE_TOO in arguments:
            return any_float
        if isinstance(arguments[1], ByName):
            return _named(arguments[1])
        return _with_rules(_reader(arguments[0]), arguments[1:])
    if origin is Literal:
        return choice(arguments)
    if origin in (Union, types.UnionType):
        return _either([_reader(option) for option in arguments])
    if origin is list:
        return _list(_reader(arguments[0]), list)
    if origin is tuple and arguments[-1] is Ellipsis:
        return _list(_reader(arguments[0]), tuple)
    if origin is tuple:
        return _places([_reader(item) for item in arguments])
    if origin in (dict, Mapping):
        return _mapping(*map(_reader, arguments))
    return _fields(shape, is_open=False)


def _plain(value: Any, depth: int = 0) -> Any:
    """Anything that JSON has, a copy."""
    if depth > DEEPEST:
        raise WrongValueError(f"must be nested at most {DEEPEST} deep", "deeper")
    try:
        if type(value) is dict:
            for key in value:
                text(key)
            return {key: _plain(item, depth + 1) for key, item in value.items()}
        if type(value) is list:
            return [_plain(item, depth + 1) for item in value]
        if type(value) is float or (type(value) is int and abs(value) <= sys.float_info.max):  # such as a seed
            return value
        return SINGLE[type(value)](value)
    except WrongValueError as wrong:
        raise wrong if depth else WrongValueError(f"holds what {wrong.rule}", wrong.value) from None


def _with_rules(read: Read, rules: tuple[Any, ...]) -> Read:
    (first, *_) = rules
    if isinstance(first, OneOf):
        return lambda value: choice(tuple(first.names))(value)

    def checked(value: Any) -> Any:
        found = read(value)
        for rule in rules:
            if isinstance(rule, Range | Matches) and found not in rule:
                raise WrongValueError(f"must be {rule}", value)
            if rule is FILLED and not found:
                raise WrongValueError("must not be empty", value)
        return found

    return checked


def _either(options: list[Read]) -> Read:
    def either(value: Any) -> Any:
        rules = []
        for read in options:
            try:
                return read(value)
            except WrongValueError as wrong:
                if wrong.place:
                    raise
                rules.append(wrong.rule.removeprefix("must be "))
        raise WrongValueError(f"must be {' or '.join(rules)}", value)

    return either


def _list(read: Read, kind: type) -> Read:
    def items(value: Any) -> Any:
        if type(value) is not list:
            raise WrongValueError("must be a list", value)
        return kind(_inside(read, place, item) for place, item in enumerate(value))

    return items


def _places(reads: list[Read]) -> Read:
    def places(value: Any) -> Any:
        if type(value) is not list or len(value) != len(reads):
            raise WrongValueError(f"must be a list of {len(reads)}", value)
        return tuple(_inside(read, place, value[place]) for place, read in enumerate(reads))

    return places


def _mapping(read_key: Read, read: Read) -> Read:
    def mapping(value: Any) -> Any:
        if type(value) is not dict:
            raise WrongValueError("must be a mapping", value)
        return {read_key(key): _inside(read, key, item) for key, item in value.items()}

    return mapping


def _fields(shape: Any, *, is_open: bool) -> Read:
    if isinstance(shape, Fields):
        needed, hints = set(shape.needed), {**shape.needed, **shape.others}
    else:
        hints = get_type_hints(shape, include_extras=True)
        needed = {name for name, hint in hints.items() if get_origin(hint) is not NotRequired}
        hints = {name: hint if name in needed else get_args(hint)[0] for name, hint in hints.items()}
    if isinstance(shape, type) and dataclasses.is_dataclass(shape):
        needed = {f.name for f in dataclasses.fields(shape) if f.default is f.default_factory is dataclasses.MISSING}
    reads = {name: _reader(hint) for name, hint in hints.items()}
    others = _plain if is_open else None
    make: Any = shape if isinstance(shape, type) and dataclasses.is_dataclass(shape) else dict

    def fields(value: Any) -> Any:
        if type(value) is not dict:
            raise WrongValueError("must be a mapping", value)
        if missing := needed - value.keys():
            raise WrongValueError(f"must have the key {min(missing)!r}", value)
        found = {}
        for name, item in value.items():
            read = reads.get(name, others)
            if read is None:
                raise WrongValueError(f"has the key {shown(name)}, which this version of nnlab does not know", value)
            found[text(name)] = _inside(read, name, item)
        return make(**found)

    return fields


def _named(names: ByName) -> Read:
    reads = {name: _reader(shape) for name, shape in names.table.items()}

    def named(value: Any) -> Any:
        name = value.get(names.key) if type(value) is dict else None
        if type(name) not in (str, int) or name not in reads:
            raise WrongValueError(f"must have one of {', '.join(map(str, reads))} as {names.key!r}", value)
        return reads[name](value)

    return named


def _inside(read: Read, key: str | int, value: Any) -> Any:
    try:
        return read(value)
    except WrongValueError as wrong:
        raise wrong.inside(key) from None
