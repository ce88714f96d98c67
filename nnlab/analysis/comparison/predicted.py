"""Two single runs on the rows of one split: which of them decided more rows right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnlab.analysis.comparison.facts import RunFacts
from nnlab.errors import UserError
from nnlab.runs.stored_run import StoredRun

if TYPE_CHECKING:
    from nnlab.stats import McNemar


def row_by_row(a: RunFacts, b: RunFacts, metric: str) -> tuple[McNemar | None, list[str]]:
    """McNemar's test of two runs by the predictions that they keep; None, with why, if it cannot be had.

    Args:
        a: a run.
        b: another.
        metric: decides the split: the test split for `test/...`, else validation.
    """
    from nnlab.runs.predictions import Split, predictions_of
    from nnlab.stats import mcnemar

    if a.path is None or b.path is None:
        return None, []
    split: Split = "test" if metric.startswith("test/") else "validation"
    try:
        first, second = (predictions_of(StoredRun.open(path), split) for path in (a.path, b.path))
    except UserError as error:
        return None, [f"The two models cannot be compared row by row: {error}"]
    if not np.array_equal(first.targets, second.targets):
        return None, [f"The two models cannot be compared row by row: they have different {split} rows."]
    return mcnemar(first.predicted == first.targets, second.predicted == second.targets), []
