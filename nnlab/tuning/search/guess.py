"""What is tried before a sampler proposes anything: guesses, as the command line gives them and as a study has them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from nnlab.check import Range, closest
from nnlab.config.leaves import leaves
from nnlab.config.problems import ConfigProblem, as_typed
from nnlab.config.quoting import as_override
from nnlab.errors import UserError
from nnlab.tuning.search.dimension import HIDDEN, Scalar
from nnlab.tuning.search.placing import MISSING, Placed, placed, values_of
from nnlab.tuning.search.searchable import DEPTH, WIDTH, is_shape, is_width
from nnlab.tuning.search.space import Space

KEY = "sweep.first"
DEFAULT = "default"
"""The item that stands for the preset's own values."""
GIVEN = "given"
"""The source of a guess that stands on the command line with its values."""


@dataclass(frozen=True)
class Guess:
    """What one trial is to have.

    Attributes:
        trial: its number.
        source: whose guess it is: `default`, `given`, `run NAME`, or `study NAME, trial 7`.
        params: by dimension, see `Space.values`; those that are missing are drawn by the sampler.
    """

    trial: Annotated[int, Range(ge=0)]
    source: str
    params: dict[str, Any]


def check_guesses(guesses: Sequence[Guess], space: Space) -> None:
    """Check guesses that were read back.

    Raises:
        UserError: if one is not in the space.
    """
    for guess in guesses:
        point = placed(space, lambda name, guess=guess: guess.params.get(name, MISSING))  # type: ignore[misc]
        if point.moved or point.params.keys() != guess.params.keys():
            raise UserError(
                f"A study's first guesses must be in its space, but that of trial {guess.trial} is not: "
                "something other than nnlab changed study.json. Restore it."
            )


def given_guess(values: Mapping[str, Any], space: Space) -> dict[str, Scalar]:
    """The parameters that a mapping on the command line means; it has no problems (see `mapping_problems`)."""
    return _placed(_flat(values), space).params


def mapping_problems(items: Sequence[Any], space: Space) -> Iterator[ConfigProblem]:
    """What is wrong with the guesses that stand on the command line with their values; a problem for each guess."""
    for place, item in enumerate(items):
        if isinstance(item, Mapping):
            faults, right = _faults(_flat(item), space)
            if faults:
                remedy = [*items[:place], *([right] if right else []), *items[place + 1 :]]
                nearest = shlex.quote(f"{KEY}={items_text(remedy)}") if remedy else f"{KEY}={DEFAULT}"
                yield ConfigProblem(KEY, f"has {' and '.join(faults)}", items_text([item]), nearest)


def items_text(items: Sequence[Any]) -> str:
    """Guesses as they are typed."""
    return f"[{', '.join(_item_text(item) for item in items)}]"


def _item_text(item: Any) -> str:
    if not isinstance(item, Mapping):
        return as_override("", item)[1:]
    return "{" + ", ".join(f"{key}: {as_override('', value)[1:]}" for key, value in _flat(item).items()) + "}"


def _flat(item: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in leaves(dict(item))}


def _faults(given: dict[str, Any], space: Space) -> tuple[list[str], dict[str, Any]]:
    """What is wrong with a guess, and the nearest one that is right."""
    if not given:
        return ["a guess without any value"], {}
    by_name = {dimension.name: dimension for dimension in space.dimensions}
    widths = [name for name in by_name if is_width(name)]
    searched = [*by_name, *([HIDDEN, WIDTH] if widths else [])]
    faults, right = [], {key: value for key, value in given.items() if key in searched}
    for key in [key for key in given if key not in searched]:
        near = closest(key, [name for name in searched if name not in given])
        faults.append(f"{key}, which is not searched" + (f" (but {near} is)" if near else ""))
    if widths and HIDDEN in right and (others := [key for key in right if is_shape(key)]):
        faults.append(f"{HIDDEN} and {others[0]}, which mean the same")
        right = {key: value for key, value in right.items() if key not in others}
    if HIDDEN in right and not isinstance(right[HIDDEN], list | tuple):
        faults.append(f"{HIDDEN}={as_typed(right[HIDDEN])}, which must be a list")
        right[HIDDEN] = [right[HIDDEN]]
    point = _placed(right, space)
    for name, value in point.moved.items():
        if name in point.params:
            faults.append(f"{name}={as_typed(value)}, which is outside of {by_name[name]}")
        else:
            faults.append(f"{value} layers, but {len(widths)} are searched")
    for name in point.left:
        if (value := _value(right, name)) is not MISSING:
            faults.append(f"{name}={as_typed(value)}, which is outside of {by_name[name]}")
            right.pop(name, None)
    for key in [key for key in right if key in by_name and key not in point.params]:
        condition = by_name[key].condition
        if condition is not None and condition.key not in point.left:
            is_where = " or ".join(as_typed(value) for value in condition.values)
            faults.append(f"{key}, which is searched only where {condition.key} is {is_where}")
            right.pop(key)
        elif condition is not None:
            right[condition.key] = condition.values[-1]
            faults.append(f"{key} without {condition.key}, on which it depends")
    for name in [name for name in point.moved if name in right]:
        value = point.params[name]
        right[name] = json.loads(str(value)) if name == HIDDEN else value
    if any(is_shape(name) and name not in right for name in point.moved):  # of the widths as one value
        whole = [point.params[name] for name in widths if name in point.params]
        shape = {HIDDEN: whole} if len(whole) == point.params.get(DEPTH, len(widths)) else {DEPTH: point.params[DEPTH]}
        right = {key: value for key, value in right.items() if key not in (HIDDEN, WIDTH)} | shape
    return faults, right


def _placed(given: Mapping[str, Any], space: Space) -> Placed:
    return placed(space, lambda name: _value(given, name))


def _value(given: Mapping[str, Any], name: str) -> Any:
    """What a guess says of a dimension."""
    if HIDDEN in given and (is_shape(name) or name == HIDDEN):
        return values_of({"model": {"hidden": given[HIDDEN]}}, {})(name)
    if is_width(name):
        return given.get(name, given.get(WIDTH, MISSING))
    return given.get(name, MISSING)
