"""The textbook's backpropagation: worked by hand, and the same bits as the engine's on graphs drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnlab.core import (
    Activation,
    Add,
    CrossEntropyWithSoftmax,
    Dense,
    Dropout,
    Graph,
    HalfSquaredError,
    Input,
    Linear,
    MatMul,
    MeanSquaredError,
    Mul,
    Network,
    Node,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from nnlab.core.activations import InvertedDropout
from nnlab.core.losses import BinaryCrossEntropyWithLogits, MeanBinaryCrossEntropyWithLogits
from nnlab.core.node import Array, Shape
from nnlab.core.objective import Objective
from nnlab.core.textbook import backward, forward


def test_a_node_used_along_several_paths_adds_their_parts() -> None:
    x = Input("x")
    square = Mul(x, x)
    # x⁴ + x² + x at 2: 16 + 4 + 2 = 22, derivative 4·8 + 2·2 + 1 = 37; by x², 2·4 + 1 = 9.
    f = Add(Add(Mul(square, square), square), x)
    values, saved = forward(f, {x: 2.0})
    gradients = backward(f, values, saved)
    assert (values[f], gradients[square], gradients[x], gradients[f]) == (22.0, 9.0, 37.0, 1.0)  # type: ignore[comparison-overlap]


def test_a_layer_has_the_published_value_and_gradients() -> None:
    """Of miniflow's `Linear`, the sum of whose elements is differentiated."""
    x, w, b = Input("x"), Input("w"), Input("b")
    f = Linear(x, w, b)
    feed = {x: [[-1.0, -2.0], [-1.0, -2.0]], w: [[2.0, -3.0], [2.0, -3.0]], b: [-3.0, -3.0]}
    values, saved = forward(f, feed)  # type: ignore[arg-type]
    gradients = backward(f, values, saved)
    assert values[f].tolist() == [[-9.0, 6.0], [-9.0, 6.0]]
    assert gradients[w].tolist() == [[-2.0, -2.0], [-4.0, -4.0]]
    assert gradients[b].tolist() == [2.0, 2.0]


class Drawn:
    """A graph drawn at random, with the shape of every value, for batches of any size n."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.widths: dict[Node, int] = {}  # values (n, width)
        self.parameters: dict[Node, Shape] = {}
        self.labels: Node | None = None
        self.streams: list[np.random.Generator] = []
        for i in range(draw(st.integers(1, 2))):
            self.widths[Input(f"x{i}")] = draw(st.integers(1, 4))
        self.inputs = list(self.widths)
        for _ in range(draw(st.integers(1, 12))):
            self._grow(draw)
        self.output = self._loss(draw)
        everything = [*self.inputs, *self.parameters]
        self.wrt = draw(st.lists(st.sampled_from(everything), unique=True, min_size=1))

    def _parameter(self, *shape: int) -> Node:
        node = Input(f"w{len(self.parameters)}")
        self.parameters[node] = shape
        return node

    def _grow(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        values = list(self.widths)
        # The newest value as often as one of all: so that most of the graph leads to the output.
        x = draw(st.sampled_from(values)) if draw(st.booleans()) else values[-1]
        width = self.widths[x]
        alike = [value for value in values if 1 in (self.widths[value], width) or self.widths[value] == width]
        kind = draw(st.sampled_from(["pair", "pair", "scaled", "product", "layer", "activation", "dropout"]))
        if kind == "pair":
            y = draw(st.sampled_from(alike))
            node: Node = draw(st.sampled_from([Add, Mul]))(x, y)
            width = max(width, self.widths[y])
        elif kind == "scaled":
            shape = draw(st.sampled_from([(), (1,), (width,), (1, width)]))
            node = draw(st.sampled_from([Add, Mul]))(self._parameter(*shape), x)
        elif kind == "activation":
            node = draw(st.sampled_from([Sigmoid, Tanh, ReLU, Softmax]))(x)
        elif kind == "dropout":
            self.streams.append(np.random.default_rng(len(self.streams)))
            node = InvertedDropout(x, 0.3, self.streams[-1])
        else:
            units = draw(st.integers(1, 4))
            w = self._parameter(width, units)
            node = MatMul(x, w) if kind == "product" else Linear(x, w, self._parameter(units))
            width = units
        self.widths[node] = width

    def _loss(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> Node:
        values = list(self.widths)
        last = values[-1]
        alike = [value for value in values if self.widths[value] == self.widths[last]]
        kind = draw(st.sampled_from([None, "labels", "targets"]))
        if kind is None:
            return last
        if kind == "labels":
            self.labels = Input("labels")
            return CrossEntropyWithSoftmax(last, self.labels)
        losses = [
            HalfSquaredError, MeanSquaredError, BinaryCrossEntropyWithLogits, MeanBinaryCrossEntropyWithLogits
        ]  # fmt: skip
        return draw(st.sampled_from(losses))(last, draw(st.sampled_from(alike)))  # type: ignore[no-any-return]

    def feed(self, n: int, rng: np.random.Generator, dtype: Any) -> dict[Node, Array]:
        numbers = {node: rng.normal(size=(n, self.widths[node])).astype(dtype) for node in self.inputs}
        numbers |= {node: rng.normal(size=shape).astype(dtype) for node, shape in self.parameters.items()}
        if self.labels is not None:
            numbers[self.labels] = rng.integers(0, self.widths[self.output.inputs[0]], n)
        return numbers

    def draw_masks_from(self, seed: int) -> None:
        for stream in self.streams:
            stream.bit_generator.state = np.random.default_rng(seed).bit_generator.state


def bits(array: Any) -> tuple[Shape, bytes]:
    """Of every number, zero's sign included; but one NaN is like another."""
    numbers = np.array(array)
    if numbers.dtype.kind == "f":
        numbers[np.isnan(numbers)] = np.nan
    return numbers.shape, numbers.tobytes()


