"""How findings word figures over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def spread(values: Sequence[float], decimals: int = 4) -> str:
    """The mean and the standard deviation, as in `0.9702 ± 0.0010`; the value alone if there is one."""
    mean = f"{statistics.fmean(values):.{decimals}f}"
    return f"{mean} ± {statistics.stdev(values):.{decimals}f}" if len(values) > 1 else mean
