"""`range(start, stop, step)`: its one meaning, for the runs of `-m` and for what a sweep searches.

As in Python the stop is left out, and steps may go down. They are counted in decimals, as they are written: the third
of `range(0.1, 0.4, 0.1)` is 0.3. Hydra counts them in binary, and gives 0.1, 0.2, 0.30000000000000004 and 0.4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args, get_origin

from hydra._internal.grammar import grammar_functions
from hydra.core.override_parser.types import RangeSweep

from nnlab.config.problems import shown


@dataclass
class SweepTextError(Exception):
    """A text in the sweep grammar has no meaning: the rule, and the nearest valid text."""

    rule: str
    nearest: str = ""


@dataclass(frozen=True)
class Ladder:
    """The numbers of a range, from `first` on.

    Args:
        first: the number that it starts with.
        step: to the next one; may be negative.
        count: how many there are, at least 1.
        is_whole: whether they are whole numbers, and were written so.
    """

    first: Decimal
    step: Decimal
    count: int
    is_whole: bool

    @property
    def last(self) -> Decimal:
        """The number that it ends with."""
        return self.first + (self.count - 1) * self.step

    @property
    def has_whole_numbers(self) -> bool:
        """Whether all are whole numbers, however they were written."""
        return all(number == number.to_integral_value() for number in (self.first, self.step))

    def __iter__(self) -> Iterator[int | float]:
        for place in range(self.count):
            number = self.first + place * self.step
            yield int(number) if self.is_whole else float(number)


def ladder(sweep: RangeSweep, kinds: Iterable[type] = (int, float)) -> Ladder:
    """What a range means.

    Args:
        sweep: as Hydra's parser gives it.
        kinds: the types that its key takes, see `kinds_of`. Where float is not among them, 1.0 is written for 1.

    Raises:
        SweepTextError: if a bound is no finite number, or the range is empty or never ends.
    """
    bounds = (sweep.start, sweep.stop, sweep.step)
    for bound in bounds:
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise SweepTextError(f"must have numbers as bounds, but has {bound}", "choice(..., ...)")
        if not math.isfinite(bound):
            raise SweepTextError(f"must have finite bounds, but has {bound}")
    # The shortest text of a float is what was typed.
    start, stop, step = (Decimal(str(bound)) for bound in bounds)
    if step == 0:
        raise SweepTextError(
            "has a step of 0, with which it never ends", f"range({shown(sweep.start)}, {shown(sweep.stop)})"
        )
    count = math.ceil((stop - start) / step)
    if count < 1:
        nearest = f"range({shown(sweep.start)}, {shown(sweep.stop)}, {shown(-sweep.step)})"
        if start == stop:
            nearest = f"range({shown(sweep.start)}, ...)"
        elif step == 1:
            nearest = f"range({shown(sweep.stop)}, {shown(sweep.start)})"
        raise SweepTextError("is empty: it must go from its start towards its stop, which is left out", nearest)
    numbers = Ladder(start, step, count, is_whole=False)
    is_whole = numbers.has_whole_numbers and (isinstance(sweep.start, int) or float not in kinds)
    return Ladder(start, step, count, is_whole)


def sort(*args: Any, sweep: Any = None, list: Any = None, reverse: bool = False) -> Any:
    """Hydra's `sort`, but for a range, which Hydra turns around wrongly where its steps do not meet its stop."""
    only = sweep if sweep is not None else args[0] if len(args) == 1 else None
    if not isinstance(only, RangeSweep):
        return grammar_functions.sort(*args, sweep=sweep, list=list, reverse=reverse)
    try:
        numbers = ladder(only)
    except SweepTextError:
        return only  # empty or endless in any order: told where it is read
    turned = copy(only)
    if (numbers.step < 0) != reverse:
        end = numbers.first - numbers.step
        as_typed = int if all(isinstance(bound, int) for bound in (only.start, only.stop, only.step)) else float
        turned.start, turned.stop, turned.step = (as_typed(each) for each in (numbers.last, end, -numbers.step))
    return turned


def kinds_of(rules: Iterable[Any]) -> set[type]:
    """The types that annotations accept: {int, str} of `Annotated[int, ...] | Literal["full"]`."""
    kinds: set[type] = set()
    for rule in rules:
        origin = get_origin(rule)
        if origin is Literal:
            kinds |= {type(choice) for choice in get_args(rule)}
        elif origin is tuple:
            kinds.add(tuple)
        elif origin is Annotated:
            kinds |= kinds_of(get_args(rule)[:1])
        elif origin is not None:  # X | Y
            kinds |= kinds_of(get_args(rule))
        else:
            kinds.add(rule)
    return kinds
