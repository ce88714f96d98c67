"""From a text in Hydra's sweep grammar to a distribution of Optuna.

`choice(16, 32)` and `16,32` are unordered choices; `range(16, 257, 16)` has its stop excluded, as in Python;
`interval(1e-3, 1)` is continuous and includes its bounds; `tag(log, ...)` makes either logarithmic. Hydra's own parser
reads them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, QuotedString, RangeSweep
from hydra.errors import HydraException
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from nnlab.check import problem_with
from nnlab.config.keys import kinds_of
from nnlab.config.overrides import parser
from nnlab.config.problems import as_typed
from nnlab.config.ranges import SweepTextError, ladder
from nnlab.tuning.search.dimension import Distribution


def read_distribution(text: Any, rules: Iterable[Any]) -> Distribution:
    """The distribution that a text describes.

    Args:
        text: in the sweep grammar.
        rules: the annotations of the key (see `nnlab.check`), one for each form of its group that has it; a
            value has to satisfy one of them.

    Raises:
        SweepTextError: if it cannot be read, or breaks the rules.
    """
    rules = list(rules)
    if isinstance(text, list | tuple):
        raise SweepTextError("must be text in the sweep grammar", f"choice({', '.join(map(as_typed, text))})")
    if not isinstance(text, str):
        raise _single_value()
    try:
        sweep = parser().parse_override(f"key={text}").value()
    except HydraException as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise SweepTextError(
            f"cannot be read: {reason}", "choice(16, 32), range(16, 257) or interval(0.1, 1)"
        ) from None
    if isinstance(sweep, ChoiceSweep):
        return _choices(sweep, rules)
    if isinstance(sweep, RangeSweep | IntervalSweep):
        if not kinds_of(rules) & {int, float}:
            raise SweepTextError(_outside(rules, sweep.start) or "takes no numbers", "choice(..., ...)")
        return _range(sweep, rules) if isinstance(sweep, RangeSweep) else _interval(sweep, rules)
    if isinstance(sweep, dict | list | str | int | float | bool | None):
        raise _single_value()
    raise SweepTextError("must list its values, which glob() does not", "choice(..., ...)")


def _single_value() -> SweepTextError:
    return SweepTextError(
        "is a single value, which leaves nothing to search",
        "set it as key=value outside the space, or use choice(..., ...)",
    )


def _choices(sweep: ChoiceSweep, rules: Sequence[Any]) -> Distribution:
    if sweep.tags:
        raise SweepTextError("has choices, to which no tag applies", "the choice(...) alone")
    choices: list[Any] = [item.text if isinstance(item, QuotedString) else item for item in sweep.list]
    for index, choice in enumerate(choices):
        if isinstance(choice, ChoiceSweep | RangeSweep | IntervalSweep):
            raise SweepTextError("has a sweep inside a choice", "all values in one choice(..., ...)")
        # 1, 1.0 and true are equal to Python and to Optuna.
        if choice in choices[:index]:
            raise SweepTextError(f"has the choice {as_typed(choice)} twice")
        _hold(choice, rules)
    if len(choices) == 1:
        raise _single_value()
    return CategoricalDistribution([_list_text(item) if isinstance(item, list) else item for item in choices])


def _interval(sweep: IntervalSweep, rules: Sequence[Any]) -> Distribution:
    low, high = _number(sweep.start), _number(sweep.end)
    _check_bounds(low, high)
    is_log = _is_log(sweep)
    if low > high:
        raise SweepTextError(
            "must go from the smaller to the larger bound", f"interval({as_typed(high)}, {as_typed(low)})"
        )
    _check_log(is_log, low, high, is_whole=float not in kinds_of(rules))
    if float not in kinds_of(rules) and not (float(low).is_integer() and float(high).is_integer()):
        whole = f"interval({math.ceil(low)}, {math.floor(high)})" if math.ceil(low) < math.floor(high) else ""
        raise SweepTextError("needs whole numbers as bounds, as the key is a whole number", whole)
    if low == high:
        raise _single_value()
    if isinstance(sweep.start, int) or float not in kinds_of(rules):
        low, high = int(low), int(high)
        _hold_bounds(low, high, rules)
        return IntDistribution(low, high, log=is_log)
    _hold_bounds(low, high, rules)
    return FloatDistribution(low, high, log=is_log)


def _range(sweep: RangeSweep, rules: Sequence[Any]) -> Distribution:
    numbers = ladder(sweep, kinds_of(rules))
    if numbers.count == 1:
        raise _single_value()
    low, high = sorted((numbers.first, numbers.last))
    stride = abs(numbers.step)
    is_log = _is_log(sweep)
    _check_log(is_log, float(low), float(high), is_whole=numbers.has_whole_numbers)
    if is_log and not (numbers.has_whole_numbers and stride == 1):
        raise SweepTextError(
            "has a log scale and a step, but can have only one of them", f"tag(log, interval({low}, {high}))"
        )
    if numbers.is_whole:
        _hold_bounds(int(low), int(high), rules)
        return IntDistribution(int(low), int(high), log=is_log, step=int(stride))
    if float not in kinds_of(rules):
        raise SweepTextError("needs whole numbers as bounds and step, as the key is a whole number")
    _hold_bounds(float(low), float(high), rules)
    return FloatDistribution(float(low), float(high), step=float(stride))


def _number(bound: Any) -> float:
    if isinstance(bound, int | float):
        return bound
    raise SweepTextError(f"needs numbers as bounds, but has {bound}", "choice(..., ...)")


def _check_bounds(*bounds: float) -> None:
    for bound in bounds:
        if not math.isfinite(bound):
            raise SweepTextError(f"needs finite bounds, but has {bound}")


def _is_log(sweep: RangeSweep | IntervalSweep) -> bool:
    others = sorted(set(sweep.tags) - {"log"})
    if others:
        raise SweepTextError(f"has the tag {others[0]}, but the only tag is log", "tag(log, ...)")
    return "log" in sweep.tags


def _check_log(is_log: bool, low: float, high: float, *, is_whole: bool) -> None:
    if is_log and low <= 0:
        end = high if high > 0 else 1
        nearest = f"tag(log, interval({1 if is_whole else end / 1000:g}, {end:g}))"
        raise SweepTextError(f"has a log scale, which must start above 0, but starts at {as_typed(low)}", nearest)


def _hold_bounds(low: float, high: float, rules: Sequence[Any]) -> None:
    for bound in (low, high):
        _hold(bound, rules)


def _hold(value: Any, rules: Sequence[Any]) -> None:
    problems = [problem_with(rule, value) for rule in rules]
    if None in problems:
        return
    problem = problems[0]
    assert problem is not None
    nearest = f"{problem.nearest} instead of {as_typed(value)}" if problem.nearest else ""
    rule = problem.rule if problem.rule.startswith("each") else f"each {problem.rule}"
    raise SweepTextError(f"has the value {as_typed(value)}, but {rule}", nearest)


def _outside(rules: Sequence[Any], value: Any) -> str:
    """The rule of a key that takes no numbers."""
    problem = problem_with(rules[0], value)
    return problem.rule if problem else ""


def _list_text(items: list[Any]) -> str:
    return json.dumps(items, separators=(",", ":"))
