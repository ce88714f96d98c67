"""`range(start, stop, step)`: its meaning, the same for the runs of `-m` and in the space of a sweep.

As in Python the stop is excluded, and steps may be negative. They are counted in decimals, as they are written: the
third number of `range(0.1, 0.4, 0.1)` is 0.3. Hydra counts in binary: 0.1, 0.2, 0.30000000000000004 and 0.4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hydra._internal.grammar import grammar_functions
from hydra.core.override_parser.types import RangeSweep

from nnlab.config.problems import as_typed


@dataclass
class SweepTextError(Exception):
    """A text in the sweep grammar is not valid: the broken rule, and the nearest valid text."""

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
        kinds: the types that its key takes, see `kinds_of`. Where float is not among them, 1.0 counts as 1.

    Raises:
        SweepTextError: if a bound is no finite number, or the range is empty or never ends.
    """
    bounds = (sweep.start, sweep.stop, sweep.step)
    for bound in bounds:
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise SweepTextError(f"needs numbers as bounds, but has {bound}", "choice(..., ...)")
        if not math.isfinite(bound):
            raise SweepTextError(f"needs finite bounds, but has {bound}")
    # The shortest text of a float is what was typed.
    start, stop, step = (Decimal(str(bound)) for bound in bounds)
    if step == 0:
        raise SweepTextError(
            "has a step of 0, so it never ends", f"range({as_typed(sweep.start)}, {as_typed(sweep.stop)})"
        )
    count = math.ceil((stop - start) / step)
    if count < 1:
        nearest = f"range({as_typed(sweep.start)}, {as_typed(sweep.stop)}, {as_typed(-sweep.step)})"
        if start == stop:
            nearest = f"range({as_typed(sweep.start)}, ...)"
        elif step == 1:
            nearest = f"range({as_typed(sweep.stop)}, {as_typed(sweep.start)})"
        raise SweepTextError("is empty: steps must lead from the start towards the stop, which is excluded", nearest)
    numbers = Ladder(start, step, count, is_whole=False)
    is_whole = numbers.has_whole_numbers and (isinstance(sweep.start, int) or float not in kinds)
    return Ladder(start, step, count, is_whole)


def sort(*args: Any, sweep: Any = None, list: Any = None, reverse: bool = False) -> Any:
    """Hydra's `sort`, except for ranges: Hydra reverses them wrongly where the steps do not meet the stop."""
    only = sweep if sweep is not None else args[0] if len(args) == 1 else None
    if not isinstance(only, RangeSweep):
        return grammar_functions.sort(*args, sweep=sweep, list=list, reverse=reverse)
    try:
        numbers = ladder(only)
    except SweepTextError:
        return only  # empty or endless in any order: a problem where it is read
    turned = copy(only)
    if (numbers.step < 0) != reverse:
        end = numbers.first - numbers.step
        as_typed = int if all(isinstance(bound, int) for bound in (only.start, only.stop, only.step)) else float
        turned.start, turned.stop, turned.step = (as_typed(each) for each in (numbers.last, end, -numbers.step))
    return turned
