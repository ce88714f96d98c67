"""The jobs of `-m`: every combination of the keys' values, as in plain Hydra.

Two things differ: a range means the same as in a sweep (see `nnlab.config.ranges`), and a key with no values, or with
far too many, is a problem.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

from hydra.core.override_parser.types import Glob, IntervalSweep, Override, RangeSweep

from nnlab.config.groups import choices_of, groups
from nnlab.config.keys import key_rules, kinds_of
from nnlab.config.overrides import parser
from nnlab.config.problems import ConfigProblem, as_typed
from nnlab.config.ranges import SweepTextError, ladder

MOST_JOBS = 10_000


def each_job(overrides: Sequence[Override], problems: list[ConfigProblem]) -> Iterator[list[Override]]:
    """The overrides of each job, each with a single value; those that give none are left out, with a problem."""
    values: dict[str, list[Override] | range] = {}
    for override in overrides:
        key = override.get_key_element()
        if not override.is_sweep_override():
            values[key] = [override]
            continue
        try:
            texts = _values(override)
        except SweepTextError as error:
            key_or_group, text = override.key_or_group, override.get_value_string()
            problems.append(ConfigProblem(key_or_group, error.rule, text, error.nearest))
            continue
        values[key] = [parser().parse_override(f"{key}={text}") for text in texts]
    count = math.prod(map(len, values.values()))
    if count > MOST_JOBS:
        problems.append(_too_many(count))
        return
    yield from map(list, itertools.product(*values.values()))


def _values(override: Override) -> list[str]:
    """The values of an override with several, in Hydra's grammar.

    Raises:
        SweepTextError: if they cannot be listed.
    """
    sweep: Any = override._value
    key = override.key_or_group
    if isinstance(sweep, IntervalSweep):
        raise SweepTextError(
            "has infinitely many values, but -m starts one run per value",
            f"{key}=range({as_typed(sweep.start)}, {as_typed(sweep.end)}, STEP), or leave -m out and search it: "
            "python -m nnlab.sweep",
        )
    if isinstance(sweep, Glob):
        if key not in groups():
            rule = "is not a config group, and glob() chooses only among the files of a group"
            raise SweepTextError(rule, f"{key}=choice(..., ...)")
        found = sweep.filter(choices_of(key))
        if not found:
            raise SweepTextError(f"matches none of {', '.join(choices_of(key))}", f"{key}=glob(*)")
        return found
    if isinstance(sweep, RangeSweep):
        numbers = ladder(sweep, kinds_of(key_rules().get(key, {}).values()) or {int, float})
        if numbers.count > MOST_JOBS:
            raise SweepTextError(f"has {numbers.count:,} values, but -m starts one run per value", _too_many(0).nearest)
        texts = [repr(number) for number in numbers]
        if sweep.shuffle:
            random.shuffle(texts)
        return texts
    return list(override.sweep_string_iterator())


def _too_many(count: int) -> ConfigProblem:
    rule = f"makes {count:,} runs, but -m takes at most {MOST_JOBS:,}"
    return ConfigProblem("command line", rule, nearest="python -m nnlab.sweep, which samples from them")
