"""How large the network of a config is, known without making it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, order=True)
class NetworkSize:
    """The size of a network; smaller ones come first.

    Attributes:
        multiplications: of inputs by weights, for one row forward. Training takes about three times as many.
        parameters: numbers that are learned, biases included.
    """

    multiplications: int
    parameters: int


def network_size(widths: Sequence[int], *, has_biases: bool) -> NetworkSize:
    """The size of a stack of dense layers.

    Args:
        widths: of input, hidden layers and output, in this order.
        has_biases: whether each unit has one.
    """
    products = sum(rows * columns for rows, columns in pairwise(widths))
    return NetworkSize(products, products + (sum(widths[1:]) if has_biases else 0))
