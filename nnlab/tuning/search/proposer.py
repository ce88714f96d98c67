"""What a study tries next: the first of its sampler's draws that is acceptable.

Draw k for trial n comes from a fresh sampler seeded by the study's seed, n and k, and depends on the trials so far and
on nothing else; so a study that is killed anywhere proposes the same again. Not acceptable is what was tried before
(unless `sweep.repeat_duplicates` says so), and what the study rules out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from nnlab.tuning.search.guess import Guess
from nnlab.tuning.search.ordinals import Ordinals
from nnlab.tuning.search.samplers import LEARNING, MODELLING, PLANNED, Grid
from nnlab.tuning.search.seen import SeenTrials
from nnlab.tuning.search.settings import SweepSettings
from nnlab.tuning.search.shown import MOST
from nnlab.tuning.search.space import Space
from nnlab.tuning.trials import ASKED, Asked

DRAWS = 20
"""Of a sampler that learns, which computes milliseconds for each, before points are drawn at random."""
CHEAP_DRAWS = 1000
"""Of any other sampler, and at random: a space of which one in 300 points is acceptable gives one with 96 %."""
ENUMERABLE = 100_000
"""Points. In a smaller space all are looked at before it is said that none is left."""

Accepts = Callable[[Mapping[str, Any]], bool]
"""Whether the values of a trial (see `Space.values`) are allowed."""


class NothingLeftError(Exception):
    """There is no acceptable point, or none was found; the text says which."""


@dataclass(frozen=True)
class Proposal:
    """A point to try.

    Attributes:
        params: as Optuna's storage has them.
        values: what they mean, see `Space.values`.
        draws: how many were drawn before it and not accepted.
        attributes: that its sampler needs with the trial.
        source: whose guess it is; None is the sampler's.
    """

    params: Mapping[str, Any]
    values: dict[str, Any]
    draws: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None


class Proposer:
    """Proposes the trials of one study.

    Args:
        name: of the study.
        settings: of the sweep.
        space: what is searched.
        seed: of the study.
        epochs: that a run has at most.
        accepts: what the study allows; None is everything.
        guesses: what trials are to have before the sampler proposes any.
        offset: added to the number of a trial where its proposal is derived from it.
    """

    def __init__(
        self,
        name: str,
        settings: SweepSettings,
        space: Space,
        seed: int,
        epochs: int,
        accepts: Accepts | None = None,
        guesses: Sequence[Guess] = (),
        offset: int = 0,
    ) -> None:
        self._sampler = settings.sampler
        self._space = space
        self._seed = seed
        self._repeats = settings.repeat_duplicates
        self._accepts = accepts
        self._offset = offset
        self._guesses = {guess.trial: guess for guess in guesses}
        self._ordinals = Ordinals.of(space) if isinstance(self._sampler, LEARNING) else Ordinals.none(space)
        pruner = settings.pruner.make(epochs, settings.seeds_judged)
        most = MOST if isinstance(self._sampler, MODELLING) else None
        self._seen = SeenTrials(name, settings.objectives, pruner, self._ordinals, most)
        self._tried: set[str] = set()
        self._noted = 0
        self._passed = 0

    def note(self, trial: FrozenTrial) -> None:
        """Learn of a trial, new or changed; new ones in the order of their numbers."""
        asked = Asked.of(trial) if trial.number == self._noted and ASKED in trial.user_attrs else None
        if asked is not None:
            self._tried.add(_key(asked.values))
            self._passed += 0 if asked.source else 1 + asked.draws
        self._noted = max(self._noted, trial.number + 1)
        self._seen.note(trial)

    def propose(self) -> Proposal:
        """The point that the next trial has; nothing is noted of it.

        Raises:
            NothingLeftError: if the space has no acceptable point left, or none is found.
        """
        if (guess := self._guesses.get(self._noted)) is not None and (found := self._guessed(guess)) is not None:
            return found
        for draw in range(0 if self._is_small and self._looks_used_up else self._most_draws):
            params, attributes = self._seen.draw(self._sampler_of(draw))
            if self.is_acceptable(values := self._space.values(params)):
                return Proposal(params, values, draw, attributes)
        return self._at_random()

    def _sampler_of(self, draw: int) -> BaseSampler:
        place = self._passed if isinstance(self._sampler, PLANNED) else self._noted + self._offset
        return self._sampler.make(self._seed, place, self._ordinals.space, draw)

    def _guessed(self, guess: Guess) -> Proposal | None:
        """The point of a guess, in which the sampler draws what that lacks; None if none is acceptable."""
        for draw in range(DRAWS):
            # What the sampler notes of its own points does not hold for a guess.
            params, _ = self._seen.draw(self._sampler_of(draw), guess.params)
            if self.is_acceptable(values := self._space.values(params)):
                return Proposal(params, values, draw, source=guess.source)
            if params == guess.params:
                return None
        return None

    def is_acceptable(self, values: Mapping[str, Any]) -> bool:
        """Whether a trial may have these values."""
        is_new = self._repeats or _key(values) not in self._tried
        return is_new and (self._accepts is None or self._accepts(values))

    @property
    def _looks_used_up(self) -> bool:
        """Whether draws would be in vain."""
        return not self._repeats and len(self._tried) >= (self._space.size or 0)

    @property
    def _is_small(self) -> bool:
        return self._space.size is not None and self._space.size <= ENUMERABLE

    @property
    def _most_draws(self) -> int:
        if isinstance(self._sampler, Grid):
            return self._space.size or 0
        return DRAWS if isinstance(self._sampler, LEARNING) else CHEAP_DRAWS

    def _at_random(self) -> Proposal:
        """A random acceptable point: of those that are left, where the space is small enough to look at each."""
        rng = np.random.default_rng(np.random.SeedSequence([self._seed, self._noted + self._offset], spawn_key=(0,)))
        for _ in range(CHEAP_DRAWS):
            if self.is_acceptable(values := self._space.values(params := self._space.random_point(rng))):
                return Proposal(params, values, self._most_draws)
        if not self._is_small:
            drawn = self._most_draws + CHEAP_DRAWS
            raise NothingLeftError(f"none of {drawn:,} combinations that were drawn is allowed and new")
        left = [params for params in self._space.points() if self.is_acceptable(self._space.values(params))]
        if not left:
            tried = "tried" if self._accepts is None else "tried or ruled out"
            raise NothingLeftError(f"each combination of the search space was {tried}")
        params = left[int(rng.integers(len(left)))]
        return Proposal(params, self._space.values(params), self._most_draws)


def _key(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)
