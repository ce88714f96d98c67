"""What the runs of a race say of its trials: each trial as it is seen now, with the seeds that it has had so far."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence, Set
from copy import copy
from dataclasses import replace
from itertools import takewhile

from optuna.trial import FrozenTrial, TrialState

from nnlab.errors import UserError
from nnlab.tuning.race.rule import Item, Race
from nnlab.tuning.report.ranking import cost
from nnlab.tuning.trials import ASKED, OUTCOME, STATES, Asked, Outcome


def is_further(trial: FrozenTrial) -> bool:
    """Whether this is no trial of a search, but a run that gives one a further seed."""
    return trial.user_attrs.get(ASKED, {}).get("further_of") is not None


def item_of(run: FrozenTrial) -> Item:
    """The number of the trial that a further run belongs to, and the place of its seed, from 1."""
    further_of = Asked.of(run).further_of
    assert further_of is not None
    return further_of


class Board:
    """The trials of a race with their runs.

    The storage keeps a trial as it ended with its first seed, since Optuna changes no trial that has ended. What it is
    worth after further seeds follows from these and the best trial's (`Race.value`), so it is computed here.

    Args:
        objective: of the study.
        seeds: the most that a trial gets.
    """

    def __init__(self, objective: str, seeds: int) -> None:
        self._objective = objective
        self._seeds = seeds
        self._trials: dict[int, FrozenTrial] = {}
        self._runs: dict[int, dict[int, FrozenTrial]] = {}
        self._costs: dict[int, list[float]] = {}
        self._seen: dict[int, FrozenTrial] = {}
        self._best: tuple[int | None, int] = (None, 0)
        self.race = Race(self._costs, seeds)

    def add(self, trial: FrozenTrial) -> list[int]:
        """Take in a trial of the search that has ended; returns the trials that are seen otherwise now."""
        self._trials[trial.number] = trial
        return self._changed(trial.number)

    def add_run(self, run: FrozenTrial) -> list[int]:
        """Take in a further run that has ended, of a trial that is known; returns the trials that are seen otherwise.

        Raises:
            UserError: if the storage has it for other values than the trial's.
        """
        number, place = item_of(run)
        trial = self._trials.get(number)
        if trial is None or Asked.of(trial).values != Asked.of(run).values:
            raise UserError(
                "A study's storage must have its trials as nnlab stored them, but it has a further seed of trial "
                f"{number} for other values than the trial's. Something other than nnlab changed it: restore the "
                "storage, or start another study under another sweep.name."
            )
        self._runs.setdefault(number, {})[place] = run
        return self._changed(number)

    def add_all(self, trials: Iterable[FrozenTrial], runs: Iterable[FrozenTrial]) -> None:
        """Take in those that have ended."""
        for trial in trials:
            if trial.state.is_finished():
                self.add(trial)
        for run in runs:
            if run.state.is_finished():
                self.add_run(run)

    def due(self, under_way: Set[Item] = frozenset()) -> list[Item]:
        """The further runs that can be made now, see `Race.due`; none that has ended while one before it is made."""
        return [
            (number, place) for number, place in self.race.due(under_way) if place not in self._runs.get(number, {})
        ]

    def seen(self, trial: FrozenTrial) -> FrozenTrial:
        """A trial of the search as it is now.

        Its value is the one that ranks it (`Race.value`), its seeds are those that it has had, and its outcome is that
        of all its runs; if one of them did not finish, nor did the trial. Others are as they are stored.
        """
        number = trial.number
        if number not in self._trials:
            return trial
        if number not in self._seen:
            self._seen[number] = self._now(self._trials[number])
        return self._seen[number]

    def _changed(self, number: int) -> list[int]:
        costs = self._costs_of(number)
        self._costs.pop(number, None)
        if costs:
            self._costs[number] = costs
        self.race = Race(self._costs, self._seeds)
        leader = self.race.leader
        best = (leader, 0 if leader is None else len(self._costs[leader]))
        # All are measured by the best one.
        changed = list(self._trials) if best != self._best else [number]
        self._best = best
        for each in changed:
            self._seen.pop(each, None)
        return changed

    def _places(self, number: int) -> list[tuple[int, Outcome]]:
        """The places of a trial's seeds up to the first that is missing, with the outcomes of their runs.

        One that did not finish decides how the trial ended: it comes last, whatever is missing before it.
        """
        first, runs = self._trials[number], self._runs.get(number, {})
        known = {place: outcome for place, run in {1: first, **runs}.items() if (outcome := Outcome.of(run))}
        bad = [place for place, outcome in sorted(known.items()) if outcome.status != "finished"]
        if bad:
            return [(place, known[place]) for place in (*sorted(known.keys() - set(bad)), bad[0])]
        return [(place, known[place]) for place in takewhile(known.__contains__, range(1, self._seeds + 1))]

    def _costs_of(self, number: int) -> list[float]:
        """What the trial races with; nothing if it is out of the race."""
        if self._trials[number].state != TrialState.COMPLETE:
            return []
        outcomes = [outcome for _, outcome in self._places(number)]
        if outcomes[-1].status != "finished":
            return []
        costs = [cost(self._objective, outcome.objective(self._objective)) for outcome in outcomes]
        return costs if all(map(math.isfinite, costs)) else []

    def _now(self, trial: FrozenTrial) -> FrozenTrial:
        asked, number = Asked.of(trial), trial.number
        now = copy(trial)
        if number in self._costs:
            now.values = [cost(self._objective, self.race.value(number))]  # turned back
        if number not in self._runs:
            return now
        places = self._places(number)
        seeds = {1: asked.seeds[0]} | {place: Asked.of(run).seeds[0] for place, run in self._runs[number].items()}
        now.user_attrs = {
            **trial.user_attrs,
            ASKED: replace(asked, seeds=[seeds[place] for place, _ in places]).to_dict(),
            OUTCOME: _together(places).to_dict(),
        }
        if (status := places[-1][1].status) != "finished":
            now.state, now.values = STATES[status], None
        return now


def _together(places: Sequence[tuple[int, Outcome]]) -> Outcome:
    """The outcome of a trial by those of its runs, the last of which decides how it ended."""
    outcomes = [outcome for _, outcome in places]
    place, last = places[-1]
    names = last.scores if last.status == "finished" else ()
    by_name = {name: [outcome.scores[name] for outcome in outcomes] for name in names}
    several = {name: values for name, values in by_name.items() if len(values) > 1}
    return replace(
        last,
        reason=last.reason and f"with seed {place}: {last.reason}",
        scores={name: statistics.fmean(values) for name, values in by_name.items()},
        std={name: statistics.stdev(values) for name, values in several.items()},
        by_seed=several,
        epochs=sum(outcome.epochs for outcome in outcomes),
        seconds=sum(outcome.seconds for outcome in outcomes),
        runs=[run for outcome in outcomes for run in outcome.runs],
        weights_sha256=[digest for outcome in outcomes for digest in outcome.weights_sha256],
        code=list(dict.fromkeys(digest for outcome in outcomes for digest in outcome.code)),
    )
