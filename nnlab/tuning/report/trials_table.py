"""`trials.csv`: one row per trial of a study, complete and exact."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import fmean, stdev
from typing import Any

from optuna.trial import FrozenTrial

from nnlab.tuning.confirm.results import Confirmation
from nnlab.tuning.report.trial_facts import HIDDEN, natural_order, status_of
from nnlab.tuning.trials import Asked, Outcome


def trials_table(
    trials: Sequence[FrozenTrial], objectives: Sequence[str], confirmation: Confirmation | None = None
) -> str:
    """The trials as CSV, one row per trial in the order of their numbers.

    Columns: number, state (Optuna's), status, reason; the value of each objective as `objective <name>`; each score,
    and with several seeds its standard deviation as `<score> std`; epochs (trained), epoch (whose weights are kept),
    seconds, parameters, seeds, duplicate_of, source (whose guess a trial was, if any was one), runs (names with a space
    between), code (the digests of what they ran), started, ended (ISO 8601, UTC); then each searched key, and
    `model.hidden` where depth and widths are searched. If trials were confirmed: `confirmed`, the rank by that,
    `confirmed seeds`, `confirmed failed`, how many of them failed, `confirmed runs`, and for each score
    `confirmed <score>` and its standard deviation `confirmed <score> std`, of the runs that have finished.

    What a trial lacks is left empty. Numbers are read back exactly. The same trials give the same text.
    """
    ordered = sorted(trials, key=lambda trial: trial.number)
    confirmed = _confirmed(confirmation) if confirmation is not None else {}
    rows = [_facts(trial, objectives) | _searched(trial) | confirmed.get(trial.number, {}) for trial in ordered]
    searched = natural_order(key for trial in ordered for key in _searched(trial))
    of_confirmed = list(dict.fromkeys(column for facts in confirmed.values() for column in facts))
    columns = [*_columns(ordered, objectives), *searched, *of_confirmed]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({column: _cell(value) for column, value in row.items()} for row in rows)
    return text.getvalue()


def _columns(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> list[str]:
    outcomes = [outcome for trial in trials if (outcome := Outcome.of(trial)) is not None]
    source = ["source"] if any(Asked.of(trial).source for trial in trials) else []
    return [
        *("number", "state", "status", "reason"),
        *(f"objective {name}" for name in objectives),
        *natural_order(name for outcome in outcomes for name in outcome.scores),
        *(f"{name} std" for name in natural_order(name for outcome in outcomes for name in outcome.std)),
        *("epochs", "epoch", "seconds", "parameters", "seeds", "duplicate_of"),
        *(*source, "runs", "code", "started", "ended"),
    ]


def _facts(trial: FrozenTrial, objectives: Sequence[str]) -> dict[str, Any]:
    asked, outcome = Asked.of(trial), Outcome.of(trial)
    facts: dict[str, Any] = {
        "number": trial.number,
        "state": trial.state.name,
        "status": status_of(trial),
        "seeds": " ".join(map(str, asked.seeds)),
        "duplicate_of": asked.duplicate_of,
        **({"source": asked.source} if asked.source else {}),
        "started": _utc(trial.datetime_start),
        "ended": _utc(trial.datetime_complete),
    }
    # A pruned trial has its last score where a complete one has its values, whatever the objectives.
    facts |= {f"objective {name}": value for name, value in zip(objectives, trial.values or (), strict=False)}
    if outcome is not None:
        facts |= {"reason": outcome.reason, "epochs": outcome.epochs, "epoch": outcome.epoch}
        facts |= {"seconds": outcome.seconds, "parameters": outcome.parameters, "runs": " ".join(outcome.runs)}
        facts["code"] = " ".join(outcome.code)
        facts |= outcome.scores
        facts |= {f"{name} std": value for name, value in outcome.std.items()}
    return facts


def _confirmed(confirmation: Confirmation) -> dict[int, dict[str, Any]]:
    """By a trial's number, what its confirming runs say."""
    names = natural_order(
        name for each in confirmation.confirmed for outcome in each.finished.values() for name in outcome.scores
    )
    table: dict[int, dict[str, Any]] = {}
    for rank, each in enumerate(confirmation.confirmed, 1):
        facts: dict[str, Any] = {
            "confirmed": rank if each.is_whole else None,
            "confirmed seeds": " ".join(map(str, each.seeds)),
            "confirmed failed": each.failed,
            "confirmed runs": " ".join(run for outcome in each.finished.values() for run in outcome.runs),
        }
        for name in names:
            values = each.values(name)
            facts[f"confirmed {name}"] = fmean(values) if values else None
            facts[f"confirmed {name} std"] = stdev(values) if len(values) > 1 else None
        table[each.trial.number] = facts
    return table


def _searched(trial: FrozenTrial) -> dict[str, Any]:
    values = Asked.of(trial).values
    return {**trial.params, **({HIDDEN: values[HIDDEN]} if HIDDEN in values else {})}


def _utc(moment: datetime | None) -> str | None:
    """Optuna stores local times without a zone."""
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return json.dumps(value)
    return repr(value) if isinstance(value, float) else str(value)
