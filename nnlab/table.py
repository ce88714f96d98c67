"""A table of text that fits a screen: what has no room is left out whole, and no number is cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

GAP = "  "


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: its first line.
        texts: one a row.
        leaves: where there is no room, the columns with the lowest leave first; None never leaves.
        is_left: whether the texts are aligned to the left.
        name: by which it is named where it has left; "" is the heading.
    """

    heading: str
    texts: Sequence[str]
    leaves: int | None = None
    is_left: bool = False
    name: str = ""

    @property
    def cells(self) -> list[str]:
        """Heading and texts, padded to one width."""
        cells = [self.heading, *self.texts]
        width = max(map(len, cells))
        return [cell.ljust(width) if self.is_left else cell.rjust(width) for cell in cells]


def fitting(columns: Sequence[Column], width: int) -> tuple[list[str], list[str]]:
    """A table of at most `width` characters a line, if that is possible, and the names of the columns that left."""
    kept, left = list(columns), []
    while line_width(kept) > width:
        dispensable = [column for column in kept if column.leaves is not None]
        if not dispensable:
            break
        first = min(dispensable, key=lambda column: column.leaves or 0)
        kept.remove(first)
        left.append(first.name or first.heading)
    lines = [GAP.join(cells).rstrip() for cells in zip(*(column.cells for column in kept), strict=True)]
    return lines, left


def line_width(columns: Iterable[Column]) -> int:
    """How many characters a line of these columns has."""
    return len(GAP.join(column.cells[0] for column in columns))


def letters(names: Sequence[str]) -> dict[str, str]:
    """A, B, ..., Z, AA, BB, ... in the place of long names, in their order; a table and its picture have the same."""
    return {name: ascii_uppercase[place % 26] * (place // 26 + 1) for place, name in enumerate(names)}
