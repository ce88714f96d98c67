"""The core's arithmetic is held to a stricter rule than NumPy's default."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def arithmetic_raises() -> Iterator[None]:
    """Overflow, division by zero and invalid operations raise; underflow to zero is what exp is expected to do."""
    with np.errstate(all="raise", under="ignore"):
        yield
