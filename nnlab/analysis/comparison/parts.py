"""Runs divided into what is compared, and a name for each part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nnlab.analysis.comparison.facts import RunFacts
from nnlab.analysis.comparison.likeness import ABSENT, SEED, differing, exact_text, likeness, values_of
from nnlab.analysis.comparison.where import check_key
from nnlab.config.naming import short_names, value_text
from nnlab.errors import UserError

LONGEST_NAME = 48


@dataclass(frozen=True)
class Part:
    """Runs that are to be one group.

    Attributes:
        runs: at least one.
        asked: the name by which they were asked for, if they were.
        name: by which the group is to be called; "" before that is decided.
        is_selected: whether it was chosen by its values, as the winner of a study is: new runs would be worse.
        notes: what the reader has to know of the choice.
    """

    runs: list[RunFacts]
    asked: str | None = None
    name: str = ""
    is_selected: bool = False
    notes: list[str] = field(default_factory=list)


def alike(runs: Sequence[RunFacts], asked: str | None = None) -> list[Part]:
    """Runs that differ in nothing but their seeds, together; in the order of their first runs."""
    found: dict[str, list[RunFacts]] = {}
    for run in runs:
        found.setdefault(likeness(run), []).append(run)
    return [Part(members, asked) for members in found.values()]


def by_keys(runs: Sequence[RunFacts], keys: Sequence[str]) -> list[Part]:
    """Runs with the same values of some keys, together; in the order of the values. Runs without one are left out.

    Raises:
        UserError: if no run has one of the keys, or it is the seed.
    """
    for key in keys:
        if key == SEED:
            raise UserError(
                "--by takes a key whose values are compared, but `seed` is what a mean is over: single runs would be "
                "left. Leave it out, or take another key."
            )
        check_key(key, runs)
    found: dict[str, list[RunFacts]] = {}
    having = [run for run in runs if all(key in run.keys for key in keys)]
    for run in having:
        found.setdefault(repr([exact_text(run.keys[key]) for key in keys]), []).append(run)
    names = {text: _values_name(members[0], keys, list(found.values())) for text, members in found.items()}
    left = f"{len(runs) - len(having)} without {' or '.join(keys)}"
    notes = [f"Left out: {left}."] if len(having) < len(runs) else []
    order = sorted(found, key=lambda text: [_order(found[text][0].keys[key]) for key in keys])
    return [Part(found[text], name=names[text], notes=notes if text == order[0] else []) for text in order]


def named(parts: Sequence[Part]) -> list[Part]:
    """The parts, each with a name that no other has: what differs between them, in as few keys as tell them apart."""
    if len(parts) == 1:
        only = parts[0]
        return [replace(only, name=only.name or only.asked or "these runs")]
    keys = telling([part.runs for part in parts])
    names = []
    for part in parts:
        text = part.name or (_values_name(part.runs[0], keys, [each.runs for each in parts]) if keys else "")
        names.append(text if 0 < len(text) <= LONGEST_NAME else part.asked or text or "runs")
    unique = []
    for place, (part, name) in enumerate(zip(parts, names, strict=True)):
        if names.count(name) > 1:
            name = f"{name} ({part.asked})" if part.asked and part.asked != name else name
        unique.append(name if name not in unique else f"{name} #{place + 1}")
    return [replace(part, name=name) for part, name in zip(parts, unique, strict=True)]


def telling(groups: Sequence[Sequence[RunFacts]]) -> list[str]:
    """Keys by which groups can be told apart, each the same within a group; none if nothing of the kind differs."""
    candidates = [
        key
        for key in differing([run for runs in groups for run in runs])
        if all(len(values_of(key, runs)) == 1 for runs in groups)
    ]
    chosen: list[str] = []
    apart = 1
    while True:
        best, most = "", apart
        for key in sorted(candidates, key=lambda key: not key.endswith(".name")):
            count = len({_signature(runs[0], [*chosen, key]) for runs in groups})
            if count > most:
                best, most = key, count
        if not best:
            return sorted(chosen, key=candidates.index)
        chosen.append(best)
        apart = most


def _signature(run: RunFacts, keys: Sequence[str]) -> str:
    return repr([exact_text(run.keys.get(key, ABSENT)) for key in keys])


def _values_name(run: RunFacts, keys: Sequence[str], groups: Sequence[Sequence[RunFacts]]) -> str:
    """`relu` where one key tells the groups apart, by texts; else `lr=0.1 momentum=0.9`, by the keys that it has."""
    texts = {key: _distinct_text(key, run.keys[key], groups) for key in keys if key in run.keys}
    if len(keys) == 1 and isinstance(run.keys.get(keys[0]), str):
        return texts[keys[0]]
    short = short_names(list(keys))
    return " ".join(f"{short[key]}={texts[key]}" for key in texts) or f"no {' or '.join(short.values())}"


def _distinct_text(key: str, value: Any, groups: Sequence[Sequence[RunFacts]]) -> str:
    """A value in few digits, if these tell it from the others."""
    others = [other for runs in groups for other in values_of(key, runs)]
    alike = {exact_text(other) for other in others if value_text(other) == value_text(value)}
    return value_text(value) if len(alike) == 1 else str(value)


def _order(value: Any) -> tuple[int, float, list[Any], str]:
    """Numbers by size, then texts with the numbers in them by size."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 0, float(value), [], ""
    if isinstance(value, tuple):
        return 1, 0.0, [_order(item) for item in value], ""
    return 2, 0.0, [], str(value)
