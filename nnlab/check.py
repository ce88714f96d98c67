"""One way to say what a setting may be, used by the classes here and by the config that is checked before a run.

A setting is a dataclass field. Its annotation is the whole rule::

    lr: Annotated[float, Range(gt=0)] = 0.1
    strategy: Literal["tail", "random"] = "tail"

`Checked` raises on a broken rule when an object is made; `problem_with` returns it, so that a config can
collect every problem before it reports them together.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import sys
import types
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from nnlab.plain import plain, shown

TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


@dataclasses.dataclass(frozen=True)
class Range:
    """The numbers from a lower to an upper bound, each bound open (`gt`, `lt`) or closed (`ge`, `le`)."""

    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None

    def __contains__(self, value: float) -> bool:
        return (
            (isinstance(value, int) or math.isfinite(value))
            and (self.gt is None or value > self.gt)
            and (self.ge is None or value >= self.ge)
            and (self.lt is None or value < self.lt)
            and (self.le is None or value <= self.le)
        )

    def __str__(self) -> str:
        signs = {"above": self.gt, "at least": self.ge, "below": self.lt, "at most": self.le}
        return " and ".join(f"{sign} {bound:g}" for sign, bound in signs.items() if bound is not None)

    def nearest(self, value: float) -> str:
        """The bound that `value` crossed, in words: the nearest valid choice."""
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
class NotEmpty:
    """A text of at least one character."""

    def __contains__(self, value: str) -> bool:
        return bool(value.strip())

    def __str__(self) -> str:
        return "a text that is not empty"

    def nearest(self, value: str) -> str:
        """There is none."""
        return ""


@dataclasses.dataclass(frozen=True)
class Matches:
    """A text that fits a pattern.

    Args:
        pattern: a regular expression for the whole text.
        meaning: the same in words.
    """

    pattern: str
    meaning: str

    def __contains__(self, value: str) -> bool:
        return re.fullmatch(self.pattern, value) is not None

    def __str__(self) -> str:
        return self.meaning

    def nearest(self, value: str) -> str:
        """There is none."""
        return ""


@dataclasses.dataclass(frozen=True)
class Problem:
    """A broken rule: what must hold, and the nearest valid choice (empty if none is nearer than the others)."""

    rule: str
    nearest: str = ""


def closest(word: str, choices: Iterable[str]) -> str:
    """The choice that looks most like `word`, or an empty string."""
    found = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.55)
    return found[0] if found else ""


def problem_with(annotation: Any, value: Any) -> Problem | None:
    """Hold `value` against the annotation of its field.

    NumPy's numbers are numbers. Understands `bool`, `int`, `float` (a whole number counts), `str`, `Literal`,
    `tuple[T, ...]` (a list counts), `X | Y`, `Annotated[T, Range(...)]`, `Annotated[str, NotEmpty()]` and
    `Annotated[str, Matches(...)]`.

    Returns:
        None if the value is valid, else the problem.
    """
    value = plain(value)
    origin = get_origin(annotation)
    if origin is Annotated:
        base, *extras = get_args(annotation)
        problem = problem_with(base, value)
        if problem is None:
            return _constraint_problem(extras, value)
        if base in (int, float) and problem.nearest and _constraint_problem(extras, base(problem.nearest)):
            return Problem(problem.rule)
        return problem
    if origin is Literal:
        choices = [str(choice) for choice in get_args(annotation)]
        if isinstance(value, str | int) and value in get_args(annotation):
            return None
        rule = f"must be one of {', '.join(choices)}" if len(choices) > 1 else f"must be {choices[0]}"
        return Problem(rule, closest(str(value), choices))
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
    accepted = (int, float) if annotation is float else (annotation,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and annotation is not bool):
        return Problem(f"must be {TYPE_NAMES.get(annotation, annotation.__name__)}", _converted(annotation, value))
    if annotation is float and not abs(value) <= sys.float_info.max:
        return Problem("must be a finite number")
    return None


def _constraint_problem(extras: list[Any], value: Any) -> Problem | None:
    for extra in extras:
        if isinstance(extra, Range | NotEmpty | Matches) and value not in extra:
            return Problem(f"must be {extra}", extra.nearest(value))
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
    """The value written as the type it should have, where that is plain ("3" for 3, 2.0 for 2)."""
    if isinstance(value, bool) or annotation not in (int, float) or not isinstance(value, str | int | float):
        return ""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return ""
    if annotation is int:
        return str(int(number)) if number.is_integer() else ""
    return str(number) if math.isfinite(number) else ""


def field_rules(cls: Any) -> dict[str, Any]:
    """The annotation of each field of a dataclass, by name, in the order of declaration."""
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}


def checked(name: str, annotation: Any, value: Any, example: str = "") -> Any:
    """An argument as Python's own number, truth value or text, if it keeps its rule.

    Args:
        name: of the argument.
        annotation: its rule, see `problem_with`.
        value: what was given.
        example: what to propose where no valid value is nearer than others.

    Raises:
        ValueError: with the rule, the value, and what to give instead.
    """
    problem = problem_with(annotation, value)
    if problem is not None:
        remedy = problem.nearest or example
        raise ValueError(f"`{name}` {problem.rule}, but got {shown(value)}." + (f" Try {remedy}." if remedy else ""))
    return plain(value)


class Checked:
    """Base of the frozen dataclasses of settings: making one with a value out of its rule raises.

    NumPy's numbers are taken, and kept as Python's own.

    Raises:
        TypeError: if a setting is unknown.
        ValueError: with the class, the field, the value and the rule.
    """

    def __new__(cls, *_: Any, **settings: Any) -> Self:
        """Refuse settings that the class does not have, by those that it has."""
        known = [field.name for field in dataclasses.fields(cls) if field.init] if settings else []  # type: ignore[arg-type]
        if unknown := [name for name in settings if name not in known]:
            has = f"has {', '.join(known)}" if known else "has no settings"
            raise TypeError(f"`{cls.__name__}` has no setting `{unknown[0]}`. It {has}.")
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for name, annotation in field_rules(type(self)).items():
            value = getattr(self, name)
            problem = problem_with(annotation, value)
            if problem is not None:
                hint = f" Try {problem.nearest}." if problem.nearest else ""
                raise ValueError(f"`{type(self).__name__}({name}={shown(value)})`: `{name}` {problem.rule}.{hint}")
            object.__setattr__(self, name, plain(value))
