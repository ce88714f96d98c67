"""How large a network of dense layers is, from its widths alone: before it is built."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def parameters_of(widths: Sequence[int], *, bias: bool) -> int:
    """How many parameters it has.

    Args:
        widths: from the input to the output.
        bias: whether layers have biases.
    """
    return multiplications_of(widths) + (sum(widths[1:]) if bias else 0)


def multiplications_of(widths: Sequence[int]) -> int:
    """How many multiplications the prediction of a row takes: one for each weight."""
    return sum(rows * columns for rows, columns in pairwise(widths))
