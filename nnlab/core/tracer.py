"""What stands in for an array while calls are recorded: it has everything but the numbers.

An operation is asked for its calls once, when the buffers hold nothing yet: what it computed with them then would be
frozen for all batches. A `Tracer` (JAX's word) has the array's shape, dtype and views; it raises if asked for numbers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, SupportsIndex

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from nnlab.core.node import Array

FACTS = frozenset({"shape", "dtype", "ndim", "size", "nbytes", "itemsize", "strides", "flags"})
"""What is known of an array without its numbers."""

VIEWS = frozenset({"T", "mT"})
VIEW_METHODS = frozenset({"reshape", "ravel", "view", "transpose", "swapaxes", "squeeze", "diagonal", "astype"})
"""What gives the same memory in another shape. Where it would be a copy (some of these may), it raises."""

SHAPE_FUNCTIONS = frozenset(
    {"shape", "ndim", "size", "zeros_like", "ones_like", "empty_like", "full_like", "result_type", "shares_memory"}
)
VIEW_FUNCTIONS = frozenset({
    "reshape", "ravel", "transpose", "permute_dims", "matrix_transpose", "swapaxes", "moveaxis", "rollaxis",
    "expand_dims", "squeeze", "broadcast_to", "broadcast_arrays", "atleast_1d", "atleast_2d", "atleast_3d", "split",
    "array_split", "hsplit", "vsplit", "dsplit", "flip", "fliplr", "flipud", "rot90", "diagonal", "sliding_window_view",
})  # fmt: skip
"""The same among NumPy's functions."""
OF_SEVERAL = frozenset({"result_type", "shares_memory", "broadcast_arrays", "atleast_1d", "atleast_2d", "atleast_3d"})
"""Those of them that take more than one array. The others take numbers after it."""

IN_PLACE = frozenset({"at", "copyto", "put", "place", "putmask", "put_along_axis", "fill", "fill_diagonal", "sort"})
"""What writes into its first array, and needs no other to write into."""

A_FUNCTION = "Write it as a function that ends in `out[...] = ...`, and yield that: `yield call(function, x, out)`"


