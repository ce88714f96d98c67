"""A table of text that fits a screen: what has no room is left out and named, and no number is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GAP = "  "


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: its first line.
        texts: one a row.
        leaves: where there is no room, the columns with the lowest leave first; None never leaves.
        is_left: whether the texts are aligned to the left.
    """

    heading: str
    texts: Sequence[str]
    leaves: int | None = None
    is_left: bool = False

    @property
    def cells(self) -> list[str]:
        """Heading and texts, padded to one width."""
        width = max(map(len, (self.heading, *self.texts)))
        cells = [self.heading, *self.texts]
        return [cell.ljust(width) if self.is_left else cell.rjust(width) for cell in cells]


def fitting(columns: Sequence[Column], width: int) -> tuple[list[str], list[str]]:
    """The lines of a table that is at most `width` wide, if that is possible, and the headings that were left out."""
    kept, left = list(columns), []
    while len(GAP.join(column.cells[0] for column in kept)) > width:
        dispensable = [column for column in kept if column.leaves is not None]
        if not dispensable:
            break
        first = min(dispensable, key=lambda column: column.leaves or 0)
        kept.remove(first)
        left.append(first.heading)
    lines = [GAP.join(cells).rstrip() for cells in zip(*(column.cells for column in kept), strict=True)]
    return lines, left
