"""The outcome of a trial by its runs, and what each run records of it in the end."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from nnlab.errors import UserError
from nnlab.execution.result import RunResult
from nnlab.runs.recorder import Recorder
from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.trials import Outcome

OBJECTIVE_METRICS = ("objective", "objective_2")
"""Metrics of a complete trial's runs. No other run has them, so that only complete trials are ranked."""


def outcome_of(results: Sequence[RunResult], pruned: str = "") -> Outcome:
    """The outcome of a trial by its runs, the last of which decides how it ended; `pruned` is why, if it was."""
    last = results[-1]
    names = last.scores if last.status != "diverged" else ()
    by_name = {name: [result.scores[name] for result in results] for name in names}
    return Outcome(
        status="pruned"
        if pruned or last.status == "pruned"
        else "diverged"
        if last.status == "diverged"
        else "finished",
        reason=pruned or last.reason,
        scores={name: statistics.fmean(values) for name, values in by_name.items()},
        std={name: statistics.stdev(values) for name, values in by_name.items() if len(values) > 1},
        by_seed={name: values for name, values in by_name.items() if len(values) > 1},
        epoch=last.epoch,
        epochs=sum(len(result.by_epoch) for result in results),
        seconds=sum(result.seconds for result in results),
        parameters=last.parameters,
        runs=[result.directory.name for result in results],
        weights_sha256=[result.weights_sha256 for result in results],
        code=list(dict.fromkeys(digest for result in results if (digest := _code_of(result)))),
    )


def _code_of(result: RunResult) -> str:
    """The digest of the code that a run had; empty where it is not known."""
    try:
        stored = StoredRun.at(result.directory)
        return "" if stored is None else str((stored.provenance.get("code") or {}).get("sha256", ""))
    except UserError:  # damaged
        return ""


def objective_metrics(outcome: Outcome, objectives: Sequence[str]) -> dict[str, float]:
    """What MLflow orders trials by, as the leaderboard does: the first objective, and the second where there is one."""
    return dict(zip(OBJECTIVE_METRICS, map(outcome.objective, objectives), strict=False))


def record_of_all(results: Sequence[RunResult], outcome: Outcome, objectives: Sequence[str]) -> None:
    """Record in each run of a trial what is known only after the last: the mean, or that the trial was pruned."""
    if outcome.status == "finished":
        metrics = objective_metrics(outcome, objectives)
        for result in results:
            with Recorder.reopen(result.directory, None) as recorder:
                recorder.kept(result.epoch, metrics)
    elif outcome.status == "pruned":
        for result in results:
            Recorder.reopen(result.directory, None).close("pruned", outcome.reason)
