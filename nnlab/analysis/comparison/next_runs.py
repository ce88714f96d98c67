"""The commands that run more seeds of the groups that cannot be told apart."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from nnlab.analysis.comparison.answer import Group, JudgedPair
from nnlab.analysis.comparison.facts import RunFacts
from nnlab.analysis.comparison.likeness import differing
from nnlab.analysis.comparison.parts import Part
from nnlab.runs.resolve import runs_dir_option

FEW = 10
"""Seeds of a group at least, where so far there is a single one."""
MOST_COMMANDS = 6
MOST = 200
"""More seeds than that are no proposal."""
LARGEST_COUNTED = 1_000_000
"""Larger seeds were drawn, not counted."""


def commands(parts: Sequence[Part], groups: Sequence[Group], judged: Sequence[JudgedPair], metric: str) -> list[str]:
    """For each group that more seeds would help, a command that runs them: the same seeds for all groups.

    A group that was chosen by its values is helped by fresh ones. None where more seeds would be too many, or the runs
    of a group differ in more than the seed.
    """
    wanted = _wanted(groups, judged)
    for part in parts:
        if part.is_selected:
            wanted[part.name] = max(FEW, wanted.get(part.name, 0))
    if not wanted or any(differing(part.runs) for part in parts if part.name in wanted):
        return []
    if any(run.extended for part in parts for run in part.runs):  # no one command makes such a run
        return []
    seeds = [seed for group in groups for seed in group.seeds if isinstance(seed, int) and seed < LARGEST_COUNTED]
    start = max(seeds, default=-1) + 1
    many = f"seed=range({start},{start + max(wanted.values())})"
    if len(wanted) > MOST_COMMANDS:
        return []
    return [
        _command(part.runs[-1], many, metric)
        for part in parts
        if part.name in wanted and part.runs[-1].path is not None
    ]


def _wanted(groups: Sequence[Group], judged: Sequence[JudgedPair]) -> dict[str, int]:
    """How many more seeds each group wants, by its name."""
    wanted: dict[str, int] = {}
    sizes = {group.name: len(group.seeds) for group in groups}
    for pair in judged:
        more = pair.judged.more_seeds
        if pair.judged.verdict != "cannot tell":
            continue
        single = min(sizes[pair.a], sizes[pair.b]) < 2
        if more is not None and more <= MOST:
            wanted |= {name: max(more, wanted.get(name, 0)) for name in (pair.a, pair.b)}
        elif single:
            wanted |= {name: max(FEW - sizes[name], wanted.get(name, 0)) for name in (pair.a, pair.b)}
    if not judged and groups[0].sample.n < 2:
        wanted[groups[0].name] = FEW - 1
    return {name: more for name, more in wanted.items() if more > 0}


def _command(run: RunFacts, seeds: str, metric: str) -> str:
    from nnlab.config.quoting import as_override

    given = {text.partition("=")[0] for text in run.overrides}
    kept = [text for text in run.overrides if text.partition("=")[0] not in ("seed", "runs_dir")]
    if "trainer.test" not in given and not metric.startswith("test/"):
        kept.append("trainer.test=false")  # they are there to be compared
    folder = run.runs_dir
    if folder is not None and runs_dir_option(Path(folder)):
        kept.append(as_override("runs_dir", str(folder)))
    return shlex.join(["python", "-m", "nnlab.run", "-m", *kept, seeds])
