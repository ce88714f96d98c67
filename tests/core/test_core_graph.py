"""The engine: one order of computation, buffers that belong to the graph, programs for batch shapes."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from nnlab.core import (
    Activation,
    Add,
    CrossEntropyWithSoftmax,
    Dense,
    Dropout,
    Graph,
    Input,
    Linear,
    Mul,
    Network,
    Node,
    ReLU,
    Sigmoid,
)
from nnlab.core.batches import BatchLoader
from nnlab.core.graph import Parameter, Program, topological_order  # type: ignore[attr-defined]
from nnlab.core.node import Array, Calls, call, scalar
from nnlab.core.objective import Objective
from nnlab.core.rows import Rows


def classifier() -> tuple[Graph, dict[str, Node]]:
    nodes: dict[str, Node] = {name: Input(name) for name in ("x", "w", "b", "labels")}
    scores = ReLU(Linear(nodes["x"], nodes["w"], nodes["b"]))
    loss = CrossEntropyWithSoftmax(scores, nodes["labels"])
    return Graph(loss, wrt=[nodes["w"], nodes["b"], nodes["x"]]), nodes


def run(graph: Graph, nodes: dict[str, Node], n: int) -> tuple[float, list[bytes]]:
    """One forward and backward pass on `n` rows that depend on `n` alone."""
    rng = np.random.default_rng(n)
    program = graph.program({nodes["x"]: (n, 5), nodes["w"]: (5, 3), nodes["b"]: (3,), nodes["labels"]: (n,)})
    for name in ("x", "w", "b"):
        program.values[nodes[name]][...] = rng.normal(size=program.values[nodes[name]].shape)
    program.values[nodes["labels"]][...] = rng.integers(0, 3, n)
    loss = float(program.forward())
    program.backward()
    return loss, [program.gradients[nodes[name]].tobytes() for name in ("w", "b", "x")]


def test_every_node_stands_once_after_its_inputs_and_the_output_last() -> None:
    x, y = Input("x"), Input("y")
    shared = Add(x, y)
    left, right = Sigmoid(shared), Mul(shared, x)
    output = Mul(left, right)
    order = topological_order(output)
    assert order[-1] is output
    assert len(order) == len(set(order)) == 6
    for node in order:
        assert all(order.index(parent) < order.index(node) for parent in node.inputs)


def test_the_order_is_the_same_each_time() -> None:
    x, y = Input("x"), Input("y")
    output = Add(Mul(x, y), Mul(y, x))
    assert topological_order(output) == topological_order(output)


@pytest.mark.parametrize("sizes", [(8, 3), (3, 8), (8, 3, 8, 1, 5, 8)])
def test_a_batch_of_another_size_gives_the_bits_of_a_graph_that_knew_no_other(sizes: tuple[int, ...]) -> None:
    graph, nodes = classifier()
    for n in sizes:
        assert run(graph, nodes, n) == run(*classifier(), n)


def test_a_program_continues_working_after_a_larger_one_has_taken_its_memory() -> None:
    graph, nodes = classifier()
    first = run(graph, nodes, 4)
    run(graph, nodes, 50)
    assert run(graph, nodes, 4) == first


def test_a_program_is_made_once_for_each_set_of_shapes() -> None:
    x = Input("x")
    graph = Graph(Sigmoid(x))
    assert graph.program({x: (4, 2)}) is graph.program({x: (4, 2)})
    assert graph.program({x: (4, 2)}) is not graph.program({x: (3, 2)})


def test_a_smaller_batch_lies_in_the_memory_of_a_larger_one() -> None:
    x = Input("x")
    graph = Graph(Sigmoid(x))
    large, small = graph.program({x: (10, 4)}), graph.program({x: (3, 4)})
    assert np.shares_memory(large.values[x], small.values[x])


def test_passes_write_into_the_same_buffers_each_time() -> None:
    x = Input("x")
    graph = Graph(Sigmoid(x), wrt=[x])
    program = graph.program({x: (4,)})
    program.values[x][...] = 0.0
    out, gradient = program.forward(), program.gradients[x]
    program.backward()
    program.values[x][...] = 1.0
    assert program.forward() is out
    program.backward()
    assert program.gradients[x] is gradient


def test_a_second_backward_pass_does_not_add_to_the_first() -> None:
    x = Input("x")
    program = Graph(Mul(x, x), wrt=[x]).program({x: ()})
    program.values[x][...] = 3.0
    program.forward()
    program.backward()
    program.backward()
    assert float(program.gradients[x]) == 6.0


def test_parameters_live_outside_the_graph_and_their_gradients_arrive_there() -> None:
    x, w = Input("x"), Input("w")
    parameter = Parameter(np.array([2.0, 3.0]), np.zeros(2))
    program = Graph(Mul(x, w), wrt=[w], parameters={w: parameter}).program({x: (2,)})
    program.values[x][...] = [5.0, 7.0]
    assert program.forward().tolist() == [10.0, 21.0]
    program.backward()
    assert parameter.gradient.tolist() == [5.0, 7.0]
    parameter.value[...] = 1.0
    assert program.forward().tolist() == [5.0, 7.0]


def test_nodes_that_no_gradient_is_asked_for_get_none() -> None:
    x, y = Input("x"), Input("y")
    inner = Sigmoid(y)
    program = Graph(Mul(x, inner), wrt=[x]).program({x: (), y: ()})
    assert set(program.gradients) == {x, program.output}


def test_a_graph_without_wrt_has_no_backward_pass() -> None:
    x = Input("x")
    assert Graph(Sigmoid(x)).program({x: (2,)}).gradients == {}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_value_and_gradient_has_the_dtype_of_the_graph(dtype: type[np.floating]) -> None:
    x, w, b, labels = (Input(name) for name in ("x", "w", "b", "labels"))
    loss = CrossEntropyWithSoftmax(Linear(Sigmoid(x), w, b), labels)
    program: Program = Graph(loss, wrt=[w, b, x], dtype=dtype).program({x: (2, 3), w: (3, 4), b: (4,), labels: (2,)})
    assert {array.dtype for node, array in program.values.items() if node is not labels} == {np.dtype(dtype)}
    assert {array.dtype for array in program.gradients.values()} == {np.dtype(dtype)}
    assert program.values[labels].dtype.kind == "i"


class Halving(Node):
    """Half of x, as somebody would write it who adds an operation."""

    def shape(self, *inputs: tuple[int, ...]) -> tuple[int, ...]:
        return inputs[0]

    def forward(self, x: Array, out: Array) -> Calls:
        yield call(np.multiply, x, scalar(0.5, x), out)

    def backward(self, x: Array, out: Array, dout: Array, dx: Array) -> Calls:
        yield call(np.multiply, dout, scalar(0.5, x), dx)


def test_an_operation_is_asked_for_its_calls_once_and_they_are_made_for_every_batch() -> None:
    asked: list[str] = []

    class Counted(Halving):
        def forward(self, x: Array, out: Array) -> Calls:
            asked.append("forward")
            return super().forward(x, out)

        def backward(self, x: Array, out: Array, dout: Array, dx: Array) -> Calls:
            asked.append("backward")
            return super().backward(x, out, dout, dx)

    x = Input("x")
    program = Graph(Counted(x), wrt=[x]).program({x: (2,)})
    for values in ([2.0, 4.0], [6.0, -8.0]):
        program.values[x][...] = values
        assert program.forward().tolist() == [value / 2 for value in values]
        program.backward(scale=3.0)
        assert program.gradients[x].tolist() == [1.5, 1.5]
    assert asked == ["forward", "backward"]


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_an_operation_that_yields_nothing_is_told_to_yield_its_calls(method: str) -> None:
    def at_once(self: Node, x: Array, out: Array, *_: Array) -> None:
        call(np.multiply, x, 0.5, out)

    at_once.__name__ = method
    x = Input("x")
    node = type("Silent", (Halving,), {method: at_once})(x)
    with pytest.raises(TypeError, match=rf"`Silent.{method}` must yield its calls .*, but returned None"):
        Graph(node, wrt=[x]).program({x: (2,)})


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "softmax"])
@pytest.mark.parametrize(
    ("loss", "last"),
    [("cross_entropy", "softmax"), ("binary_cross_entropy", "sigmoid"), ("half_squared_error", "sigmoid")],
)
def test_a_bound_program_allocates_nothing(activation: str, loss: str, last: str) -> None:
    n = 100_000
    layers = [Dense(3), Activation(activation), Dropout(0.2), Dense(2), Activation(last)]
    network = Network(layers, features=(2,), rng=np.random.default_rng(1), dtype=np.float32)
    objective = Objective(network, loss, dropout=np.random.default_rng(2))
    rows = Rows.whole(np.zeros((n, 2), np.uint8), np.zeros(n, np.intp))
    loader = BatchLoader(rows, objective, objective.training, n)
    loader.load(rows.index)  # binds

    tracemalloc.start()
    program, correct = loader.load(rows.index)
    program.forward()
    program.backward()
    assert correct is not None
    correct()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < n  # bytes: not even a flag for each row. NumPy itself casts through a buffer of 8,192 numbers


def test_a_node_without_a_shape_says_what_it_lacks() -> None:
    class Nameless(Node):
        pass

    node = Nameless(Input())
    with pytest.raises(TypeError, match=r"`Nameless` has no shape of its own"):
        Graph(node).program({node.inputs[0]: (2,)})
