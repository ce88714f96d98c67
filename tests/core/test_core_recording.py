"""While calls are recorded arrays have no numbers, whatever reads them; the calls then run on the arrays themselves."""

from __future__ import annotations

import copy
import math
import operator
import pickle
import re
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest

from nnlab.core import Activation, Dense, Dropout, Input, Network, Node, value, value_and_grad
from nnlab.core.batches import BatchLoader
from nnlab.core.node import CLIP, Array, Calls, Memory, call, in_float64
from nnlab.core.objective import Objective
from nnlab.core.rows import Rows
from nnlab.core.tracer import TracedMethod, Tracer, array_of


class LeakyReLU(Node):
    """x where it is positive, else x / 100: as it is to be written."""

    def shape(self, *inputs: tuple[int, ...]) -> tuple[int, ...]:
        return inputs[0]

    class Saved(NamedTuple):
        mask: Array
        slope: Array

    def saved(self, memory: Memory, *inputs: tuple[int, ...]) -> Saved:
        return self.Saved(memory.empty(inputs[0], np.bool_), memory.empty(inputs[0]))

    def forward(self, x: Array, out: Array, saved: Saved) -> Calls:
        yield call(np.greater, x, 0, saved.mask)
        yield call(np.copyto, saved.slope, 0.01)
        yield call(np.copyto, saved.slope, 1.0, where=saved.mask)
        yield call(np.multiply, x, saved.slope, out)

    def backward(self, x: Array, out: Array, saved: Saved, dout: Array, dx: Array) -> Calls:
        yield call(np.multiply, dout, saved.slope, dx)


X = np.array([[1.0, -2.0], [-3.0, 4.0], [5.0, -6.0]])
LEAKY = [[1.0, -0.02], [-0.03, 4.0], [5.0, -0.06]]


def written_as(forward: Callable[..., Any]) -> Node:
    return type("Own", (LeakyReLU,), {"forward": forward})(Input("x"))  # type: ignore[no-any-return]


def run(forward: Callable[..., Any], *feeds: Any) -> Any:
    node = written_as(forward)
    return [value(node, {node.inputs[0]: feed}).tolist() for feed in feeds]


def slope_at_once(self: Node, x: Array, out: Array, saved: LeakyReLU.Saved) -> Calls:
    yield call(np.multiply, x, np.where(x > 0, 1.0, 0.01), out)


def test_the_obvious_way_is_refused_with_the_way_that_works() -> None:
    with pytest.raises(TypeError, match=r"`Own\.slope_at_once` .*call\(np\.greater, x, 0, saved\.mask\)`.*np\.bool_"):
        run(slope_at_once, X)


def test_the_way_that_works_gives_the_numbers_of_each_batch() -> None:
    node = LeakyReLU(Input("x"))
    for sign in (1.0, -1.0):
        result, (gradient,) = value_and_grad(node, {node.inputs[0]: sign * X}, node.inputs)
        np.testing.assert_allclose(result, np.where(sign * X > 0, sign * X, sign * X / 100), rtol=1e-15)
        assert gradient.tolist() == np.where(sign * X > 0, 1.0, 0.01).tolist()


