"""The engine: a static computational graph that owns its buffers.

A `Node` says what is computed from what, and holds no numbers. A `Graph` fixes the order of computation once;
`Graph.program(shapes)` gives every node a buffer for those shapes and collects the calls of NumPy that all operations
make on them. From then on a forward and a backward pass are two plain loops over calls, and allocate nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from nnlab.core.memory import aligned_empty
from nnlab.core.node import Array, Input, Node, Shape
from nnlab.core.profile import Profile
from nnlab.core.recording import record


class Parameter(NamedTuple):
    """Arrays outside the graph that hold an input's value and collect its gradient (a parameter's)."""

    value: Array
    gradient: Array


def topological_order(output: Node) -> list[Node]:
    """Every node that `output` depends on, each after its inputs; `output` comes last.

    A stack, not recursion: depth is limited by memory alone.
    """
    order: list[Node] = []
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [(output, False)]
    while stack:
        node, inputs_done = stack.pop()
        if inputs_done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in reversed(node.inputs))
    return order


class Graph:
    """A value, all that it is computed from, and the order in which to compute it.

    Args:
        output: the value to compute.
        wrt: the inputs by which to differentiate it (none: forward passes only).
        dtype: of every value except labels.
        parameters: inputs whose value and gradient live in arrays outside the graph.
    """

    def __init__(
        self,
        output: Node,
        *,
        wrt: Sequence[Node] = (),
        dtype: DTypeLike = np.float64,
        parameters: Mapping[Node, Parameter] | None = None,
    ) -> None:
        self.output = output
        self.dtype = np.dtype(dtype)
        self.parameters = dict(parameters or {})
        self.order = topological_order(output)
        self.labels = {node.inputs[i] for node in self.order for i in node.integer_inputs}
        self.active = self._between(wrt)
        self._programs: dict[tuple[tuple[Node, Shape], ...], Program] = {}
        self._memory: dict[tuple[object, ...], Array] = {}

    @classmethod
    def ending_at(cls, output: Node, wrt: tuple[Node, ...]) -> Graph:
        """The float64 graph of `output` differentiated by `wrt`, made once and kept with the node."""
        if wrt not in output.graphs:
            output.graphs[wrt] = cls(output, wrt=wrt)
        kept: Graph = output.graphs[wrt]
        return kept

    def _between(self, wrt: Sequence[Node]) -> set[Node]:
        """The nodes that lie on a path from one of `wrt` to the output: those that need a gradient."""
        active = set(wrt)
        for node in self.order:
            if any(parent in active for i, parent in enumerate(node.inputs) if i not in node.integer_inputs):
                active.add(node)
        return active & set(self.order)

    def program(self, shapes: Mapping[Node, Shape]) -> Program:
        """The graph bound to buffers for inputs of these shapes; made once for each set of shapes.

        Smaller batches use the front of the memory of larger ones, so a last, smaller batch costs a few views.

        Args:
            shapes: the shape of every input that is not in `parameters`.

        Raises:
            ValueError: if an input has no shape, or the shapes do not fit each other.
        """
        key = tuple(shapes.items())
        found = self._programs.get(key)
        if found is None:
            found = self._programs[key] = Program(self, shapes)
        return found

    def unbind(self) -> None:
        """Forget all programs. The next are bound anew, to memory that still holds numbers."""
        self._programs.clear()

    def buffer(self, shape: Shape, dtype: DTypeLike, *owner: object) -> Array:
        """The memory that belongs to `owner`, seen in this shape; it grows where it is too small."""
        size = math.prod(shape)
        memory = self._memory.get(owner)
        if memory is None or memory.size < size:
            memory = self._memory[owner] = aligned_empty((size,), dtype)
        return memory[:size].reshape(shape)


class _Step(NamedTuple):
    """An operation on its buffers: the node (None for a sum over paths), and the calls that it comes to."""

    node: Node | None
    calls: list[Callable[[], object]]


class Program:
    """A graph bound to buffers of fixed shapes.

    Attributes:
        values: the buffer of each node's value. Write into those of the fed inputs, then call `forward`.
        gradients: after `backward`, the derivative of the output by each active node; where the output is
            not a scalar, of the sum of its elements.
    """

    def __init__(self, graph: Graph, shapes: Mapping[Node, Shape]) -> None:
        self.output = graph.output
        self.values: dict[Node, Array] = {}
        self.gradients: dict[Node, Array] = {}
        saved: dict[Node, list[Array]] = {}
        self._forward_steps: list[_Step] = []
        self._backward_steps: list[_Step] = []
        self._seed: Array = np.empty(())

        for node in graph.order:
            self.values[node] = self._value_buffer(graph, node, shapes)
            if isinstance(node, Input):
                continue
            kept = node.saved(*(self.values[parent].shape for parent in node.inputs))
            saved[node] = [
                graph.buffer(item.shape, item.dtype or graph.dtype, node, "saved", i) for i, item in enumerate(kept)
            ]
            arrays = [self.values[parent] for parent in node.inputs]
            calls = record(node.forward, [*arrays, self.values[node], *saved[node]])
            self._forward_steps.append(_Step(node, calls))

        if graph.active:
            self._bind_backward(graph, saved)
        self._forward_calls = [call for step in self._forward_steps for call in step.calls]
        self._backward_calls = [call for step in self._backward_steps for call in step.calls]

    @staticmethod
    def _needs(node: Node, graph: Graph) -> list[bool]:
        """Which inputs of `node` need a gradient."""
        return [p in graph.active and i not in node.integer_inputs for i, p in enumerate(node.inputs)]

    def _value_buffer(self, graph: Graph, node: Node, shapes: Mapping[Node, Shape]) -> Array:
        if node in graph.parameters:
            return graph.parameters[node].value
        if isinstance(node, Input):
            if node not in shapes:
                raise ValueError(f"{node!r} is needed to compute {graph.output!r} but is not fed. Add it to the feed.")
            return graph.buffer(shapes[node], np.intp if node in graph.labels else graph.dtype, node, "value")
        shape = node.shape(*(self.values[parent].shape for parent in node.inputs))
        return graph.buffer(shape, graph.dtype, node, "value")

    def _bind_backward(self, graph: Graph, saved: Mapping[Node, list[Array]]) -> None:
        for node in graph.order:
            if node in graph.active:
                parameter = graph.parameters.get(node)
                shape = self.values[node].shape
                gradient = parameter.gradient if parameter else graph.buffer(shape, graph.dtype, node, "gradient")
                self.gradients[node] = gradient
        if graph.output in self.gradients:
            self._seed = self.gradients[graph.output]

        # The first path that reaches a value writes its gradient, every later one adds to it: which is which
        # is known now, so that nothing is cleared and nothing is asked in the loop.
        reached: set[Node] = set()
        for node in reversed(graph.order):
            needs = self._needs(node, graph)
            if not any(needs):
                continue
            targets: list[Array | None] = []
            sums: list[_Step] = []
            for i, (parent, needed) in enumerate(zip(node.inputs, needs, strict=True)):
                if not needed:
                    targets.append(None)
                elif parent not in reached:
                    reached.add(parent)
                    targets.append(self.gradients[parent])
                else:
                    total = self.gradients[parent]
                    part = graph.buffer(total.shape, graph.dtype, node, "part", i)
                    targets.append(part)
                    sums.append(_Step(None, [partial(np.add, total, part, total)]))
            arrays = [self.values[parent] for parent in node.inputs]
            gradients = [self.gradients[node], *targets]
            calls = record(node.backward, [*arrays, self.values[node], *saved[node], *gradients])
            self._backward_steps.append(_Step(node, calls))
            self._backward_steps.extend(sums)

    def watch(self, profile: Profile) -> None:
        """Have the time of every operation added up from now on."""
        self._forward_calls = [self._timed(profile, "forward", step) for step in self._forward_steps]
        self._backward_calls = [self._timed(profile, "backward", step) for step in self._backward_steps]

    def _timed(self, profile: Profile, phase: str, step: _Step) -> Callable[[], object]:
        return profile.timed(phase, self._description(step.node), partial(_run, step.calls))

    def _description(self, node: Node | None) -> str:
        """An operation as a profile names it: its kind, and what it computes with or from."""
        if node is None:
            return "sum over paths"
        names = [parent.name for parent in node.inputs if isinstance(parent, Input) and parent.name]
        shape = "x".join(str(length) for length in self.values[node.inputs[0]].shape[1:])
        return f"{type(node).__name__} {' '.join(names) or shape}"

    def forward(self) -> Array:
        """Compute every value from the fed ones; returns the output's buffer."""
        _run(self._forward_calls)
        return self.values[self.output]

    def backward(self, scale: float = 1.0) -> None:
        """Compute every gradient, after `forward`: of `scale` times the output, which costs nothing more."""
        self._seed.fill(scale)
        _run(self._backward_calls)


def _run(calls: Iterable[Callable[[], object]]) -> None:
    for call in calls:
        call()
