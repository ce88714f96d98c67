"""Automatic differentiation: build an expression from nodes, then ask for its value and gradients.

>>> x, y, z = Input(), Input(), Input()
>>> f = Add(Mul(x, y), Mul(x, z))
>>> value_and_grad(f, {x: 3, y: 4, z: -5}, [x, y, z])
(-3.0, [-1.0, 3.0, 3.0])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from nnlab.core.graph import Graph, Program
from nnlab.core.losses import CrossEntropyWithSoftmax, LossFunction
from nnlab.core.node import Array, Input, Node
from nnlab.core.ops import Add, Mul

Fed = TypeVar("Fed", bound=Node)

__all__ = ["Add", "Input", "Mul", "accuracy", "value", "value_and_grad"]


def value_and_grad(node: Node, feed_dict: Mapping[Fed, ArrayLike], wrt: Sequence[Node]) -> tuple[Any, list[Any]]:
    """The value of `node`, and its derivative by each node of `wrt`, in that order, in float64.

    Where the value is not a scalar the derivative is that of the sum of its elements (all upstream gradients
    are one). A node that is used along several paths adds its gradients. The order of computation is found
    once for each pair of `node` and `wrt`, the buffers once for each set of shapes.

    Args:
        node: what to compute.
        feed_dict: a value for every `Input` that `node` depends on.
        wrt: the nodes by which to differentiate.

    Returns:
        The value, and one gradient for each of `wrt`, in the shape of that node (zeros where `node` does not
        depend on it). Arrays are copies, scalars are floats.

    Raises:
        ValueError: if an input is missing from the feed, shapes do not fit, or a loss is not defined for a target.
    """
    program = _run(node, feed_dict, tuple(wrt))
    with np.errstate(over="ignore"):
        program.backward()
    zeros = {by: np.zeros(np.shape(array)) for by, array in feed_dict.items() if by not in program.gradients}
    gradients = [_result(program.gradients[by] if by in program.gradients else zeros[by]) for by in wrt]  # type: ignore[index]
    return _result(program.values[node]), gradients


def value(node: Node, feed_dict: Mapping[Fed, ArrayLike]) -> Any:
    """The value of `node`, in float64; see `value_and_grad`."""
    return _result(_run(node, feed_dict, ()).values[node])


def accuracy(node: Node, feed_dict: Mapping[Fed, ArrayLike]) -> float:
    """The fraction of rows whose largest logit is that of the label.

    Args:
        node: a `CrossEntropyWithSoftmax`.
        feed_dict: as for `value_and_grad`.

    Raises:
        TypeError: if `node` is another kind of node.
    """
    if not isinstance(node, CrossEntropyWithSoftmax):
        raise TypeError(f"`accuracy` needs a `CrossEntropyWithSoftmax` node, but got {node!r}. Give it the loss.")
    logits, labels = node.inputs
    program = _run(node, feed_dict, ())
    return float(np.mean(program.values[logits].argmax(axis=1) == program.values[labels]))


def _result(buffer: Array) -> Any:
    return float(buffer) if buffer.ndim == 0 else buffer.copy()


def _run(node: Node, feed_dict: Mapping[Fed, ArrayLike], wrt: tuple[Node, ...]) -> Program:
    """A forward pass, with everything ready for a backward pass by `wrt`."""
    fed: dict[Node, Array] = {key: np.asarray(array) for key, array in feed_dict.items()}
    graph = Graph.ending_at(node, wrt)
    _check_feed(graph, fed, wrt)
    program = graph.program({key: array.shape for key, array in fed.items()})
    for key, array in fed.items():
        if key in program.values:
            np.copyto(program.values[key], array, casting="unsafe")
    _check_targets(graph, program)
    with np.errstate(over="ignore"):
        program.forward()
    return program


def _check_feed(graph: Graph, fed: Mapping[Node, Array], wrt: tuple[Node, ...]) -> None:
    for key, array in fed.items():
        if not isinstance(key, Input):
            raise ValueError(f"Only an `Input` can be fed, but {key!r} is computed. Leave it out of the feed.")
        if key in graph.labels and array.dtype.kind not in "iu":
            raise ValueError(f"Labels are class indices and need an integer dtype, but {key!r} was fed {array.dtype}.")
    for by in wrt:
        if by in graph.labels:
            raise ValueError(f"{by!r} holds labels, which have no derivative. Leave it out of `wrt`.")
        if by not in fed and by not in graph.order:
            raise ValueError(
                f"{by!r} is in `wrt`, but neither fed nor part of {graph.output!r}. Feed it, or leave it out of `wrt`."
            )


def _check_targets(graph: Graph, program: Program) -> None:
    for node in graph.order:
        if isinstance(node, LossFunction) and isinstance(node.inputs[1], Input):
            node.targets.check(program.values[node.inputs[1]])
        for i in node.integer_inputs:
            classes, labels = program.values[node.inputs[0]].shape[-1], program.values[node.inputs[i]]
            wrong = labels[(labels < 0) | (labels >= classes)]
            if wrong.size:
                raise ValueError(f"Labels are classes 0 to {classes - 1}, but {node.inputs[i]!r} was fed {wrong[0]}.")
