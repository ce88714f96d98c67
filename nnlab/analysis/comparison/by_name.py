"""The comparison that a command line asks for, by names, a key, and conditions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from nnlab.analysis.comparison.compare import comparison
from nnlab.analysis.comparison.comparison import Comparison
from nnlab.analysis.comparison.facts import RunFacts
from nnlab.analysis.comparison.names import Named, Names, all_runs
from nnlab.analysis.comparison.parts import Part, alike, by_keys
from nnlab.analysis.comparison.where import satisfying
from nnlab.errors import UserError
from nnlab.paths import expanded
from nnlab.wording import number_of


def compare_names(
    names: Sequence[str],
    runs_dir: Path,
    *,
    by: Sequence[str] = (),
    where: Sequence[str] = (),
    metric: str | None = None,
    margin: float | None = None,
    alone: bool = False,
) -> Comparison:
    """Compare what names stand for, or the values of keys.

    Args:
        names: runs, groups, studies, or runs with commas between; none, with `by`, are all runs of the folder.
        runs_dir: the folder of the runs, in which names are looked up.
        by: keys whose values are compared.
        where: conditions on keys, see `nnlab.analysis.comparison.where`.
        metric: None is the `trainer.monitor` that all have in common.
        margin: within which two groups are equal for practice.
        alone: whether a run's name stands for that run only.

    Raises:
        UserError: if a name, key, condition or metric is wrong, or there is nothing that can be compared.
    """
    if not names and not by:
        raise UserError(
            "nnlab.compare needs to know what to compare: names of runs, groups or studies, or --by KEY. "
            "See python -m nnlab.compare --help."
        )
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise UserError(f"A name stands once in a comparison, but {twice[0]!r} is given twice. Leave one out.")
    look = Names(expanded(runs_dir), alone=alone, everything=bool(by))
    named = [look.named(name) for name in names]
    if by:
        runs = all_runs(named) if names else look.everything()
        runs, left_out = _unchosen(runs)
        parts = by_keys(satisfying(runs, where), by)
        notes = [*(note for each in named for note in each.notes), *left_out]
    else:
        named, notes = _apart(named)
        parts = [part for each in named for part in _parts(each, satisfying(each.runs, where))]
        notes += _overlaps(parts)
    if look.damaged:
        notes.append(
            f"WARNING: {number_of(len(look.damaged), 'run directory', 'run directories')} cannot be read and "
            f"may belong here: {'; '.join(look.damaged[:3])}"
        )
    return comparison(parts, by=by, metric=metric, margin=margin, notes=notes)


def _unchosen(runs: list[RunFacts]) -> tuple[list[RunFacts], list[str]]:
    """The runs without those that confirm: only a study's best trials have such, so they would favour their groups."""
    kept = [run for run in runs if not run.confirms]
    if not kept or len(kept) == len(runs):
        return runs, []
    count = number_of(len(runs) - len(kept), "run that confirms", "runs that confirm")
    return kept, [f"Left out: {count} a study's best trials; the others have none."]


def _overlaps(parts: Sequence[Part]) -> list[str]:
    """What there is to say of runs that stand in several parts.

    Raises:
        UserError: if two parts are the same.
    """
    notes = []
    for a, b in combinations(parts, 2):
        shared = len({run.path for run in a.runs} & {run.path for run in b.runs})
        if shared and shared == len(a.runs) == len(b.runs):
            same = number_of(shared, "run")
            raise UserError(f"Two groups must differ, but {a.asked} and {b.asked} have the same {same}.")
        if shared:
            runs = number_of(shared, "run is", "runs are")
            notes.append(f"WARNING: {runs} in {a.asked} and in {b.asked} too, where nothing can differ.")
    return notes


def _parts(named: Named, runs: list[RunFacts]) -> list[Part]:
    if not named.is_whole:
        return alike(runs, named.name)
    return [Part(runs, named.name, named.title, is_selected=named.is_selected)]


def _apart(named: Sequence[Named]) -> tuple[list[Named], list[str]]:
    """Names of which no two stand for the same runs: two runs of one group stand for themselves alone.

    Raises:
        UserError: if two names stand for the same runs and cannot be told apart.
    """
    notes = [note for each in named for note in each.notes]
    of_runs: dict[frozenset[str], list[Named]] = {}
    for each in named:
        of_runs.setdefault(frozenset(str(run.path) for run in each.runs), []).append(each)
    found = []
    for each in named:
        same = of_runs[frozenset(str(run.path) for run in each.runs)]
        if len(same) == 1:
            found.append(each)
            continue
        if any(one.single is None for one in same) or len({one.single.path for one in same if one.single}) < len(same):
            what = " and ".join(one.name for one in same)
            size = number_of(len(each.runs), "run")
            raise UserError(f"Two groups must differ, but {what} stand for the same {size}.")
        assert each.single is not None
        found.append(replace(each, runs=[each.single], is_whole=True, title=each.name))
        notes.append(
            f"{' and '.join(one.name for one in same)} differ in the seed alone, so each stands for itself, not for "
            f"its group of {len(each.runs)} runs."
        )
    return found, notes
