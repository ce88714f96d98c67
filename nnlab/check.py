"""The rules of settings: what a value may be, in objects made in Python and in configs before a run.

A setting is a dataclass field. Its annotation is the whole rule::

    lr: Annotated[float, Range(gt=0)] = 0.1
    activation: Annotated[str, OneOf(ACTIVATIONS)] = "relu"
    strategy: Literal["tail", "random"] = "tail"

`Checked` raises on a broken rule when an object is made; `problem_with` returns it, so that a config can
collect every problem before it reports them together.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import re
import sys
import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from nnlab.plain import plain, shown

TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text", dict: "a group of keys"}


@dataclasses.dataclass(frozen=True)
class Range:
    """The numbers from a lower to an upper bound, each bound open (`gt`, `lt`) or closed (`ge`, `le`)."""

    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None

    def __contains__(self, value: float) -> bool:
        return (isinstance(value, int) or math.isfinite(value)) and not self.nearest(value)

    def __str__(self) -> str:
        signs = {"above": self.gt, "at least": self.ge, "below": self.lt, "at most": self.le}
        return " and ".join(f"{sign} {bound:g}" for sign, bound in signs.items() if bound is not None)

    def nearest(self, value: float) -> str:
        """The bound that `value` is beyond, in words: the nearest valid choice."""
        if self.gt is not None and not value > self.gt:
            return f"a value above {self.gt:g}"
        if self.ge is not None and not value >= self.ge:
            return f"{self.ge:g}"
        if self.lt is not None and not value < self.lt:
            return f"a value below {self.lt:g}"
        if self.le is not None and not value <= self.le:
            return f"{self.le:g}"
        return ""


@dataclasses.dataclass(frozen=True)
class Matches:
    """Text that matches a pattern.

    Args:
        pattern: a regular expression, which the whole text has to match.
        meaning: the pattern in words.
    """

    pattern: str
    meaning: str

    def __contains__(self, value: str) -> bool:
        return re.fullmatch(self.pattern, value) is not None

    def __str__(self) -> str:
        return self.meaning


NOT_EMPTY = Matches(r"(?s).*\S.*", "non-empty text")


@dataclasses.dataclass(frozen=True, eq=False)  # hashed by identity: a table has no hash
class OneOf:
    """A name in a table, which is the only list of its names.

    The table is read whenever a value is checked: a name that is added to it later is valid from then on.

    Args:
        table: name -> what it stands for.
        but: names of the table that are not valid here.
    """

    table: Mapping[str, object]
    but: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The valid names, in the order of the table."""
        return [name for name in self.table if name not in self.but]


@dataclasses.dataclass(frozen=True)
class Problem:
    """A broken rule, and the nearest valid choice (empty if none is nearer than the others)."""

    rule: str
    nearest: str = ""


def closest(word: str, choices: Iterable[str]) -> str:
    """The choice spelled most like `word`; empty if none is similar."""
    found = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.55)
    return found[0] if found else ""


def choice_problem(choices: Iterable[str | int], value: Any) -> Problem | None:
    """The problem with a value that is not among the choices; None if it is."""
    choices = list(choices)
    if isinstance(value, str | int) and value in choices:
        return None
    names = [str(choice) for choice in choices]
    rule = f"must be one of {', '.join(names)}" if len(names) > 1 else f"must be {names[0]}"
    return Problem(rule, closest(str(value), names))


