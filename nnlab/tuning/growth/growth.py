"""What a study keeps of another one: as the command line says it, and as `study.json` has it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from nnlab.check import Range, problem_with
from nnlab.config.leaves import leaves
from nnlab.config.problems import ConfigProblem
from nnlab.tuning.search.settings import StudyName, SweepSettings

KEY = "sweep.from"
Count = Annotated[int, Range(ge=0)]


@dataclass(frozen=True)
class From:
    """`sweep.from`.

    Attributes:
        study: the name of the other one.
        values: key -> value that its runs are said to have had, of keys that did not exist when they ran.
    """

    study: str
    values: dict[str, Any]

    @classmethod
    def of(cls, settings: SweepSettings) -> From | None:
        """What the settings say; they have no problems (see `from_problems`)."""
        said = settings.from_
        if said is None:
            return None
        if isinstance(said, str):
            return cls(said, {})
        return cls(said["study"], dict(leaves(said.get("values") or {})))


def from_problems(settings: SweepSettings) -> Iterator[ConfigProblem]:
    """What is wrong with the form of `sweep.from`."""
    said = settings.from_
    if said is None:
        return
    name: Any = said
    if isinstance(said, Mapping):
        name, values = said.get("study"), said.get("values") or {}
        example = shlex.quote(f"{KEY}={{study: {name or 'NAME'}, values: {{KEY: VALUE}}}}")
        if unknown := [key for key in said if key not in ("study", "values")]:
            yield ConfigProblem(KEY, f"has {unknown[0]}, but takes study and values alone", said, example)
            return
        if not isinstance(values, Mapping):
            yield ConfigProblem(KEY, "has values that are no group of keys", said, example)
            return
    if (problem := problem_with(StudyName, name)) is not None:
        yield ConfigProblem(KEY, f"names a study, which {problem.rule}", said, "the name of a study")


@dataclass(frozen=True)
class Growth:
    """What a study keeps of another.

    Attributes:
        study: the name of the other one; it is needed until all its trials are kept.
        trials: their numbers there; here they come first, in this order.
        values: see `From`.
        offset: how many trials, of the other study and those before, are not kept: new trials have their seeds and
            proposals by their number and this, so that none repeats what an earlier one drew.
    """

    study: str
    trials: list[Count]
    values: dict[str, Any] = field(default_factory=dict)
    offset: Count = 0

    def source(self, place: int) -> str:
        """Whose guess the trial of that number is, see `Asked`."""
        return f"kept from {self.study}, trial {self.trials[place]}"
