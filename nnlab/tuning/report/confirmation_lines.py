"""What fresh seeds say of a study's winner in words, and how much less it is than the search had promised."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from nnlab.streams import folded
from nnlab.tuning.confirm.results import Confirmation, Confirmed
from nnlab.tuning.report.ranking import cost
from nnlab.tuning.report.trial_facts import objective_text
from nnlab.wording import number_of


def winner_lines(confirmation: Confirmation, finished: int) -> Iterator[str]:
    """The winner by fresh seeds with its interval, and the shrinkage.

    Args:
        confirmation: which is over.
        finished: how many trials the search had.
    """
    best, name = confirmation.winner, confirmation.objective
    if best is None:
        return
    from nnlab.stats import Sample  # SciPy takes a moment

    sample = Sample(tuple(best.values(name)))
    low, high = sample.interval
    text = f"{name} {objective_text(name, sample.mean)}"
    if math.isfinite(low):
        text += f" (95 % interval {objective_text(name, low)} to {objective_text(name, high)})"
    count = sum(each.is_whole for each in confirmation.confirmed)
    alone = "run" if len(confirmation.confirmed) == 1 else "ranked"
    which = f"the best of {count}" if count > 1 else f"the only one that was {alone}"
    yield f"winner           trial {best.trial.number}, {which} with {number_of(len(best.seeds), 'fresh seed')}: {text}"
    yield f"shrinkage        {_shrinkage(best, name)}; the search chose it from {number_of(finished, 'trial')}"
    first = confirmation.first_of_search
    if first is not best and first.finished:
        yield f"                 trial {first.trial.number}, the search's best: {_shrinkage(first, name)}"
    for each in confirmation.confirmed:
        if not each.is_whole:
            done = f"{len(each.finished)} of {len(each.seeds)} fresh seeds"
            yield f"                 trial {each.trial.number} finished with {done}, so they do not rank it"


def block(lines: Iterable[str], width: int | None) -> str:
    """Lines of a summary as one text, folded to the screen; a line with a command is left as it is, to be pasted."""
    return "\n".join(line if "python -m " in line else folded(line, width) for line in lines)


def shrinkage(confirmed: Confirmed, objective: str) -> float:
    """By how much the objective is worse with fresh seeds than it was in the search; negative if it is better."""
    return cost(objective, confirmed.mean(objective)) - cost(objective, confirmed.trial.values[0])


def _shrinkage(confirmed: Confirmed, name: str) -> str:
    lost = shrinkage(confirmed, name)
    change = "the same" if lost == 0 else f"{objective_text(name, abs(lost))} {'worse' if lost > 0 else 'better'}"
    before, now = (objective_text(name, value) for value in (confirmed.trial.values[0], confirmed.mean(name)))
    return f"{name} {before} in the search, {now} with fresh seeds ({change})"
