"""The commands that run more seeds of the groups that cannot be told apart."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from nnlab.analysis.comparison.answer import Answer, Group, JudgedPair
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


def commands(parts: Sequence[Part], found: Answer) -> list[str]:
    """For each group that cannot be told from another, or was chosen by its values, a command that runs more seeds.

    In the end all of these groups have the same seeds: those that one of them has, and fresh ones. No commands where
    that would be too many, or the runs of a group differ in more than the seed.
    """
    wanted, fresh = _wanted(found.groups, found.main_pairs, {part.name for part in parts if part.is_selected})
    involved = [part for part in parts if part.name in wanted]
    if not involved or len(involved) > MOST_COMMANDS or any(differing(part.runs) for part in involved):
        return []
    if any(run.extended or run.path is None for part in involved for run in part.runs):  # no one command makes such
        return []
    own = {group.name: set(_counted(group)) for group in found.groups}
    common = set().union(*(own[name] for name in wanted))
    start = max((seed for seeds in own.values() for seed in seeds), default=-1) + 1
    common |= set(range(start, start + (max(0, FEW - len(common)) if fresh is None else fresh)))
    missing = {part.name: sorted(common - own[part.name]) for part in involved}
    if max(map(len, missing.values())) > MOST:
        return []
    return [_command(part.runs[-1], missing[part.name], found.metric) for part in involved if missing[part.name]]


def _wanted(groups: Sequence[Group], judged: Sequence[JudgedPair], selected: set[str]) -> tuple[set[str], int | None]:
    """The groups that want more seeds, and how many that none of them has; None for as many as make it `FEW`."""
    wanted, fresh = set(selected), [FEW] if selected else []
    sizes = {group.name: len(group.seeds) for group in groups}
    for pair in judged:
        more, names = pair.judged.more_seeds, {pair.a, pair.b}
        if pair.judged.verdict != "cannot tell":
            continue
        if more is not None and more <= MOST:
            fresh.append(more)
            wanted |= names
        elif any(sizes[name] < 2 for name in names):
            wanted |= names
    if not judged and sizes[groups[0].name] < 2:
        wanted.add(groups[0].name)
    return wanted, max(fresh, default=None)


def _counted(group: Group) -> list[int]:
    return [seed for seed in group.seeds if isinstance(seed, int) and seed < LARGEST_COUNTED]


def _command(run: RunFacts, seeds: Sequence[int], metric: str) -> str:
    from nnlab.config.quoting import as_override

    given = {text.partition("=")[0] for text in run.overrides}
    kept = [text for text in run.overrides if text.partition("=")[0] not in ("seed", "runs_dir")]
    if "trainer.test" not in given and not metric.startswith("test/"):
        kept.append("trainer.test=false")  # they are there to be compared
    folder = run.runs_dir
    if folder is not None and runs_dir_option(Path(folder)):
        kept.append(as_override("runs_dir", str(folder)))
    return shlex.join(["python", "-m", "nnlab.run", "-m", *kept, _override(seeds)])


def _override(seeds: Sequence[int]) -> str:
    """`seed=range(10,20)`, or a list where there are gaps."""
    first, last = seeds[0], seeds[-1]
    if last - first + 1 == len(seeds) > 1:
        return f"seed=range({first},{last + 1})"
    return f"seed={','.join(map(str, seeds))}"
