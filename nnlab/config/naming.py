"""Keys and values of configs as short texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any


def natural_order(names: Iterable[str]) -> list[str]:
    """The distinct names in alphabetical order, numbers in them by size: `width.2` before `width.10`."""
    return sorted(set(names), key=lambda name: [part.zfill(9) if part.isdigit() else part for part in _parts(name)])


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Each key by as few of its last parts as tell it from the others: `lr` for `optimizer.lr`, `width.0`."""

    def short(key: str) -> str:
        others = {ending for other in keys if other != key for ending in _endings(other)}
        return next((name for name in _endings(key) if not name[0].isdigit() and name not in others), key)

    return {key: short(key) for key in keys}


def value_text(value: Any) -> str:
    """A value in few characters: floats by four significant digits, lists and booleans as a command line takes them."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(value_text, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _parts(name: str) -> list[str]:
    return re.split(r"(\d+)", name)


def _endings(key: str) -> list[str]:
    parts = key.split(".")
    return [".".join(parts[start:]) for start in range(len(parts) - 1, -1, -1)]
