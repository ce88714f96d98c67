"""Which trials a study allows: those that satisfy `sweep.constraint` and can fit into `sweep.trial_memory`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from nnlab.config.keys import key_rules, kinds_of, nearest_key
from nnlab.config.problems import ConfigProblem
from nnlab.config.schema import form_name
from nnlab.tuning.limits import bytes_of
from nnlab.tuning.points import COMPUTED, Points
from nnlab.tuning.search.constraint import Constraint, ConstraintError
from nnlab.tuning.search.dimension import HIDDEN
from nnlab.tuning.search.samplers import SAMPLERS
from nnlab.tuning.search.searchable import DEPTH, GROUPS, WIDTH, is_width
from nnlab.tuning.search.settings import SweepSettings
from nnlab.tuning.search.space import Space
from nnlab.wording import bytes_in_words

KEY = "sweep.constraint"
SAMPLE = 2000
"""Points at random, by which the share of a space is told that is allowed."""
FEW = 20
"""A bound is suggested that one point of so many satisfies."""
EACH = 20_000
"""Points. Of a smaller space each is looked at instead."""
LEAST = 100_000_000
"""Bytes of a limit: a worker's process takes 63 MB by itself."""


class Allowed:
    """What a study allows.

    Args:
        settings: of the sweep.
        space: what is searched.
        points: the trials by their values.

    Attributes:
        problems: why there can be no such study; looked at before anything else is asked.
    """

    def __init__(self, settings: SweepSettings, space: Space, points: Points) -> None:
        self._settings = settings
        self._space = space
        self._points = points
        self._memory = None if settings.trial_memory is None else bytes_of(settings.trial_memory)
        self._constraint: Constraint | None = None
        self._left = ""
        self._is_exact = space.size is not None and space.size <= EACH
        self.problems = list(self._problems())

    @property
    def is_everything(self) -> bool:
        """Whether nothing is ruled out."""
        return self._constraint is None and self._memory is None

    def accepts(self, values: Mapping[str, Any]) -> bool:
        """Whether a trial may have these values (see `Space.values`)."""
        return self._satisfies(values) and self._can_fit(values)

    @property
    def notes(self) -> Iterator[str]:
        """What is to be told first: how much of the space is left, and what becomes of the rest."""
        if not self._left:
            return
        name = form_name(SAMPLERS, self._settings.sampler)
        instead = "are passed over" if name in ("grid", "qmc") else "are drawn again"
        why = [f"{KEY}={self._constraint.text}"] if self._constraint is not None else []
        why += [f"sweep.trial_memory={self._settings.trial_memory}"] if self._memory is not None else []
        yield (
            f"{self._left} allowed ({' and '.join(why)}): other proposals of {name} {instead} before they are trials"
        )
        if name == "qmc":
            yield "qmc: the points that are left fill the space less evenly than all of them would"

    def _satisfies(self, values: Mapping[str, Any]) -> bool:
        return self._constraint is None or self._constraint.holds(self._points.facts(values))

    def _can_fit(self, values: Mapping[str, Any]) -> bool:
        return self._memory is None or self._points.memory(values) <= self._memory

    def _problems(self) -> Iterator[ConfigProblem]:
        text, memory = self._settings.constraint, self._settings.trial_memory
        if self._memory is not None and self._memory < LEAST:
            rule = f"must be at least {bytes_in_words(LEAST)}, as a process without a trial takes 63 MB"
            yield ConfigProblem("sweep.trial_memory", rule, memory, "100MB")
            self._memory = None
        if text is not None:
            try:
                constraint = Constraint.of(text)
            except ConstraintError as error:
                yield ConfigProblem(KEY, error.rule, text, f"'{KEY}={error.nearest}'")
                return
            problems = list(self._name_problems(constraint))
            yield from problems
            if problems:
                return
            self._constraint = constraint
        if not self.is_everything:
            yield from self._emptiness()

    def _name_problems(self, constraint: Constraint) -> Iterator[ConfigProblem]:
        """The names that no trial knows, or that are not what the constraint takes them for."""
        known: dict[str, dict[str, Any]] = {**key_rules(), DEPTH: {"": int}, **{name: {"": int} for name in COMPUTED}}
        known |= {group: {"": str} for group in GROUPS}
        known |= {name: {"": int} for name in constraint.names if is_width(name)}
        for name in sorted(constraint.names):
            if name not in known:
                near = f"{WIDTH}.0" if name == WIDTH else nearest_key(name, known)
                rule = f"must be about {', '.join(COMPUTED)} or keys of the configuration, and {name} is none"
                if not near and len(constraint.names) > 1 and "." not in name:
                    near = f"'{name}' in quotes, if it is a value"
                yield ConfigProblem(KEY, rule, constraint.text, near)
                continue
            kinds = kinds_of(known[name].values())
            if name == HIDDEN:
                rule = f"compares numbers and texts, but {name} is a list"
                yield ConfigProblem(KEY, rule, constraint.text, f"{DEPTH}, {WIDTH}.0 or parameters instead")
            elif name in constraint.numbers and not kinds & {int, float}:
                rule = f"compares numbers, but {name} has none"
                yield ConfigProblem(KEY, rule, constraint.text, f"{name} == 'VALUE'")
            elif name in constraint.texts and str not in kinds:
                rule = f"compares {name} with a text, but it has none"
                yield ConfigProblem(KEY, rule, constraint.text, f"{name} == 1")

    def _emptiness(self) -> Iterator[ConfigProblem]:
        """The problem with a space of which nothing is allowed."""
        looked = list(self._looked_at())
        satisfying = [values for values in looked if self._satisfies(values)]
        allowed = [values for values in satisfying if self._can_fit(values)]
        if len(allowed) < len(looked):
            self._left = f"about {len(allowed) / len(looked):.1%} of the search space is"
            if self._is_exact:
                verb = "is" if len(allowed) == 1 else "are"
                self._left = f"{len(allowed):,} of the {len(looked):,} points of the search space {verb}"
        which = f"the {len(looked):,} points of it" if self._is_exact else f"{len(looked):,} points of it"
        if not satisfying and self._constraint is not None:
            rule = f"must hold somewhere in the search space, but holds at none of {which}{self._ranges(looked)}"
            yield ConfigProblem(KEY, rule, self._constraint.text, self._relaxed(looked))
        elif not allowed:
            least = min(map(self._points.memory, satisfying))
            rule = f"is too little for any of {which}: the smallest takes at least {bytes_in_words(least)}"
            nearest = f"{-(-least // 10**8) / 10:g}GB, or a smaller network"
            yield ConfigProblem("sweep.trial_memory", rule, self._settings.trial_memory, nearest)

    def _looked_at(self) -> Iterator[dict[str, Any]]:
        if self._is_exact:
            yield from map(self._space.values, self._space.points())
            return
        rng = np.random.default_rng(0)
        for _ in range(SAMPLE):
            yield self._space.values(self._space.random_point(rng))

    def _ranges(self, looked: Sequence[Mapping[str, Any]]) -> str:
        """What the numbers of the constraint are there: ` (parameters from 650 to 33,610)`."""
        assert self._constraint is not None
        parts = []
        for name in sorted(self._constraint.numbers):
            found = self._numbers(name, looked)
            if found:
                low, high = min(found), max(found)
                parts.append(f"{name} is {_number(low)}" + ("" if low == high else f" to {_number(high)}"))
        return f" ({', '.join(parts)})" if parts else ""

    def _relaxed(self, looked: Sequence[Mapping[str, Any]]) -> str:
        """The constraint with a bound that some points satisfy, where it is one comparison with a number."""
        assert self._constraint is not None
        words = self._constraint.text.split()
        if len(words) != 3 or words[1] not in ("<", "<=", ">", ">=") or words[0] not in self._constraint.numbers:
            return "one that some of them satisfy"
        found = sorted(self._numbers(words[0], looked))
        if not found:
            return "one that some of them satisfy"
        few = len(found) // FEW
        sign, bound = ("<=", found[few]) if "<" in words[1] else (">=", found[-1 - few])
        return f"'{KEY}={words[0]} {sign} {bound:.12g}'"

    def _numbers(self, name: str, looked: Sequence[Mapping[str, Any]]) -> list[float]:
        found = [self._points.facts(values)(name) for values in looked]
        return [value for value in found if isinstance(value, int | float)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"
