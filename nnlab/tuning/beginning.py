"""With what a new study begins: trials that it keeps of another one, then guesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nnlab.tuning.growth.growth import Growth
from nnlab.tuning.growth.source import kept_trials
from nnlab.tuning.plan import Plan
from nnlab.tuning.search.first import first_guesses
from nnlab.tuning.search.guess import Guess


@dataclass(frozen=True)
class Beginning:
    """The first trials of a study.

    Attributes:
        guesses: what is tried before its sampler proposes anything.
        growth: what it keeps of another study.
        notes: what is to be told of them, a line each.
    """

    guesses: Sequence[Guess] = ()
    growth: Growth | None = None
    notes: Sequence[str] = ()


NOTHING = Beginning()


def beginning_of(plan: Plan) -> Beginning:
    """Look up with what a new study is to begin; nothing is written.

    Raises:
        ConfigError: if a run or study that is named does not exist, or has nothing to take over.
    """
    kept = kept_trials(plan)
    if kept is None:
        first = first_guesses(plan)
        return Beginning(first.guesses, None, first.notes)
    first = first_guesses(plan, kept.points)
    return Beginning(first.guesses, kept.growth, [*kept.notes, *first.notes])
