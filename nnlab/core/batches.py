"""From rows to batches: the order of rows, and how they get into a graph's inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlab.core.graph import Graph, Program
from nnlab.core.memory import aligned_empty
from nnlab.core.node import CLIP, Array, Calls, Node, Shape, call
from nnlab.core.objective import Objective
from nnlab.core.profile import Profile
from nnlab.core.rows import Rows
from nnlab.core.targets import checked_labels


class _Bound(NamedTuple):
    """What loads a batch of one size: write positions into `ids` (n,), then make the calls."""

    ids: NDArray[np.intp]
    calls: list[Callable[[], object]]
    program: Program
    correct: Callable[[], int] | None


class BatchLoader:
    """Loads batches of a split into the inputs of a graph: gathers rows, and scales them as `Scaling` says.

    Args:
        rows: the split.
        objective: whose inputs they are.
        graph: its training or its evaluation graph.
        batch_size: rows of the largest batch.
        profile: to time the graph's operations; None times nothing.

    Raises:
        TypeError: if labels are not integers.
        ValueError: if the network has no output for a label, or the loss is not defined for a target.
    """

    def __init__(
        self, rows: Rows, objective: Objective, graph: Graph, batch_size: int, profile: Profile | None = None
    ) -> None:
        self.rows = rows
        self.objective = objective
        self.graph = graph
        self._profile = profile
        dtype = objective.network.dtype
        is_direct = rows.scaling.is_identity and rows.x.dtype == dtype
        self._stage: Array | None = None if is_direct else aligned_empty((batch_size, *rows.x.shape[1:]), rows.x.dtype)
        self._labels = _labels(rows.y, objective.network.outputs) if rows.y.ndim == 1 else None
        if self._labels is None:
            objective.loss.node.targets.check(rows.y, dtype)
        needs_columns = self._labels is not None and not objective.loss.takes_labels
        self._one_hot: Array = np.eye(objective.network.outputs if needs_columns else 0, dtype=dtype)
        self._bounds: dict[int, _Bound] = {}

    def load(self, ids: NDArray[np.intp]) -> tuple[Program, Callable[[], int] | None]:
        """Load the rows at positions `ids` (n,) of the arrays.

        Returns:
            The program whose inputs now hold them. And a function that, after its forward pass, counts the rows that
            the network decides right, see `Objective.decisions`; None if targets are not labels.
        """
        bound = self._bounds.get(len(ids))
        if bound is None:
            bound = self._bounds[len(ids)] = self._bind(len(ids))
        bound.ids[...] = ids
        for step in bound.calls:
            step()
        return bound.program, bound.correct

    def _bind(self, n: int) -> _Bound:
        network, takes_labels = self.objective.network, self.objective.loss.takes_labels
        target_shape = (n,) if takes_labels else (n, network.outputs)
        fed: dict[Node, Shape] = {network.x: (n, *network.features), self.objective.target: target_shape}
        program = self.graph.program(fed)
        x, target = program.values[network.x], program.values[self.objective.target]
        ids = np.empty(n, np.intp)
        calls = list(self._inputs(ids, x))
        if self._labels is None:
            calls += _columns(self.rows.y, ids, target)
            correct = None
        else:
            labels = target if takes_labels else np.empty(n, self._labels.dtype)
            calls += _classes(self._labels, ids, labels, target, self._one_hot)
            correct = self.objective.decisions(program, labels)
        if self._profile is not None:
            program.watch(self._profile)
            correct = correct and self._profile.timed("report", "decisions", correct)
        return _Bound(ids, calls, program, correct)

    def _inputs(self, ids: NDArray[np.intp], x: Array) -> Calls:
        """Rows into `x`, as numbers of its dtype, scaled."""
        if self._stage is None:
            yield call(self.rows.x.take, ids, 0, x, CLIP)
            return
        stage = self._stage[: len(ids)]
        yield call(self.rows.x.take, ids, 0, stage, CLIP)
        yield from self.rows.scaling.calls(stage, x)


def _labels(y: Array, outputs: int) -> Array:
    """Labels (n,) in the form that is compared with decisions: integers, or booleans where there is one output."""
    if y.dtype.kind not in "iub":
        raise TypeError(
            f"Labels (n,) must be integers, but got {y.dtype}. Give numbers to predict as columns: `y.reshape(-1, 1)`."
        )
    labels = checked_labels(y.astype(np.intp, copy=False), outputs)
    return labels if outputs > 1 else labels.astype(np.bool_)


def _classes(y: Array, ids: NDArray[np.intp], labels: Array, target: Array, one_hot: Array) -> Calls:
    """Labels into `labels` (n,), and into `target` as the loss takes them: labels (n,), or columns (n, outputs)."""
    yield call(y.take, ids, 0, labels, CLIP)
    if target is labels:
        return
    if target.shape[1] > 1:
        yield call(one_hot.take, labels, 0, target, CLIP)
    else:
        yield call(np.copyto, target.reshape(-1), labels)


def _columns(y: Array, ids: NDArray[np.intp], target: Array) -> Calls:
    """Numbers to predict into `target` (n, outputs)."""
    stage = np.empty(target.shape, y.dtype)
    yield call(y.take, ids, 0, stage, CLIP)
    yield call(np.copyto, target, stage)


def shuffled(rows: Rows, rng: np.random.Generator) -> NDArray[np.intp]:
    """The positions of the split's rows in a random order, (n,): one epoch."""
    return rows.index[rng.permutation(len(rows))]


def chunks(ids: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    """`ids` in pieces of `size`, the last one smaller."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
