"""Conditions on the values of a trial, put together from functions: what a constraint is made of.

A condition holds, does not hold, or says nothing (None), where it is about a value that the trial does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Facts = Callable[[str], Any]
"""Gives the value that a name has in a trial; None where the trial has none."""
Term = Callable[[Facts], float | str | None]
Condition = Callable[[Facts], bool | None]


def all_of(parts: Sequence[Condition]) -> Condition:
    """Holds where all hold."""

    def condition(facts: Facts) -> bool | None:
        found = [part(facts) for part in parts]
        return False if False in found else None if None in found else True

    return condition


def any_of(parts: Sequence[Condition]) -> Condition:
    """Holds where one holds."""

    return opposite(all_of([opposite(part) for part in parts]))


def opposite(part: Condition) -> Condition:
    """Holds where the part does not."""

    def condition(facts: Facts) -> bool | None:
        found = part(facts)
        return None if found is None else not found

    return condition


class NoNumberError(Exception):
    """A number cannot be computed."""


def compared(compare: Callable[[Any, Any], bool], left: Term, right: Term) -> Condition:
    """Compares two values; what cannot be computed does not hold."""

    def condition(facts: Facts) -> bool | None:
        try:
            sides = left(facts), right(facts)
        except NoNumberError:
            return False
        return None if None in sides else compare(*sides)

    return condition


def computed(compute: Callable[..., Any], *parts: Term) -> Term:
    """A number computed from others."""

    def term(facts: Facts) -> float | None:
        values = [part(facts) for part in parts]
        if None in values:
            return None
        try:
            value = compute(*values)
        except (ArithmeticError, TypeError) as error:
            raise NoNumberError from error
        if not isinstance(value, float):  # a root of a negative number
            raise NoNumberError
        return value

    return term


def value_of(name: str) -> Term:
    """The value of a name; numbers are floats."""

    def term(facts: Facts) -> float | str | None:
        value = facts(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    return term


def constant(value: float | str) -> Term:
    """The same in every trial."""

    return lambda facts: value
