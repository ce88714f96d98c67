"""Memory: what an operation asks for is its own and lasts; constants are made once, and nobody can change them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from nnlab.core import CrossEntropyWithSoftmax, Graph, Input, Node, ReLU
from nnlab.core.memory import CACHE_LINE, Arena, Memory, aligned_empty
from nnlab.core.node import Array, Calls, Shape, call


@pytest.mark.parametrize("shape", [(), (1,), (3, 5)])
@pytest.mark.parametrize("dtype", [np.bool_, np.float32, np.float64, np.intp])
def test_arrays_start_at_cache_lines(shape: Shape, dtype: Any) -> None:
    for array in (aligned_empty(shape, dtype), Memory(dtype).empty(shape), Arena(dtype).buffer("owner", shape)):
        assert (array.shape, array.dtype) == (shape, dtype)
        assert array.ctypes.data % CACHE_LINE == 0


def counted(made: list[Shape]) -> Any:
    def multiples(shape: Shape, dtype: Any) -> Array:
        made.append(shape)
        return np.arange(shape[0], dtype=dtype)

    return multiples


def test_a_constant_of_a_graph_is_made_once_for_its_largest_batch() -> None:
    arena, made = Arena(np.float32), list[Shape]()
    large, small = (arena.constant("multiples", (n,), counted(made)) for n in (5, 3))
    assert made == [(5,)]
    assert (small.tolist(), small.dtype) == ([0.0, 1.0, 2.0], np.float32)  # type: ignore[comparison-overlap]
    assert np.shares_memory(large, small)
    assert arena.constant("multiples", (7,), counted(made)).tolist() == list(range(7))
    assert made == [(5,), (7,)]
    assert large.tolist() == [0, 1, 2, 3, 4]


def test_constants_of_other_names_or_rows_are_others() -> None:
    arena = Arena(np.float64)
    assert arena.constant("zeros", (2, 3), np.zeros).tolist() == [[0.0] * 3] * 2
    assert arena.constant("zeros", (2, 4), np.zeros).shape == (2, 4)
    assert arena.constant("ones", (2, 3), np.ones).tolist() == [[1.0] * 3] * 2
    assert arena.constant("one", (), np.ones) == 1.0
    eye = arena.constant("eye", (3, 3), lambda shape, dtype: np.eye(*shape, dtype=dtype))
    assert eye.tolist() == np.eye(3).tolist()


def test_operations_that_need_the_same_constant_share_it_for_all_batch_sizes() -> None:
    first, second, labels = ReLU(Input()), ReLU(Input()), Input()
    loss = CrossEntropyWithSoftmax(first, labels)
    memory = Graph(loss).memory
    zeros = [node.saved(memory.of(node), (n, 4)).zeros for n in (9, 2) for node in (first, second)]
    assert all(np.shares_memory(zeros[0], other) for other in zeros)
    assert not any(array.any() for array in zeros)
    whole, part = (loss.saved(memory.of(loss), (n, 4), (n,)).first for n in (9, 2))
    assert np.shares_memory(whole, part)
    assert (whole.tolist(), part.tolist()) == ([0, 4, 8, 12, 16, 20, 24, 28, 32], [0, 4])


def test_what_an_operation_asks_for_lasts_and_is_not_shared() -> None:
    arena = Arena(np.float64)
    one, again, other = arena.of("one"), arena.of("one"), arena.of("other")
    first, second = one.empty((6,)), one.empty((6,), np.bool_)
    assert np.shares_memory(first, again.empty((2, 3)))
    assert np.shares_memory(second, again.empty((4,), np.bool_))
    assert not np.shares_memory(first, second)
    assert not np.shares_memory(first, other.empty((6,)))


def test_an_operation_that_writes_into_a_constant_is_refused_by_numpy() -> None:
    class Careless(Node):
        class Saved(NamedTuple):
            ones: Array

        def shape(self, *inputs: Shape) -> Shape:
            return inputs[0]

        def saved(self, memory: Memory, *inputs: Shape) -> Saved:
            return self.Saved(memory.constant("ones", inputs[0], np.ones))

        def forward(self, x: Array, out: Array, saved: Saved) -> Calls:
            yield call(np.multiply, x, saved.ones, saved.ones)

    x = Input()
    program = Graph(Careless(x)).program({x: (3,)})
    program.values[x][...] = 2.0
    with pytest.raises(ValueError, match="read-only"):
        program.forward()
