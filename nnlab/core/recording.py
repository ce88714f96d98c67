"""Record: an operation is asked once for its calls, and they are bound to the graph's arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from types import CellType, FunctionType
from typing import Any

import numpy as np

from nnlab.core.node import Calls
from nnlab.core.tracer import TracedMethod, Tracer, array_of


def record(method: Callable[..., Calls], arguments: Iterable[Any]) -> list[Callable[[], object]]:
    """The calls that a node's `forward` or `backward` yields for these arguments.

    The operation sees its arrays without their numbers; in the calls stand the arrays themselves.

    Args:
        method: the node's own.
        arguments: arrays, a `NamedTuple` of arrays, and None for a derivative that nobody asks for.

    Raises:
        TypeError: if it yields no calls, or reads numbers itself.
    """
    handed: dict[int, Tracer] = {}

    def without_numbers(value: Any, position: int, field: str = "") -> Any:
        if isinstance(value, np.ndarray):
            return handed.setdefault(id(value), Tracer(value, method, position, field))
        if hasattr(value, "_fields"):
            fields = zip(value._fields, value, strict=True)
            return type(value)(*(without_numbers(array, position, f".{name}") for name, array in fields))
        return value

    calls = method(*(without_numbers(value, position) for position, value in enumerate(arguments)))
    if not isinstance(calls, Iterable):
        raise TypeError(
            f"`{type(getattr(method, '__self__', method)).__name__}.{method.__name__}` must yield its calls of NumPy, "
            f"as in `yield call(np.exp, x, out)`, but returned {calls!r}."
        )
    bound = _Binding()
    return [bound(call) for call in list(calls)]


class _Binding:
    """Puts arrays where `Tracer` ones stand: in arguments, in lists of them, and in what functions closed over.

    What occurs several times is replaced by one object, so that functions still share what they shared.
    """

    def __init__(self) -> None:
        self._done: dict[int, tuple[Any, Any]] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, Tracer):
            return array_of(value)
        if isinstance(value, TracedMethod):
            return value.method
        if id(value) not in self._done:
            if not _holds_tracer(value, set()):
                return value
            self._done[id(value)] = (value, self._bound(value))
        return self._done[id(value)][1]

    def _bound(self, value: Any) -> Any:
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, partial):
            return partial(self(value.func), *map(self, value.args), **self._options(value.keywords))
        if isinstance(value, dict):
            return self._options(value)
        items = [self(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)

    def _options(self, options: dict[Any, Any]) -> dict[Any, Any]:
        return {key: self(value) for key, value in options.items()}

    def _function(self, function: FunctionType) -> FunctionType:
        """The same function over the arrays themselves. Its cells are filled last: one of them may hold it."""
        old = function.__closure__ or ()
        new = tuple(self._cell(cell) for cell in old)
        bound = FunctionType(function.__code__, function.__globals__, function.__name__, None, new)
        self._done[id(function)] = (function, bound)
        bound.__defaults__, bound.__kwdefaults__ = self(function.__defaults__), self(function.__kwdefaults__)
        for cell, copy in zip(old, new, strict=True):
            if copy is not cell:
                copy.cell_contents = self(cell.cell_contents)
        return bound

    def _cell(self, cell: CellType) -> CellType:
        """An empty cell in its place where it holds what is to be replaced, else itself, so that functions share it."""
        if id(cell) not in self._done:
            is_bound = any(_holds_tracer(content, set()) for content in _contents(cell))
            self._done[id(cell)] = (cell, CellType() if is_bound else cell)
        found: CellType = self._done[id(cell)][1]
        return found


def _parts(value: object) -> Iterable[object]:
    """What arguments, lists of them, and a function's closure contain."""
    if isinstance(value, partial):
        return (value.func, *value.args, *value.keywords.values())
    if isinstance(value, FunctionType):
        closed_over = [content for cell in value.__closure__ or () for content in _contents(cell)]
        return (*closed_over, value.__defaults__, value.__kwdefaults__)
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, tuple | list) else ()


def _contents(cell: CellType) -> tuple[object, ...]:
    """What a function closed over; nothing if the name has no value yet."""
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def _holds_tracer(value: object, seen: set[int]) -> bool:
    if id(value) in seen:
        return False
    seen.add(id(value))
    return isinstance(value, Tracer | TracedMethod) or any(_holds_tracer(part, seen) for part in _parts(value))
