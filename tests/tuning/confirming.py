"""Confirming runs as nnlab stores them, made without a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from optuna.trial import FrozenTrial
from trial_samples import make_trial

from nnlab.tuning.confirm.plan import ConfirmPlan
from nnlab.tuning.confirm.results import Confirmation
from nnlab.tuning.trials import ASKED, Asked, TrialStatus

LOSS = ("val/loss",)
FRESH = [2**32 + 1, 2**32 + 2, 2**32 + 3]


def make_run(number: int, trial: int, seed: int, value: float | None, status: TrialStatus = "finished") -> FrozenTrial:
    """A run that confirms a trial; one that is running for the value None."""
    values, kind = ([], None) if value is None else ([value], status)
    run = make_trial(number, values if status == "finished" else [], status=kind, seeds=[seed])
    asked = replace(Asked.of(run), confirms=trial)
    run.user_attrs[ASKED] = asked.to_dict()
    return run


def make_runs(values: Mapping[int, Sequence[float]], seeds: Sequence[int] = FRESH) -> list[FrozenTrial]:
    """Finished runs: by trial, the value of each seed."""
    pairs = [(trial, seed, value) for trial in values for seed, value in zip(seeds, values[trial], strict=False)]
    return [make_run(number, *pair) for number, pair in enumerate(pairs)]


def confirmation_of(
    search: Mapping[int, float], fresh: Mapping[int, Sequence[float]], objective: str = "val/loss", **trial: Any
) -> tuple[list[FrozenTrial], Confirmation]:
    """Trials with these values in the search, and what fresh seeds say of some."""
    trials = [make_trial(number, [value], **trial) for number, value in search.items()]
    seeds = FRESH[: max(map(len, fresh.values()))]
    return trials, Confirmation.of(ConfirmPlan(list(fresh), seeds), trials, make_runs(fresh, seeds), objective)
