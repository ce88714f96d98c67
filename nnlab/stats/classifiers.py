"""Whether one of two classifiers is right more often than the other on the same rows: McNemar's exact test."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnlab.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class McNemar:
    """Rows that two classifiers have right or wrong.

    Attributes:
        only_a: rows that a alone has right.
        only_b: rows that b alone has right.
        both: rows that both have right.
        neither: rows that both have wrong.
        p: two-sided and exact, that a row of which one alone is right is as likely to be a's as b's.
    """

    only_a: int
    only_b: int
    both: int
    neither: int
    p: float


def mcnemar(a_right: Iterable[bool], b_right: Iterable[bool]) -> McNemar:
    """McNemar's test of two classifiers on the same rows, in the same order.

    Reference: Q. McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika
    1947; exact, by the binomial distribution.

    Args:
        a_right: for each row, whether a has it right: booleans, of shape (rows,).
        b_right: likewise for b.

    Raises:
        UserError: if there are no rows, or not the same number for both, or a value is neither true nor false.
    """
    from statsmodels.stats.contingency_tables import mcnemar as test

    a, b = _right(a_right), _right(b_right)
    if a.shape != b.shape:
        raise UserError(
            f"McNemar's test needs predictions on the same rows, but a has {len(a)} rows and b {len(b)}: "
            "compare runs that were evaluated on the same split"
        )
    both, only_a, only_b = int((a & b).sum()), int((a & ~b).sum()), int((~a & b).sum())
    neither = len(a) - both - only_a - only_b
    return McNemar(only_a, only_b, both, neither, float(test([[both, only_a], [only_b, neither]], exact=True).pvalue))


def _right(values: Iterable[bool]) -> NDArray[np.bool_]:
    import numpy as np

    read = np.asarray(values if hasattr(values, "__array__") else list(values))
    if read.ndim != 1 or not len(read) or not np.isin(read, (0, 1)).all():
        raise UserError(
            "McNemar's test needs for each row whether it is right, true or false, of shape (rows,); "
            f"these have shape {read.shape} and type {read.dtype}: give predicted == targets"
        )
    return read.astype(bool)
