"""What varies within a group from seed to seed, and what else differs, in words."""

from __future__ import annotations

from collections.abc import Sequence

from nnlab.analysis.comparison.facts import RunFacts
from nnlab.analysis.comparison.likeness import ABSENT, differing, values_of
from nnlab.analysis.comparison.parts import Part, telling
from nnlab.analysis.comparison.where import known_values

SHOWN = 6
SPLIT_SEED = "data.split.seed"


def varies(runs: Sequence[RunFacts]) -> str:
    """What differs between the values of a group: of runs that differ in their seeds alone what these decide."""
    parts, split = [], values_of(SPLIT_SEED, runs)
    has_seeds = len({run.seed for run in runs}) > 1
    if has_seeds:
        parts += ["initialization", "order of the rows"]
        if any(run.keys.get("model.dropout") for run in runs):
            parts.append("dropout")
        if split == [None]:
            parts.append("split")
    parts += differing(runs)[:SHOWN]
    if not parts:
        return "nothing"
    # Of a table without that key it is not known.
    is_same = len(split) == 1 and split[0] is not ABSENT and (split[0] is not None or not has_seeds)
    words = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    return f"{words}; the split is the same" if is_same else words


def elsewhere_notes(parts: Sequence[Part], *, told: Sequence[str]) -> list[str]:
    """What the groups differ in beside what their names say, and what their own runs differ in beside the seed.

    Args:
        parts: with names.
        told: the keys whose values made the parts; without any, those by which they are told apart.
    """
    notes = []
    within = {key: None for part in parts for key in differing(part.runs)}
    for part in parts:
        keys = differing(part.runs)
        if keys:
            notes.append(f"The runs of {part.name} also differ in {_values(keys, part.runs)}.")
    for part in parts:
        told_of = dict.fromkeys(run.extended for run in part.runs if run.extended)
        if told_of:
            notes.append(
                f"Runs of {part.name} were trained for longer than planned ({', '.join(told_of)}): not the same as "
                "planned so from the start."
            )
    everything = [run for part in parts for run in part.runs]
    told = told or (telling([part.runs for part in parts]) if len(parts) > 1 else [])
    others = [key for key in differing(everything) if key not in told and key not in within]
    if others and len(parts) > 1:
        first = f"Beside {' and '.join(told)} the" if told else "The"
        notes.append(f"{first} groups differ in {_values(others, everything)}.")
    return notes


def _values(keys: Sequence[str], runs: Sequence[RunFacts]) -> str:
    shown = [f"{key} ({known_values(key, runs, 4)})" for key in keys[:SHOWN]]
    return ", ".join(shown) + (f" and {len(keys) - SHOWN} more keys" if len(keys) > SHOWN else "")