def problem_with(annotation: Any, value: Any) -> Problem | None:
    """Check `value` against the annotation of its field.

    NumPy's numbers are numbers. Understands `bool`, `int`, `float` (a whole number counts), `str`, `Literal`,
    `tuple[T, ...]` (a list counts), `X | Y`, `Annotated[T, Range(...)]`, and `Annotated[str, ...]` with `OneOf(...)`,
    `NOT_EMPTY` or `Matches(...)`.

    Returns:
        None if the value is valid, else the problem.
    """
    value = plain(value)
    origin = get_origin(annotation)
    if origin is Annotated:
        base, *extras = get_args(annotation)
        if isinstance(extras[0], OneOf):
            return choice_problem(extras[0].names, value)
        problem = problem_with(base, value)
        if problem is None:
            return _constraint_problem(extras, value)
        if base in (int, float) and problem.nearest and _constraint_problem(extras, base(problem.nearest)):
            return Problem(problem.rule)
        return problem
    if origin is Literal:
        return choice_problem(get_args(annotation), value)
    if origin in (Union, types.UnionType):
        problems = [problem_with(option, value) for option in get_args(annotation)]
        if None in problems:
            return None
        described = [problem for problem in problems if problem is not None]
        rules = " or ".join(problem.rule.removeprefix("must be ") for problem in described)
        return Problem(f"must be {rules}", next((p.nearest for p in described if p.nearest), ""))
    if origin is tuple:
        return _list_problem(get_args(annotation)[0], value)
    if annotation is type(None):
        return None if value is None else Problem("must be null")
    accepted = int | float if annotation is float else annotation
    if not isinstance(value, accepted) or (isinstance(value, bool) and annotation is not bool):
        return Problem(f"must be {TYPE_NAMES.get(annotation, annotation.__name__)}", _converted(annotation, value))
    if annotation is float and not abs(value) <= sys.float_info.max:
        return Problem("must be a finite number")
    return None


def _constraint_problem(extras: list[Any], value: Any) -> Problem | None:
    for extra in extras:
        if isinstance(extra, Range | Matches) and value not in extra:
            return Problem(f"must be {extra}", extra.nearest(value) if isinstance(extra, Range) else "")
    return None


def _list_problem(item: Any, value: Any) -> Problem | None:
    if not isinstance(value, list | tuple):
        return Problem("must be a list", f"[{value}]")
    for index, element in enumerate(value):
        problem = problem_with(item, element)
        if problem is not None:
            mended = [*map(str, value[:index]), problem.nearest, *map(str, value[index + 1 :])]
            nearest = f"[{','.join(mended)}]" if problem.nearest and " " not in problem.nearest else ""
            return Problem(f"each item {problem.rule}, but item {index} is {element!r}", nearest)
    return None


def _converted(annotation: Any, value: Any) -> str:
    """The value in the type that it should have, where that is clear (3 for "3", 2 for 2.0)."""
    if isinstance(value, bool) or annotation not in (int, float) or not isinstance(value, str | int | float):
        return ""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return ""
    if annotation is int:
        return str(int(number)) if number.is_integer() else ""
    return str(number) if math.isfinite(number) else ""


@functools.cache  # a study asks with each trial, and Python takes milliseconds
def field_rules(cls: Any) -> Mapping[str, Any]:
    """The annotation of each field of a dataclass by name, in order of declaration."""
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}


def checked(name: str, annotation: Any, value: Any, example: str = "") -> Any:
    """An argument as Python's own number, boolean or string, if it is valid.

    Args:
        name: of the argument.
        annotation: its rule, see `problem_with`.
        value: what was given.
        example: what to suggest where no valid value is nearer than the others.

    Raises:
        ValueError: with the rule, the value, and what to give instead.
    """
    problem = problem_with(annotation, value)
    if problem is not None:
        remedy = problem.nearest or example
        raise ValueError(f"`{name}` {problem.rule}, but got {shown(value)}." + (f" Try {remedy}." if remedy else ""))
    return plain(value)


class Checked:
    """Base class of settings, which are frozen dataclasses: an invalid value raises as the object is made.

    NumPy's numbers are accepted, and stored as Python's own.

    Raises:
        TypeError: if a setting is unknown.
        ValueError: with the class, the field, the value and the rule.
    """

    def __new__(cls, *_: Any, **settings: Any) -> Self:
        """Refuse settings that the class does not have; the message lists those that it has."""
        known = [field.name for field in dataclasses.fields(cls) if field.init] if settings else []  # type: ignore[arg-type]
        if unknown := [name for name in settings if name not in known]:
            has = f"has {', '.join(known)}" if known else "has no settings"
            raise TypeError(f"`{cls.__name__}` has no setting `{unknown[0]}`. It {has}.")
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for name, annotation in field_rules(type(self)).items():  # type: ignore[arg-type]
            value = getattr(self, name)
            if (problem := problem_with(annotation, value)) is not None:
                hint = f" Try {problem.nearest}." if problem.nearest else ""
                raise ValueError(f"`{type(self).__name__}({name}={shown(value)})`: `{name}` {problem.rule}.{hint}")
            object.__setattr__(self, name, plain(value))
