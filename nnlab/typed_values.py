"""Single values of a declared type, read from a file; see `nnlab.typed`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Self

from nnlab.check import TYPE_NAMES, choice_problem

Read = Callable[[Any], Any]

LARGEST_WHOLE = 2**63 - 1
"""Of the whole numbers: JSON's have no end, but few things that take a number take a longer one."""


class WrongValueError(Exception):
    """Collects the place on its way out, and becomes a MalformedError."""

    def __init__(self, rule: str, value: Any) -> None:
        self.rule, self.value, self.place = rule, value, ""

    def inside(self, key: str | int) -> Self:
        """The same, of a value at `key`."""
        self.place = f"{key}.{self.place}" if self.place else str(key)
        return self


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise WrongValueError(f"must be {TYPE_NAMES[int]}", value)
    if not -LARGEST_WHOLE <= value <= LARGEST_WHOLE:
        raise WrongValueError("must be a whole number of 64 bits", value)
    return value


def _number(value: Any) -> float:
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is int and -LARGEST_WHOLE <= value <= LARGEST_WHOLE:
        return float(value)
    raise WrongValueError("must be a finite number", value)


def any_float(value: Any) -> float:
    """A number, or NaN or an infinity."""
    return value if type(value) is float else _number(value)


def text(value: Any) -> str:
    """Text, as UTF-8 can hold it."""
    if type(value) is not str:
        raise WrongValueError(f"must be {TYPE_NAMES[str]}", value)
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise WrongValueError("must be text that UTF-8 has", value)
    return value


def _exactly(kind: type, rule: str) -> Read:
    def exact(value: Any) -> Any:
        if type(value) is not kind:
            raise WrongValueError(rule, value)
        return value

    return exact


def choice(choices: tuple[Any, ...]) -> Read:
    """One of several values."""

    def chosen(value: Any) -> Any:
        # The types too: `True == 1`.
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            problem = choice_problem(choices, None)
            raise WrongValueError(problem.rule if problem else "must be one of no choices", value)
        return value

    return chosen


_NOTHING = _exactly(type(None), "must be null")
SINGLE: Mapping[Any, Read] = {
    bool: _exactly(bool, f"must be {TYPE_NAMES[bool]}"),
    int: _whole,
    float: _number,
    str: text,
    type(None): _NOTHING,
    None: _NOTHING,
}
"""What reads a value of each type."""
