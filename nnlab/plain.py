"""Values from outside: NumPy's numbers as Python's own, and any value as text for a message."""

from __future__ import annotations

import sys
from typing import Any

LONGEST_SHOWN = 80
"""How many characters of a wrong value a message shows."""


def plain(value: Any) -> Any:
    """NumPy's numbers, booleans and strings as Python's own, also inside lists; anything else unchanged.

    A float32 of 0.1 becomes the number that it stores, 0.10000000149.
    """
    np = _numpy()
    if np is None:
        return value
    if isinstance(value, np.floating):
        return float(value)
    if isinstance(value, np.integer | np.bool_ | np.str_):
        return value.item()
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    return value


def shown(value: Any) -> str:
    """A value as a message shows it: short, and an array by its shape."""
    np = _numpy()
    is_number = np is not None and isinstance(value, np.generic)
    if isinstance(shape := getattr(value, "shape", None), tuple) and not is_number:
        return f"{type(value).__name__} of shape {shape}"
    text = " ".join(repr(plain(value)).split())
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _numpy() -> Any:
    """NumPy, or None where nothing has imported it, so that no value is of it: it takes a tenth of a second."""
    return sys.modules.get("numpy")