READS: dict[str, Callable[[Any], object]] = {
    "comparison": lambda x: x > 0,
    "equality": lambda x: x == 1,
    "arithmetic": lambda x: 2 * x + 1,
    "beside a plain array": lambda x: np.ones(2) * x,
    "matrix product": lambda x: x @ np.ones((2, 2)),
    "power": lambda x: x**2,
    "negation": lambda x: -x,
    "in place": lambda x: operator.iadd(x, 1.0),  # type: ignore[no-untyped-call]
    "into a slice": lambda x: operator.setitem(x, slice(None), 0.0),
    "a ufunc": np.exp,
    "a ufunc into it": lambda x: np.exp(np.ones((3, 2)), out=x),
    "a reduction": np.add.reduce,
    "ufunc.at": lambda x: np.add.at(x, 0, 1.0),
    "a function": np.sum,
    "of a list": lambda x: np.concatenate([np.ones((1, 2)), x]),
    "copyto": lambda x: np.copyto(x, 0.0),
    "copied into a plain array": lambda x: np.copyto(np.ones((3, 2)), x),
    "assigned to a plain array": lambda x: operator.setitem(np.ones((3, 2)), slice(None), x),  # type: ignore[call-overload]
    "filled like": lambda x: np.full_like(x, x),
    "asarray": np.asarray,
    "array": np.array,
    "array of a list": lambda x: np.array([x, x]),
    "memoryview": memoryview,
    "a method": lambda x: x.sum(),
    "a method of a view": lambda x: x.T.max(axis=0),
    "copy": lambda x: x.copy(),
    "tolist": lambda x: x.tolist(),
    "item": lambda x: x.item(0),
    "fill": lambda x: x.fill(0.0),
    "flat": lambda x: x.flat[0],
    "data": lambda x: x.data,
    "base": lambda x: x.base,
    "ctypes": lambda x: x.ctypes.data,
    "another dtype": lambda x: x.astype(np.float32),
    "a reshape that copies": lambda x: x.T.reshape(-1),
    "a number": lambda x: x[0, 0],
    "a number of a row": lambda x: x[0][1],
    "rows by positions": lambda x: x[[0, 1]],
    "rows by itself": lambda x: x[x],
    "a mask": lambda x: x[np.ones((3, 2), bool)],
    "as positions": lambda x: np.eye(3)[x],
    "as a length": lambda x: range(x[0, 0, ...]),
    "truth": bool,
    "if": lambda x: 1 if x[0, 0, ...] else 2,
    "float": lambda x: float(x[0, 0, ...]),
    "int": lambda x: int(x[0, 0, ...]),
    "complex": lambda x: complex(x[0, 0, ...]),
    "math": lambda x: math.exp(x[0, 0, ...]),
    "round": lambda x: round(x[0, 0, ...]),
    "unpacking": lambda x: (lambda a, b: a)(*x[0]),
    "list of a row": lambda x: list(x[0]),
    "sum": sum,
    "max": lambda x: max(x[0]),
    "in": lambda x: 1.0 in x,
    "format": lambda x: f"{x:.3f}",
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "pickle": pickle.dumps,
    "norm": np.linalg.norm,
    "random": lambda x: np.random.default_rng(0).random(out=x),
    "choice": lambda x: np.random.default_rng(0).choice(x),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_whatever_reads_or_changes_numbers_is_refused(read: Callable[[Any], object]) -> None:
    def forward(self: Node, x: Array, out: Array, saved: LeakyReLU.Saved) -> Calls:
        read(x)
        yield call(np.copyto, out, x)

    node = written_as(forward)
    with pytest.raises((TypeError, ValueError)):
        value(node, {node.inputs[0]: X})


UNASKED = {
    "test",
    "info",
    "save",
    "savez",
    "savez_compressed",
    "savetxt",
    "show_config",
    "show_runtime",
    "fromregex",
    "empty_like",
}
STATE = (
    "set_",
    "seterr",
    "setbufsize",
    "__",
    "from",
    "load",
    "memmap",
    "gen",
    "mask_indices",
    "fromfunction",
    "nditer",
)


def public_functions() -> list[Any]:
    names = [name for name in dir(np) if not name.startswith(STATE)]
    spaces = [(np, names), *((space, dir(space)) for space in (np.linalg, np.fft, np.ma, np.lib.stride_tricks))]
    found = [
        getattr(space, name)
        for space, names in spaces
        for name in names
        if not name.startswith("_") and name not in UNASKED
    ]
    return [f for f in found if callable(f) and not (isinstance(f, type) and issubclass(f, BaseException))]


@pytest.mark.filterwarnings("ignore")
def test_no_function_of_numpy_gets_at_the_numbers() -> None:
    """Each is called with numbers that differ: it raises, or what it gives and leaves behind is the same."""
    asked = refused = 0
    for function in public_functions():
        for given in (lambda x: (x,), lambda x: (x, x), lambda x: (x, 0), lambda x: ([x, x],), lambda x: (X.copy(), x)):
            results = []
            for numbers in (X, np.flip(X) - 0.5):
                array = numbers.copy()
                x = Tracer(array, LeakyReLU(Input()).forward, 0)
                try:
                    result = function(*given(x))
                except Exception as error:
                    results.append(type(error).__name__)
                else:
                    results.append(re.sub("0x[0-9a-f]+", "", repr(result)))
                assert array.tobytes() == numbers.tobytes(), function
            asked += 1
            refused += results[0] == "TypeError"
            assert results[0] == results[1], (function, results)
    assert asked > 2000
    assert refused > 0.5 * asked


FREE: dict[str, Callable[[Any], object]] = {
    "shape": lambda x: x.shape == (3, 2) and np.shape(x) == (3, 2) and len(x) == 3 and x.ndim == 2 and x.size == 6,
    "dtype": lambda x: x.dtype == np.float64 and np.result_type(x, np.float32) == np.float64,
    "like": lambda x: np.zeros_like(x).shape == (3, 2) and np.full_like(x, 2.0)[0, 0] == 2.0,
    "identity": lambda x: x is x and x is not None,
    "text": lambda x: f"{x}" == "x" and "float64 (3, 2)" in repr(x),
    "shares_memory": lambda x: np.shares_memory(x, x[1:]),
}


@pytest.mark.parametrize("fact", FREE.values(), ids=FREE.keys())
def test_shape_and_dtype_are_free(fact: Callable[[Any], object]) -> None:
    def forward(self: Node, x: Array, out: Array, saved: LeakyReLU.Saved) -> Calls:
        assert fact(x)
        yield call(np.copyto, out, x)

    assert run(forward, X) == [X.tolist()]


VIEWS: dict[str, Callable[[Any], Any]] = {
    "slice": lambda x: x[:, 1:],
    "row": lambda x: x[1],
    "new axis": lambda x: x[:, None],
    "a number's": lambda x: x[1, 0, ...],
    "T": lambda x: x.T,
    "reshape": lambda x: x.reshape(2, 3),
    "ravel": lambda x: x.ravel(),
    "view": lambda x: x.view(np.int64),
    "transpose": lambda x: x.transpose(1, 0),
    "its own dtype": lambda x: x.astype(np.float64, copy=False),
    "np.reshape": lambda x: np.reshape(x, (6,)),
    "np.swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "np.broadcast_to": lambda x: np.broadcast_to(x, (4, 3, 2)),
    "np.expand_dims": lambda x: np.expand_dims(x, 0),
    "np.split": lambda x: np.split(x, 3)[1],
    "rows": lambda x: next(iter(x)),
    "np.flip": np.flip,
    "nothing": lambda x: x[:0],
    "a keyword": lambda x: np.moveaxis(a=x, source=0, destination=1),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_views_are_free_and_are_those_of_the_array(view: Callable[[Any], Any]) -> None:
    array = X.copy()
    seen = view(Tracer(array, LeakyReLU(Input()).forward, 0))
    assert isinstance(seen, Tracer)
    np.testing.assert_array_equal(array_of(seen), view(array))
    assert np.shares_memory(array_of(seen), array) or not array_of(seen).size


def test_a_copy_of_what_memory_holds_by_chance_is_refused_without_a_warning() -> None:
    array = np.array([1e300, np.nan])  # the first is infinite in float32, the second no integer
    for dtype in (np.float32, np.intp):
        with pytest.raises(TypeError, match="It is a copy here, not a view"):
            Tracer(array, LeakyReLU(Input()).forward, 0).astype(dtype)


def in_a_closure(self: Any, x: Array, out: Array, saved: LeakyReLU.Saved) -> Calls:
    parts = {"x": x, "others": [out, saved]}

    def scaled() -> None:
        np.multiply(parts["x"], 0.01, out=parts["others"][0])  # type: ignore[call-overload, index]

    yield scaled
    yield lambda mask=saved.mask: np.greater(x, 0, mask)  # type: ignore[misc]
    yield partial(np.copyto, dst=out, src=x, where=saved.mask)


def in_nested_calls(self: Any, x: Array, out: Array, saved: LeakyReLU.Saved) -> Calls:
    yield call(np.stack, [x, x], axis=0, out=np.empty((2, *x.shape)))
    yield call(partial(np.multiply, x), 0.01, out)
    yield partial(partial(np.greater, x, 0), saved.mask)
    yield call(np.copyto, out, x, where=saved.mask)


def by_a_function(self: Any, x: Array, out: Array, saved: LeakyReLU.Saved) -> Calls:
    def leaky(x: Array, out: Array) -> None:
        out[...] = np.where(x > 0, x, 0.01 * x)

    return [call(leaky, x, out)]


def by_methods(self: Any, x: Array, out: Array, saved: LeakyReLU.Saved) -> Calls:
    every = np.arange(x.size)
    yield call(out.fill, 0.01)
    yield call(np.multiply, x, out, out)
    yield call(np.greater, x, 0, saved.mask)
    yield call(x.reshape(-1).take, every, None, saved.slope.reshape(-1), CLIP)
    yield call(np.copyto, out, saved.slope, where=saved.mask)


def by_recursion(self: Any, x: Array, out: Array, saved: LeakyReLU.Saved) -> Calls:
    def rows(i: int = 0) -> None:
        if i < len(x):
            out[i] = np.where(x[i] > 0, x[i], 0.01 * x[i])
            rows(i + 1)

    yield rows


def by_functions_that_share_a_number(self: Any, x: Array, out: Array, saved: LeakyReLU.Saved) -> Calls:
    factor = 1.0

    def first() -> None:
        nonlocal factor
        factor = 0.01

    def second() -> None:
        np.multiply(x, factor, out)
        np.copyto(out, x, where=x > 0)

    yield first
    yield second


@pytest.mark.parametrize(
    "forward",
    [in_a_closure, in_nested_calls, by_a_function, by_methods, by_recursion, by_functions_that_share_a_number],
)
def test_calls_get_the_arrays_however_they_are_written(forward: Callable[..., Any]) -> None:
    first, second = run(forward, X, -X)
    np.testing.assert_allclose(first, LEAKY, rtol=1e-15)
    np.testing.assert_allclose(second, np.where(X < 0, -X, -X / 100), rtol=1e-15)


def test_what_hides_an_array_from_its_calls_is_refused_in_the_first_step_at_the_latest() -> None:
    class Holder:
        def __init__(self, x: Array, out: Array) -> None:
            self.x, self.out = x, out

        def __call__(self) -> None:
            np.multiply(self.x, 0.5, out=self.out)

    def forward(self: Any, x: Array, out: Array, saved: LeakyReLU.Saved) -> Calls:
        yield Holder(x, out)

    with pytest.raises(TypeError, match=r"np\.multiply"):
        run(forward, X)


def everything_in(item: Any) -> list[Any]:
    parts = [item.func, *item.args, *item.keywords.values()] if isinstance(item, partial) else []
    return [item, *(inner for part in parts for inner in everything_in(part))]


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "softmax"])
@pytest.mark.parametrize(
    ("loss", "last"),
    [("cross_entropy", "softmax"), ("binary_cross_entropy", "sigmoid"), ("half_squared_error", "tanh")],
)
def test_a_step_is_numpys_functions_on_plain_arrays(activation: str, loss: str, last: str) -> None:
    """So recording costs nothing in a step."""
    layers = [Dense(3), Activation(activation), Dropout(0.2), Dense(2), Activation(last)]
    network = Network(layers, features=(2,), rng=np.random.default_rng(1))
    objective = Objective(network, loss, dropout=np.random.default_rng(2))
    rows = Rows.whole(np.zeros((4, 2), np.float32), np.zeros(4, np.intp))
    program, _ = BatchLoader(rows, objective, objective.training, 4).load(rows.index)
    calls = [*program._forward_calls, *program._backward_calls]
    assert len(calls) > 20
    assert all(type(step) is partial for step in calls)
    parts = [part for step in calls for part in everything_in(step)]
    assert not any(isinstance(part, Tracer | TracedMethod) for part in parts)
    written_in_c = (np.ufunc, type(np.add.reduce), type(np.random.default_rng().random))
    assert all(isinstance(step.func, written_in_c) or step.func is in_float64 for step in calls)  # type: ignore[attr-defined]


