"""Whether a metric means the same in all runs of a comparison: the same rows, the same code."""

from __future__ import annotations

from collections.abc import Sequence

from nnlab.analysis.comparison.facts import UNKNOWN, RunFacts
from nnlab.analysis.comparison.likeness import values_of
from nnlab.analysis.comparison.parts import Part
from nnlab.analysis.comparison.where import known_values
from nnlab.config.naming import value_text
from nnlab.config.quoting import to_paste
from nnlab.errors import UserError
from nnlab.wording import number_of

SPLIT = ("data.split.strategy", "data.split.validation", "data.split.test", "data.split.pooled", "data.split.seed")
"""The keys that decide which rows are validated; with `data.split.seed=null` it is the run's seed that does."""
SHOWN = 6


def rows_notes(parts: Sequence[Part], metric: str, *, by: bool) -> list[str]:
    """What there is to say of the rows that a metric is measured on.

    Args:
        parts: the runs that are compared.
        metric: one of the validation split, `val/...`, means something else on other rows.
        by: whether the runs were chosen by a key, so that a condition can choose among them.

    Raises:
        UserError: if the metric was measured on different rows.
    """
    runs = [run for part in parts for run in part.runs]
    data = sorted({(run.data_name, run.data) for run in runs})
    split = [key for key in SPLIT if len(values_of(key, runs)) > 1]
    of_split, of_test = metric.startswith("val/"), metric.startswith("test/")
    if (len(data) > 1 and (of_split or of_test)) or (split and of_split):
        raise UserError(_refusal(runs, metric, data, split, by=by))
    notes = []
    if len(data) > 1:
        notes.append(
            f"WARNING: the runs have different data ({_data_words(runs, data)}), and {metric} depends on them."
        )
    if split:
        notes.append(
            f"WARNING: the runs were split differently ({_split_words(runs, split)}), so that {metric} may be of "
            "different rows."
        )
    if any(value == UNKNOWN for _, value in data):
        notes.append("It is not known whether the runs had the same data: the table names no run directories.")
    return notes


def unlike_losses(parts: Sequence[Part], metric: str) -> str | None:
    """How the runs measure a loss in different ways, so that it cannot be compared; None for what can."""
    runs = [run for part in parts for run in part.runs]
    if metric.rpartition("/")[2] != "loss":
        return None
    reported = [run for run in runs if run.keys.get("regularizer.reported")]
    if len(values_of("model.loss", runs)) > 1:
        return f"they have model.loss {known_values('model.loss', runs)}"
    if reported and len(penalties := {_penalty(run) for run in runs}) > 1:
        return f"{len(reported)} of {len(runs)} report it with a penalty, and there are {len(penalties)} penalties"
    return None


def _penalty(run: RunFacts) -> str:
    """What a reported loss has beside the loss itself."""
    if not run.keys.get("regularizer.reported"):
        return ""
    return repr(sorted((key, value) for key, value in run.keys.items() if key.startswith("regularizer.")))


def code_notes(parts: Sequence[Part]) -> list[str]:
    """What there is to say of the code that computed the runs."""
    codes: dict[str, int] = {}
    for part in parts:
        for run in part.runs:
            codes[run.code] = codes.get(run.code, 0) + 1
    if len(codes) < 2:
        return []
    counts = ", ".join(f"{count} of {_short(code)}" for code, count in list(codes.items())[:SHOWN])
    more = f" and {len(codes) - SHOWN} more" if len(codes) > SHOWN else ""
    apart = all(len({run.code for run in part.runs}) == 1 for part in parts)
    if apart and len(codes) == len(parts):
        return [f"Each group was computed by other code ({counts}{more}): that may be the difference."]
    return [f"The runs were computed by {len(codes)} versions of the code ({counts}{more})."]


def _short(code: str) -> str:
    """A digest, or a commit, by its first twelve digits."""
    kind, _, digest = code.rpartition(" ")
    return f"{kind} {digest[:12]}".strip()


def _refusal(
    runs: Sequence[RunFacts], metric: str, data: Sequence[tuple[str, str]], split: Sequence[str], *, by: bool
) -> str:
    if len(data) > 1:
        fact = f"these {len(runs)} runs have different data: {_data_words(runs, data)}"
        condition = _choosing_data(runs, data)
    else:
        fact = f"these {len(runs)} runs were split differently: {_split_words(runs, split)}"
        values = values_of(split[0], runs)
        most = max(values, key=lambda value: sum(run.keys.get(split[0]) == value for run in runs))
        condition = f"{split[0]}={value_text(most)}"
    remedy = (
        f"Choose one: --where {condition}" if by and condition else "Compare runs of the same data and the same split"
    )
    return f"A comparison by {metric} needs the same rows in every run, but {fact}. {remedy}."


def _choosing_data(runs: Sequence[RunFacts], data: Sequence[tuple[str, str]]) -> str:
    """The condition that leaves the runs of the most frequent data alone; "" where neither name nor place tells it."""
    most = max(data, key=lambda each: sum((run.data_name, run.data) == each for run in runs))
    own = [run for run in runs if (run.data_name, run.data) == most]
    for key in ("data.name", "data.root"):
        value = own[0].keys.get(key)
        if value is not None and [run for run in runs if run.keys.get(key) == value] == own:
            return to_paste(key, str(value)) if key == "data.root" else f"{key}={value}"
    return ""


def _data_words(runs: Sequence[RunFacts], data: Sequence[tuple[str, str]]) -> str:
    counts = [
        f"{name} ({digest[:12]}, {number_of(sum((run.data_name, run.data) == (name, digest) for run in runs), 'run')})"
        for name, digest in data
    ]
    return ", ".join(counts[:SHOWN]) + (f" and {len(counts) - SHOWN} more" if len(counts) > SHOWN else "")


def _split_words(runs: Sequence[RunFacts], split: Sequence[str]) -> str:
    words = []
    for key in split:
        values = [
            f"{value_text(value)} ({sum(run.keys.get(key) == value for run in runs)})" for value in values_of(key, runs)
        ]
        words.append(f"{key} is {', '.join(values[:SHOWN])}{' and more' if len(values) > SHOWN else ''}")
    return "; ".join(words)
