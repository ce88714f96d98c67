"""How sure it is that the first trial of a leaderboard is better than the others: over seeds, by `nnlab.stats`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optuna.trial import FrozenTrial

from nnlab.tuning.confirm.results import Confirmation
from nnlab.tuning.report.ranking import cost
from nnlab.tuning.report.trial_facts import objective_text
from nnlab.tuning.trials import Asked, Outcome
from nnlab.wording import number_of

if TYPE_CHECKING:
    from nnlab.stats import Judged

BEST, WORSE, EQUAL, CANNOT_TELL = "best", "worse", "equal", "cannot tell"


@dataclass(frozen=True)
class Certainty:
    """How sure it is that one trial is better than others.

    Attributes:
        objective: what they are compared by.
        first: the number of the trial that is ranked first.
        judged: of each other, by its number and in the order of the ranking: the first one's objective minus its own.
            They are one family, so that the p of each is corrected for the number of them.
        is_fresh: whether the seeds are fresh, or those by which the first one was chosen.
    """

    objective: str
    first: int
    judged: Mapping[int, Judged]
    is_fresh: bool

    def word(self, number: int) -> str:
        """`best`, `worse`, `equal` (the same value with every seed) or `cannot tell`; `–` of what is not compared."""
        if number == self.first:
            return BEST
        if number not in self.judged:
            return "–"
        verdict = self.judged[number].verdict
        return {"equal": EQUAL, "cannot tell": CANNOT_TELL}.get(verdict, WORSE)

    @property
    def untold(self) -> list[int]:
        """The trials that cannot be told from the first."""
        return [number for number in self.judged if self.word(number) in (CANNOT_TELL, EQUAL)]

    def lines(self) -> Iterator[str]:
        """The lead over the second in words, and which trials cannot be told from the first."""
        second, judged = next(iter(self.judged.items()))
        yield f"lead: {self._lead(second, judged)}"
        kind = "fresh seeds" if self.is_fresh else "the seeds that chose it: sweep.confirm=K measures with fresh ones"
        if not self.untold:
            which = ", ".join(map(str, self.judged))
            yield f"trial {self.first} is better than {_trials(list(self.judged))} {which}, by {kind}"
        else:
            which = ", ".join(map(str, self.untold))
            compared = f"of {len(self.judged)} compared, by {kind}"
            yield f"cannot be told from trial {self.first}: {_trials(self.untold)} {which} ({compared})"

    def _lead(self, second: int, judged: Judged) -> str:
        found = judged.difference
        sign = 1.0 if cost(self.objective, 1.0) < 0 else -1.0
        # Turned so that a lead is positive, whichever way is better.
        mean = sign * found.mean
        low, high = sorted(sign * edge for edge in found.interval)
        text = f"trial {self.first} is {_number(self.objective, abs(mean))} better than trial {second}"
        if self.word(second) == EQUAL:
            return f"none, trial {self.first} and trial {second} have the same {self.objective} with every seed"
        seeds = number_of(found.n_a, "seed") + (", paired" if found.paired else " each")
        if math.isfinite(low):
            text += f" (95 % interval {_number(self.objective, low)} to {_number(self.objective, high)}, {seeds})"
        if self.word(second) == WORSE:
            return text
        text += f": cannot tell{self._why(judged)}"
        if judged.more_seeds is None:
            return text
        return f"{text}, about {number_of(judged.more_seeds, 'more seed')} would"

    def _why(self, judged: Judged) -> str:
        """What is in the way where the interval does not show it."""
        low, high = judged.difference.interval
        if judged.why or low <= 0 <= high:
            return f" ({judged.why})" if judged.why else ""
        trials = number_of(len(self.judged), "trial")
        many = f" after Holm's correction for {trials}" if judged.p_corrected != judged.p else ""
        return f" (p {judged.p_corrected:.2g}{many})"


def certainty_of(
    shown: Sequence[FrozenTrial], objectives: Sequence[str], confirmation: Confirmation | None
) -> Certainty | None:
    """How sure the first of a leaderboard is; None where no two trials have several seeds, or there are two objectives.

    Args:
        shown: its trials, the best first.
        objectives: their names.
        confirmation: what was confirmed, if anything was: then the fresh seeds count alone.
    """
    if len(objectives) != 1:
        return None
    objective = objectives[0]
    values = {trial.number: _by_seed(trial, objective, confirmation) for trial in shown}
    known = [number for number, by_seed in values.items() if len(by_seed) > 1]
    if len(known) < 2 or known[0] != shown[0].number:
        return None
    first, *others = known
    from nnlab.stats import difference, judge  # SciPy takes a moment

    found = []
    for other in others:
        a, b = values[first], values[other]
        is_paired = b.keys() <= a.keys()  # in a race the others may have fewer
        firsts = [a[seed] for seed in b] if is_paired else list(a.values())
        found.append(difference(firsts, list(b.values()), paired=is_paired))
    return Certainty(objective, first, dict(zip(others, judge(found), strict=True)), confirmation is not None)


def _by_seed(trial: FrozenTrial, objective: str, confirmation: Confirmation | None) -> dict[int, float]:
    """The objective of each seed; empty if it is not known, or not to be compared."""
    if confirmation is not None:
        confirmed = confirmation.at(trial.number)
        if confirmed is None or not confirmed.is_whole:
            return {}
        return {seed: outcome.objective(objective) for seed, outcome in confirmed.finished.items()}
    outcome = Outcome.of(trial)
    values = [] if outcome is None else outcome.seed_values(objective)
    seeds = Asked.of(trial).seeds
    return dict(zip(seeds, values, strict=True)) if len(seeds) == len(values) else {}


def _trials(numbers: Sequence[int]) -> str:
    return "trial" if len(numbers) == 1 else "trials"


def _number(objective: str, value: float) -> str:
    return objective_text(objective, value)
