"""How far a study has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from optuna.trial import FrozenTrial, TrialState

from nnlab.tuning.budget import Budget, Use
from nnlab.tuning.known import KnownTrials


@dataclass(frozen=True)
class Standing:
    """How far a study has come.

    Attributes:
        total: how many trials are to be complete, pruned or over their limit in the end; None if no number ends it.
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
        budget: what else may end the study; None if nothing is known of that.
        use: of that.
    """

    total: int | None
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
    budget: Budget | None = None
    use: Use = field(default_factory=Use)

    @classmethod
    def of(
        cls,
        trials: Sequence[FrozenTrial],
        objectives: Sequence[str],
        *,
        total: int | None,
        elapsed: float,
        done_before: int = 0,
        budget: Budget | None = None,
        searched: float = 0.0,
    ) -> Standing:
        """Count `trials`, of which `done_before` were complete or pruned when this session started.

        With a `budget`, `searched` is how many of its seconds are used.
        """
        known = KnownTrials.of(trials, objectives)
        best = known.best
        return cls(
            total=total,
            complete=known.in_state(TrialState.COMPLETE),
            pruned=known.in_state(TrialState.PRUNED) - known.over_limit,
            over_limit=known.over_limit,
            failed=known.failed,
            running=known.in_state(TrialState.RUNNING),
            objectives=tuple(objectives),
            best_values=() if best is None else tuple(best.values),
            best_trial=None if best is None else best.number,
            elapsed=elapsed,
            done_here=known.finished - done_before,
            budget=budget,
            use=budget.use(known, searched) if budget is not None and budget.is_more_than_a_number else Use(),
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
        """Until the `total` at that rate, or until the time is over if that is sooner; None while neither is known."""
        known = []
        if self.total is not None and (rate := self.per_minute) is not None:
            known.append(60 * max(0, self.total - self.done) / rate)
        if self.budget is not None and self.budget.seconds is not None:
            known.append(max(0.0, self.budget.seconds - self.use.seconds))
        return min(known, default=None)

    @property
    def share(self) -> float | None:
        """Of the way to the end that is sure to come, from 0 to 1; None where only a better trial decides."""
        known = [] if not self.total else [self.done / self.total]
        if self.budget is not None and self.budget.seconds is not None:
            known.append(self.use.seconds / self.budget.seconds)
        return min(1.0, max(known)) if known else None