def assert_same_bits(graph: Graph, program: Any, feed: dict[Node, Array], drawn: Drawn, seed: int) -> None:
    for node, numbers in feed.items():
        if node in program.values:
            program.values[node][...] = numbers
    drawn.draw_masks_from(seed)
    program.forward()
    program.backward()
    drawn.draw_masks_from(seed)
    values, saved = forward(graph.output, feed, graph.dtype)
    gradients = backward(graph.output, values, saved)
    assert set(program.values) == set(values)
    for node, value in values.items():
        assert bits(program.values[node]) == bits(value), node
    for node, gradient in program.gradients.items():
        assert bits(gradient) == bits(gradients[node]), node


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), dtype=st.sampled_from([np.float32, np.float64]))
def test_a_recorded_graph_replays_the_bits_of_the_textbook(data: st.DataObject, seed: int, dtype: Any) -> None:
    drawn = Drawn(data.draw)
    graph = Graph(drawn.output, wrt=drawn.wrt, dtype=dtype)
    assert set(graph.program(shapes(drawn, 3, dtype)).gradients) >= set(drawn.wrt) & set(graph.order)
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        for n in data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)):
            program = graph.program(shapes(drawn, n, dtype))
            assert_same_bits(graph, program, drawn.feed(n, rng, dtype), drawn, seed)


def shapes(drawn: Drawn, n: int, dtype: Any) -> dict[Node, Shape]:
    return {node: numbers.shape for node, numbers in drawn.feed(n, np.random.default_rng(0), dtype).items()}


@pytest.mark.parametrize("hidden", ["relu", "sigmoid", "tanh", "softmax"])
@pytest.mark.parametrize(
    ("loss", "last", "dtype"),
    [("cross_entropy", "softmax", np.float32), ("mean_squared_error", "identity", np.float64)],
)
def test_a_network_trains_on_the_bits_of_the_textbook(hidden: str, loss: str, last: str, dtype: Any) -> None:
    """At the size of a real one, so that products go through the kernels that training uses."""
    layers = [Dense(64), Activation(hidden), Dropout(0.2), Dense(10), Activation(last)]
    rng = np.random.default_rng(1)
    network = Network(layers, features=(28, 28), rng=rng, dtype=dtype)
    masks = np.random.default_rng(2)
    objective = Objective(network, loss, dropout=masks)
    graph, labels = objective.training, objective.loss.takes_labels
    for n in (50, 32, 1):
        feed: dict[Node, Array] = {network.x: rng.normal(size=(n, 28, 28)).astype(dtype)}
        feed[objective.target] = rng.integers(0, 10, n) if labels else rng.normal(size=(n, 10)).astype(dtype)
        program = graph.program({node: numbers.shape for node, numbers in feed.items()})
        for node, numbers in feed.items():
            program.values[node][...] = numbers
        state = masks.bit_generator.state
        loss_value = program.forward().copy()
        program.backward()
        masks.bit_generator.state = state
        parameters = {node: part.value for node, part in network.parameters_by_node.items()}
        values, saved = forward(graph.output, feed | parameters, dtype)
        gradients = backward(graph.output, values, saved)
        assert bits(values[graph.output]) == bits(loss_value)
        for node, part in network.parameters_by_node.items():
            assert bits(gradients[node]) == bits(part.gradient), node
