"""What the tables, pictures and lines of a study share: a trial's state, keys and values as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from nnlab.config.naming import natural_order as natural_order
from nnlab.config.naming import short_names as short_names
from nnlab.config.naming import value_text as value_text
from nnlab.tuning.trials import Outcome

HIDDEN = "model.hidden"


def status_of(trial: FrozenTrial) -> str:
    """A `TrialStatus`, or `running`."""
    outcome = Outcome.of(trial)
    return outcome.status if outcome is not None and trial.state.is_finished() else TrialState.RUNNING.name.lower()


def status_text(trial: FrozenTrial) -> str:
    """The same in words: `over limit`."""
    return status_of(trial).replace("_", " ")


def codes_of(trials: Iterable[FrozenTrial]) -> dict[str, list[int]]:
    """The numbers of the trials that had each code, by its digest, in the order of the trials; one may have several.

    Those that have a score and whose code is not known, because an earlier version ran them, are under "".
    """
    found: dict[str, list[int]] = {}
    for trial in sorted(trials, key=lambda trial: trial.number):
        outcome = Outcome.of(trial)
        has_score = outcome is not None and outcome.status in ("finished", "pruned")
        for digest in (outcome.code if outcome is not None else ()) or ([""] if has_score else []):
            found.setdefault(digest, []).append(trial.number)
    return found


def code_text(digests: Iterable[str]) -> str:
    """Digests as people tell them apart: `3f2a91c`."""
    return " ".join(digest[:7] for digest in digests).strip() or "unknown"


def values_text(values: Mapping[str, Any]) -> str:
    """The searched values of a trial in one line: `hidden=[64,32] lr=0.1 batch_size=32`."""
    names = short_names(list(values))
    return " ".join(f"{names[key]}={value_text(values[key])}" for key in natural_order(values))


def objective_text(objective: str, value: float) -> str:
    """The value of an objective or a score: four decimals where these suffice, parameters as whole numbers."""
    if objective == "parameters":
        return f"{value:,.0f}"
    if objective == "seconds":
        return f"{value:.1f}"
    return f"{value:.4f}" if 1e-2 <= abs(value) < 1e4 or value == 0 else f"{value:.4g}"


def spread_text(objective: str, deviation: float) -> str:
    """A standard deviation, as it stands after the mean: four decimals where they say something."""
    return f"{deviation:.4f}" if 5e-5 <= deviation < 1e4 else objective_text(objective, deviation)
