"""Components from outside nnlab that stand in its tables: where their code is."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Outside:
    """A component from outside.

    Attributes:
        place: the table and the name in it.
        file: its source; None if there is none.
        sha256: of the source file; of a name alone where there is none.
        why: why its source cannot be kept; empty if it can.
    """

    place: str
    file: Path | None
    sha256: str
    why: str = ""


def components_from_outside() -> list[Outside]:
    """The components of nnlab's tables that are not nnlab's own, in the order of their places."""
    found = [
        _outside(f"{table}.{name}", component)
        for table, entries in _tables()
        for name, entry in entries.items()
        if entry is not None and _module_of(component := _own(entry)).partition(".")[0] != "nnlab"
    ]
    return sorted(found, key=lambda each: each.place)


def _tables() -> Iterator[tuple[str, Mapping[str, Any]]]:
    from nnlab.config.schema import PENALTIES
    from nnlab.core.activations import ACTIVATIONS
    from nnlab.core.initializers import BIAS_INITIALIZERS, INITIALIZERS
    from nnlab.core.objective import LOSSES
    from nnlab.core.optimizers import OPTIMIZERS
    from nnlab.core.schedules import SCHEDULES
    from nnlab.data.sources import SOURCES

    yield "activations", ACTIVATIONS
    yield "bias_initializers", BIAS_INITIALIZERS
    yield "initializers", INITIALIZERS
    yield "losses", LOSSES
    yield "optimizers", OPTIMIZERS
    yield "penalties", PENALTIES
    yield "schedules", SCHEDULES
    yield "sources", SOURCES


def _own(entry: Any) -> Any:
    """What of a table's entry computes: those of losses and sources have it in a field, as a partial function does."""
    for field in ("read", "node", "func"):
        entry = getattr(entry, field, entry)
    return entry


def _module_of(component: Any) -> str:
    return str(getattr(component, "__module__", None) or type(component).__module__)


def _outside(place: str, component: Any) -> Outside:
    named = component if isinstance(component, type) or inspect.isroutine(component) else type(component)
    try:
        file = inspect.getsourcefile(named)
    except (TypeError, OSError):  # built in, or of an interactive session
        file = None
    if file is None or not (path := Path(file)).is_file():
        module = _module_of(component)
        name = f"{module}.{getattr(named, '__qualname__', named)}"
        return Outside(place, None, hashlib.sha256(name.encode()).hexdigest(), f"{name} has no source file")
    return Outside(place, path.resolve(), hashlib.sha256(path.read_bytes()).hexdigest())