def test_the_same_value_along_two_inputs_is_the_same_array() -> None:
    class Square(LeakyReLU):
        def forward(self, x: Array, y: Array, out: Array, saved: LeakyReLU.Saved) -> Calls:  # type: ignore[override]
            assert x is y
            yield call(np.multiply, x, y, out)

    x = Input("x")
    assert value(Square(x, x), {x: X}).tolist() == (X * X).tolist()


def test_an_argument_among_several_is_named() -> None:
    def forward(self: Any, *arrays: Any) -> Calls:
        yield call(np.copyto, arrays[1], arrays[0].sum())

    with pytest.raises(TypeError, match=r"in `arrays\[0\]\.sum\(\)`"):
        run(forward, X)


def test_an_array_of_its_own_is_named_by_its_field() -> None:
    def forward(self: Any, x: Array, out: Array, saved: LeakyReLU.Saved) -> Calls:
        yield call(np.copyto, out, saved.slope[1:].sum())

    with pytest.raises(TypeError, match=r"in `saved\.slope\[\.\.\.\]\.sum\(\)`"):
        run(forward, X)


def test_own_arrays_without_names_are_refused() -> None:
    class Unnamed(LeakyReLU):
        def saved(self, memory: Memory, *inputs: tuple[int, ...]) -> Any:
            return tuple(super().saved(memory, *inputs))

    x = Input("x")
    with pytest.raises(TypeError, match=r"`Unnamed\.saved` must return a `NamedTuple` of arrays"):
        value(Unnamed(x), {x: X})
