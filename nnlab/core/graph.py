"""The engine: a static computational graph, recorded once for each batch shape and replayed for every batch.

A `Node` says what is computed from what, and holds no numbers. A `Graph` fixes the order of computation once, and owns
the memory. `Graph.program(shapes)` gives every node a buffer for those shapes, and records on a tape the calls of NumPy
that all operations make on them. From then on a forward and a backward pass are two plain loops over calls, and
allocate nothing. They compute what `textbook` computes, to the bit. Why all this: `docs/design/record_and_replay.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from nnlab.core.memory import Arena
from nnlab.core.node import Array, Input, Node, Shape
from nnlab.core.profile import Profile
from nnlab.core.recording import record
from nnlab.core.textbook import topological_order


class Parameter(NamedTuple):
    """Arrays outside the graph that hold an input's value and collect its gradient (a parameter's)."""

    value: Array
    gradient: Array


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
        self.memory = Arena(self.dtype)
        self._programs: dict[tuple[tuple[Node, Shape], ...], Program] = {}

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
        """Forget all programs. The next are recorded again, on memory that still holds numbers."""
        self._programs.clear()


class _Step(NamedTuple):
    """A piece of the tape: the node (None for a sum over paths), and its calls."""

    node: Node | None
    calls: list[Callable[[], object]]


class Program:
    """A graph bound to buffers of fixed shapes: a tape of calls for the forward pass, and one for the backward pass.

    Attributes:
        values: the buffer of each node's value. Write into those of the fed inputs, then call `forward`.
        gradients: after `backward`, the derivative of the output by each active node; where the output is
            not a scalar, of the sum of its elements.
    """

    def __init__(self, graph: Graph, shapes: Mapping[Node, Shape]) -> None:
        self.output = graph.output
        self.values: dict[Node, Array] = {}
        self.gradients: dict[Node, Array] = {}
        self._saved: dict[Node, list[Any]] = {}
        self._forward_steps: list[_Step] = []
        self._backward_steps: list[_Step] = []
        self._seed: Array = np.empty(())

        for node in graph.order:
            if isinstance(node, Input):
                self.values[node] = _fed(graph, node, shapes)
            else:
                self._record_forward(graph, node)
        if graph.output in graph.active:
            self._seed = self._gradient(graph, graph.output)
            for node in reversed(graph.order):
                if node in self.gradients and not isinstance(node, Input):
                    self._record_backward(graph, node)
        self._forward_calls = [call for step in self._forward_steps for call in step.calls]
        self._backward_calls = [call for step in self._backward_steps for call in step.calls]

    def _record_forward(self, graph: Graph, node: Node) -> None:
        inputs = [self.values[parent] for parent in node.inputs]
        shapes = [value.shape for value in inputs]
        out = graph.memory.buffer((node, "value"), node.shape(*shapes))
        arrays = node.saved(graph.memory.of(node), *shapes)
        if arrays is not None and not hasattr(arrays, "_fields"):
            name = f"{type(node).__name__}.saved"
            raise TypeError(f"`{name}` must return a `NamedTuple` of arrays, or None, but returned {arrays!r}.")
        self._saved[node] = [] if arrays is None else [arrays]
        self._forward_steps.append(_Step(node, record(node.forward, [*inputs, out, *self._saved[node]])))
        self.values[node] = out

    def _record_backward(self, graph: Graph, node: Node) -> None:
        # The first path that reaches a value writes its gradient, every later one adds to it: which is which
        # is known now, so that nothing is cleared and nothing is asked in the loop.
        parts: list[Array | None] = []
        sums: list[_Step] = []
        for place, parent in enumerate(node.inputs):
            if parent not in graph.active or place in node.integer_inputs:
                parts.append(None)
            elif parent not in self.gradients:
                parts.append(self._gradient(graph, parent))
            else:
                total = self.gradients[parent]
                part = graph.memory.buffer((node, "part", place), total.shape)
                parts.append(part)
                sums.append(_Step(None, [partial(np.add, total, part, total)]))
        if any(array is not None for array in parts):
            inputs = [self.values[parent] for parent in node.inputs]
            arrays = [*inputs, self.values[node], *self._saved[node], self.gradients[node], *parts]
            self._backward_steps.append(_Step(node, record(node.backward, arrays)))
            self._backward_steps.extend(sums)

    def _gradient(self, graph: Graph, node: Node) -> Array:
        parameter = graph.parameters.get(node)
        buffer = parameter.gradient if parameter else graph.memory.buffer((node, "gradient"), self.values[node].shape)
        self.gradients[node] = buffer
        return buffer

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
        """Replay: compute every value from the fed ones; returns the output's buffer."""
        _run(self._forward_calls)
        return self.values[self.output]

    def backward(self, scale: float = 1.0) -> None:
        """Replay, after `forward`: compute every gradient, of `scale` times the output, which costs nothing more."""
        self._seed.fill(scale)
        _run(self._backward_calls)


def _fed(graph: Graph, node: Input, shapes: Mapping[Node, Shape]) -> Array:
    """Where an input is fed: into a parameter's own array, else into a buffer."""
    if node in graph.parameters:
        return graph.parameters[node].value
    if node not in shapes:
        raise ValueError(f"{node!r} is needed to compute {graph.output!r} but is not fed. Add it to the feed.")
    return graph.memory.buffer((node, "value"), shapes[node], np.intp if node in graph.labels else None)


def _run(calls: Iterable[Callable[[], object]]) -> None:
    for call in calls:
        call()
