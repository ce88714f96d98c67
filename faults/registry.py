"""All promises, by their names: those of every module of this package."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import faults
from faults.promise import Promise


def areas() -> dict[str, tuple[Promise, ...]]:
    """The promises of each module that has some, by the module's name."""
    names = sorted(module.name for module in pkgutil.iter_modules(faults.__path__) if not module.name.startswith("__"))
    modules = {name: import_module(f"faults.{name}") for name in names}
    return {name: module.PROMISES for name, module in modules.items() if hasattr(module, "PROMISES")}


def promises() -> dict[str, Promise]:
    """All promises by name.

    Raises:
        ValueError: if two have one name.
    """
    found: dict[str, Promise] = {}
    for area in areas().values():
        for promise in area:
            if found.setdefault(promise.name, promise) is not promise:
                raise ValueError(f"Two promises are named {promise.name!r}.")
    return found
