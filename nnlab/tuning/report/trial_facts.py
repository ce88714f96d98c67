"""What the tables, pictures and lines of a study share: a trial's state, keys and values as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from nnlab.tuning.trials import Outcome

HIDDEN = "model.hidden"


def status_of(trial: FrozenTrial) -> str:
    """A `TrialStatus`, or `running`."""
    outcome = Outcome.of(trial)
    return outcome.status if outcome is not None and trial.state.is_finished() else TrialState.RUNNING.name.lower()


def natural_order(names: Iterable[str]) -> list[str]:
    """The distinct names in alphabetical order, numbers in them by size: `width.2` before `width.10`."""
    return sorted(set(names), key=lambda name: [part.zfill(9) if part.isdigit() else part for part in _parts(name)])


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Each key by as few of its last parts as tell it from the others: `lr` for `optimizer.lr`, `width.0`."""

    def short(key: str) -> str:
        others = {ending for other in keys if other != key for ending in _endings(other)}
        return next((name for name in _endings(key) if not name[0].isdigit() and name not in others), key)

    return {key: short(key) for key in keys}


def codes_of(trials: Iterable[FrozenTrial]) -> dict[str, list[int]]:
    """The numbers of the trials that had each code, by its digest, in the order of the trials; one may have several."""
    found: dict[str, list[int]] = {}
    for trial in sorted(trials, key=lambda trial: trial.number):
        outcome = Outcome.of(trial)
        for digest in outcome.code if outcome is not None else ():
            found.setdefault(digest, []).append(trial.number)
    return found


def code_text(digests: Iterable[str]) -> str:
    """Digests as people tell them apart: `3f2a91c`."""
    return " ".join(digest[:7] for digest in digests) or "–"


def value_text(value: Any) -> str:
    """A searched value in few characters: floats by four significant digits, lists as a command line takes them."""
    if isinstance(value, list):
        return f"[{','.join(map(value_text, value))}]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


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


def _parts(name: str) -> list[str]:
    return re.split(r"(\d+)", name)


def _endings(key: str) -> list[str]:
    parts = key.split(".")
    return [".".join(parts[start:]) for start in range(len(parts) - 1, -1, -1)]
