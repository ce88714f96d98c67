"""How often test splits were evaluated: counted in what the runs recorded, not in what was planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

Looks = Mapping[str, int]
"""Evaluations by test split."""


def looks_of(table: pd.DataFrame, beside: Looks) -> dict[str, int]:
    """The evaluations of a study's runs (a row each, see `nnlab.results.results`) and those made beside them."""
    counts = Counter(beside)
    if "test/accuracy" in table:
        counts.update(split_of(row) for _, row in table[table["test/accuracy"].notna()].iterrows())
    return dict(counts)


def split_of(run: Mapping[str, object] | pd.Series) -> str:
    """Whose test split a run has: the source's own, or one of its own making where all rows are divided anew."""
    own = str(run["data.name"])
    return f"{own} with all its rows divided anew" if run["data.split.pooled"] else own


def told(looks: Sequence[Looks]) -> str:
    """The sum of several studies' evaluations, in words."""
    total: Counter[str] = Counter()
    for each in looks:
        total.update(each)
    if not total:
        return "no test split was evaluated"
    return "the test split was evaluated " + ", and ".join(
        f"{count} time{'' if count == 1 else 's'} on {split}" for split, count in total.items()
    )
