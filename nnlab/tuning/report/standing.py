"""How far a study has come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from optuna.trial import FrozenTrial, TrialState

from nnlab.tuning.report.ranking import best_trial
from nnlab.tuning.trials import is_failure, is_over_limit


@dataclass(frozen=True)
class Standing:
    """How far a study has come.

    Attributes:
        total: how many trials are to be complete, pruned or over their limit in the end.
        complete: how many are complete, duplicates included.
        pruned: how many were pruned.
        over_limit: how many were ended since they were over a limit of time or memory.
        failed: how many diverged, raised or were killed, duplicates of them not included.
        running: how many are running.
        objectives: their names, one or two.
        best_values: the objectives of the best trial, see `best_trial`; empty without a complete trial.
        best_trial: its number; None without one.
        elapsed: seconds since this session of the study started.
        done_here: trials that this session has completed or pruned.
    """

    total: int
    complete: int
    pruned: int
    over_limit: int
    failed: int
    running: int
    objectives: tuple[str, ...]
    best_values: tuple[float, ...]
    best_trial: int | None
    elapsed: float
    done_here: int

    @classmethod
    def of(
        cls,
        trials: Sequence[FrozenTrial],
        objectives: Sequence[str],
        *,
        total: int,
        elapsed: float,
        done_before: int = 0,
    ) -> Standing:
        """Count `trials`, of which `done_before` were complete or pruned when this session started."""
        states = Counter(trial.state for trial in trials)
        over_limit = sum(map(is_over_limit, trials))
        best = best_trial(trials, objectives)
        return cls(
            total=total,
            complete=states[TrialState.COMPLETE],
            pruned=states[TrialState.PRUNED] - over_limit,
            over_limit=over_limit,
            failed=sum(map(is_failure, trials)),
            running=states[TrialState.RUNNING],
            objectives=tuple(objectives),
            best_values=() if best is None else tuple(best.values),
            best_trial=None if best is None else best.number,
            elapsed=elapsed,
            done_here=states[TrialState.COMPLETE] + states[TrialState.PRUNED] - done_before,
        )

    @property
    def done(self) -> int:
        """How many of the `total` are done."""
        return self.complete + self.pruned + self.over_limit

    @property
    def per_minute(self) -> float | None:
        """Trials per minute in this session; None before the second, since the first includes starting up."""
        return 60 * self.done_here / self.elapsed if self.done_here >= 2 and self.elapsed > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """At that rate; None while there is none."""
        rate = self.per_minute
        return None if rate is None else 60 * max(0, self.total - self.done) / rate
