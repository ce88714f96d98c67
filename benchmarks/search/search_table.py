"""How far from the best a search is after 25, 50 and 100 trials: nnlab, plain Optuna and chance, on tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.bench import Bench
from benchmarks.report import Row, Table
from benchmarks.search.contestants import CONTESTANTS, OPTUNA, OURS, Form
from benchmarks.search.regret import LOOKS, Searched, interval, searched
from benchmarks.search.tables import HPOBENCH, HPOLIB, INSTALL, Family, is_installed

STUDIES_A_ROUND = 10
FORMS: tuple[Form, ...] = ("choices", "numbers")


def search_table(bench: Bench) -> Table:
    """Regret after 25, 50 and 100 trials on HPOBench's eight tables, against plain Optuna and chance."""
    return _table(bench, HPOBENCH)


def search_table_hpolib(bench: Bench) -> Table:
    """The same on HPOLib's four tables of regressions, on which nothing of nnlab was chosen."""
    return _table(bench, HPOLIB)


def _table(bench: Bench, family: Family) -> Table:
    if not is_installed():
        return Table(f"left out: {INSTALL}", [])
    sets = family.sets[:1] if bench.is_quick else family.sets
    studies = 2 if bench.is_quick else STUDIES_A_ROUND * bench.rounds
    looks = (12,) if bench.is_quick else LOOKS
    measured: list[Row] = []
    for form in FORMS:
        found = searched(list(CONTESTANTS), family, sets, form, studies, looks)
        measured += rows(found, form, looks, family.unit)
    return Table(
        f"regret of the best of so many trials on {len(sets)} tables of {family.name}, {studies} studies each: the\n"
        f"  mean, and its 95 % interval as the spread; a space of choices, or of numbers of which the nearest counts",
        measured,
    )


def rows(found: Mapping[str, Searched], form: str, looks: Sequence[int], unit: str) -> Iterator[Row]:
    """The regrets of all contestants, and by how much nnlab's are smaller than plain Optuna's."""
    for name, result in found.items():
        for look, each in zip(looks, interval(result.regrets), strict=True):
            yield Row(f"{form}, {look} trials: {name}", each, unit)
    for name in OURS:
        for look, each in zip(looks, interval(found[OPTUNA].regrets - found[name].regrets), strict=True):
            yield Row(f"{form}, {look} trials: {OPTUNA} less {name}", each, unit, "> 0")
    for name, result in found.items():
        yield Row(f"{form}, a trial: {name}", [result.milliseconds], " ms")
