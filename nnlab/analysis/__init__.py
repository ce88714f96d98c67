"""Questions about recorded runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnlab.analysis.comparison.compare import compare as compare


def __getattr__(name: str) -> Any:
    """`compare` is imported when it is asked for: pandas and its like take a second."""
    if name != "compare":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nnlab.analysis.comparison.compare import compare

    return compare