class Tracer(NDArrayOperatorsMixin):
    """An array of the graph, without its numbers.

    No subclass of `ndarray`: NumPy takes the memory of those without asking them.

    Args:
        array: the array.
        method: the node's `forward` or `backward` that it is handed to.
        position: which argument of it this is, or a view of.
        suffix: what is written after the argument's name: which array of `saved` it is, and which view of that.
    """

    __slots__ = ("_array", "_method", "_position", "_suffix")

    def __init__(self, array: Array, method: Callable[..., object], position: int, suffix: str = "") -> None:
        self._array = array
        self._method = method
        self._position = position
        self._suffix = suffix

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._array, name)
        if name in FACTS:
            return found
        if name in VIEWS:
            return self._view(found, f".{name}")
        if name in VIEW_METHODS:
            view = np.errstate(all="ignore")(found)  # a copy, which is refused next, may be of anything
            return lambda *args, **kwargs: self._view(view(*args, **kwargs), f".{name}(...)")
        if not callable(found):
            self.refuse(f"{self}.{name}")
        return TracedMethod(self, name)

    def __getitem__(self, key: Any) -> Tracer:
        keys = key if isinstance(key, tuple) else (key,)
        if any(isinstance(item, Tracer) for item in keys):
            self.refuse(
                f"{self}[...]", f"Write `yield call({self}.take, ids, 0, out, CLIP)`, with positions `ids` (n,)"
            )
        found = self._array[key]
        if not isinstance(found, np.ndarray):
            place = ", ".join(map(str, keys))
            self.refuse(f"{self}[{place}]", f"`{self}[{place}, ...]` is a view of that number, to give to a call")
        return self._view(found, "[...]")

    def _view(self, found: Array, suffix: str) -> Tracer:
        if found.size and not np.may_share_memory(found, self._array):
            self.refuse(f"{self}{suffix}", "It is a copy here, not a view. Write it by a call into an array of `saved`")
        return Tracer(found, self._method, self._position, self._suffix + suffix)

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self) -> Iterator[Tracer]:
        if self._array.ndim < 2:
            self.refuse(f"iter({self})", f"A part of it is a view: `{self}[:1]`")
        return (self[i] for i in range(len(self)))

    def __str__(self) -> str:
        """As the operation's author writes it."""
        parameters = list(inspect.signature(self._method).parameters.values())
        last = len(parameters) - 1
        if parameters[last].kind is inspect.Parameter.VAR_POSITIONAL and self._position >= last:
            return f"{parameters[last].name}[{self._position - last}]{self._suffix}"
        return f"{parameters[self._position].name}{self._suffix}"

    def __repr__(self) -> str:
        return f"<{self}: {self.dtype} {self.shape}, its numbers come with each batch>"

    def __format__(self, spec: str) -> str:
        if spec:
            self.refuse(f"format({self}, {spec!r})")
        return str(self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> NoReturn:
        is_plain = method == "__call__"
        name = f"np.{ufunc.__name__}" if is_plain else f"np.{ufunc.__name__}.{method}"
        result = "saved.mask" if is_plain and {"d->?", "dd->?"} & set(ufunc.types) else "out"
        self.refuse_function(name, inputs, kwargs, None if method in IN_PLACE else result, takes_it_last=is_plain)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = function.__name__
        full_name = f"{function.__module__}.{name}".replace("numpy", "np", 1)
        arrays_given = sum(isinstance(arg, Tracer) for arg in (*args, *kwargs.values()))
        if name in VIEW_FUNCTIONS | SHAPE_FUNCTIONS and (arrays_given == 1 or name in OF_SEVERAL):
            arrays = [array_of(arg) if isinstance(arg, Tracer) else arg for arg in args]
            options = {key: array_of(arg) if isinstance(arg, Tracer) else arg for key, arg in kwargs.items()}
            found = function(*arrays, **options)
            if name in SHAPE_FUNCTIONS:
                return found
            if isinstance(found, np.ndarray):
                return self._view(found, f" by {full_name}")
            owners = [arg for arg in args if isinstance(arg, Tracer)]
            owners = owners if len(owners) == len(found) else [self] * len(found)
            return [owner._view(array, f" by {full_name}") for owner, array in zip(owners, found, strict=True)]
        result = None if name in IN_PLACE else "out" if _takes_out(function) else ""
        return self.refuse_function(full_name, args, kwargs, result)

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        self.refuse(f"np.asarray({self})")

    def __setitem__(self, key: object, value: object) -> NoReturn:
        self.refuse(f"{self}[...] = ...", f"Write `yield call(np.copyto, {self}[...], value)`")

    def __bool__(self) -> NoReturn:
        self.refuse(f"bool({self})")

    def __float__(self) -> NoReturn:
        self.refuse(f"float({self})", f"Write `yield call(in_float64, operator.mul, {self}, 2.0, out)`")

    def __int__(self) -> NoReturn:
        self.refuse(f"int({self})")

    def __index__(self) -> NoReturn:
        self.refuse(f"index({self})", f"Write `yield call(array.take, {self}, 0, out, CLIP)`")

    def __complex__(self) -> NoReturn:
        self.refuse(f"complex({self})")

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        self.refuse(f"copy({self})", f"Write `yield call(np.copyto, out, {self})`, with an array of `saved` as `out`")

    def refuse_function(
        self, name: str, args: Any, kwargs: Any, result: str | None, *, takes_it_last: bool = False
    ) -> NoReturn:
        """Raise for a function that is called at once, and say how to yield it.

        Args:
            name: as the operation's author writes it.
            args: what it is called with.
            kwargs: the same.
            result: the array that it should write into; None if it writes into its first, empty if it cannot.
            takes_it_last: whether it can be given as the last argument, without a keyword.
        """
        options = [f"{key}={_written(value)}" for key, value in kwargs.items() if key != "out"]
        given = [*map(_written, args), *options]
        written = f"{name}({', '.join(given)})"
        if result is None:
            self.refuse(written, f"Write `yield call({', '.join([name, *given])})`")
        if not result:
            self.refuse(written, A_FUNCTION)
        out = _written(kwargs["out"]) if "out" in kwargs else result
        out = out if takes_it_last and not options else f"out={out}"
        kind = ", np.bool_" if result == "saved.mask" else ""
        own = (
            ""
            if "out" in kwargs
            else f", with an array of its own as `{result}`: `memory.empty(shape{kind})` in `saved`"
        )
        self.refuse(written, f"Write `yield call({', '.join([name, *given, out])})`{own}")

    def refuse(self, written: str, remedy: str = A_FUNCTION) -> NoReturn:
        """Raise a TypeError for `written`, by which the operation would read or change numbers."""
        owner = type(getattr(self._method, "__self__", None)).__name__
        raise TypeError(
            f"`{owner}.{self._method.__name__}` reads numbers, in `{written}`, but it runs only once, before there are "
            f"any, to record the calls that are made for every batch. {remedy}. (Shapes, dtypes and views can be used.)"
        )


class TracedMethod:
    """A method of an array that computes: to be given to `call`, not to be called.

    Args:
        owner: the array.
        name: of the method.
    """

    __slots__ = ("_name", "_owner")

    def __init__(self, owner: Tracer, name: str) -> None:
        self._owner = owner
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise: it would compute at once."""
        result = None if self._name in IN_PLACE else "out" if _takes_out(self.method) else ""
        self._owner.refuse_function(f"{self._owner}.{self._name}", args, kwargs, result)

    @property
    def method(self) -> Any:
        """The array's own."""
        return getattr(array_of(self._owner), self._name)


def array_of(tracer: Tracer) -> Array:
    """The array itself: for the calls, once they are recorded."""
    return tracer._array


def _takes_out(function: Any) -> bool:
    """Whether a function of NumPy can be given an array to write into."""
    try:
        return "out" in inspect.signature(function).parameters
    except ValueError:  # it is written in C, and its documentation starts with the signature
        return "out=" in (function.__doc__ or "")[:200]


def _written(value: Any) -> str:
    """An argument as its author may have written it."""
    if isinstance(value, tuple) and len(value) == 1:
        return _written(value[0])
    if isinstance(value, Tracer):
        return str(value)
    return repr(value) if value is None or isinstance(value, int | float | str | tuple) else "..."
