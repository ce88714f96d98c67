"""From rows to batches: which rows come when, and how they get into a graph's input buffers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlab.core.graph import Array, Graph, Node, Program, Shape
from nnlab.core.memory import aligned_empty
from nnlab.core.objective import Objective
from nnlab.core.profile import Profile
from nnlab.core.rows import Rows


class _Bound(NamedTuple):
    """Where batches of one size go: found once, since looking it up costs a small network as much as a product.

    Args:
        program: bound to the buffers.
        x: the input's buffer.
        stage: rows as they are stored, before they are scaled; None if they go into `x` as they are.
        target: the target's buffer; flat where each row has a single number.
        labels: the rows' class labels (n,), in `target` itself if the loss takes labels; None without labels.
    """

    program: Program
    x: Array
    stage: Array | None
    target: Array
    labels: Array | None


class Feed:
    """Brings batches of a split into the input buffers of a graph: gather, widen, scale.

    Args:
        rows: the split.
        objective: whose inputs are fed.
        graph: its training or its evaluation graph.
        batch_size: the largest batch to come.
        profile: to watch the graph's operations; None watches nothing.

    Raises:
        TypeError: if labels are no integers.
    """

    def __init__(
        self, rows: Rows, objective: Objective, graph: Graph, batch_size: int, profile: Profile | None = None
    ) -> None:
        self.rows = rows
        self.objective = objective
        self.graph = graph
        self._profile = profile
        dtype = objective.network.dtype
        self._scale = np.asarray(rows.scaling.scale, dtype)
        self._offset = np.asarray(rows.scaling.offset, dtype)
        self._has_offset = bool(np.any(self._offset))
        is_direct = rows.scaling.is_identity and rows.x.dtype == dtype
        self._stage: Array | None = None if is_direct else aligned_empty((batch_size, *rows.x.shape[1:]), rows.x.dtype)
        is_labelled = rows.y.ndim == 1
        self._labels = rows.y.astype(np.intp, casting="same_kind", copy=False) if is_labelled else None
        outputs = objective.network.outputs
        self._needs_columns = self._labels is not None and not objective.loss.takes_labels and outputs > 1
        self._columns = np.eye(outputs if self._needs_columns else 0, dtype=dtype)
        self._bounds: dict[int, _Bound] = {}

    def load(self, ids: NDArray[np.intp]) -> tuple[Program, Array | None]:
        """Bring in the rows at positions `ids` (n,) of the arrays.

        Returns:
            The program whose inputs now hold them, and their labels (n,) until the next call, or None if targets are
            no labels.
        """
        bound = self._bounds.get(len(ids))
        if bound is None:
            bound = self._bounds[len(ids)] = self._bind(len(ids))
        program, x, stage, target, labels = bound
        # mode="clip" lets take write straight into its third argument; every id is valid already.
        if stage is None:
            self.rows.x.take(ids, 0, x, "clip")
        else:
            self.rows.x.take(ids, 0, stage, "clip")
            # Widened first, then scaled in place: twice as fast as one multiplication of mixed types.
            x[...] = stage
            np.multiply(x, self._scale, out=x)
            if self._has_offset:
                np.add(x, self._offset, out=x)

        if labels is None or self._labels is None:
            target[...] = self.rows.y.take(ids, 0).reshape(target.shape)
            return program, None
        self._labels.take(ids, 0, labels, "clip")
        if self._needs_columns:
            self._columns.take(labels, 0, target, "clip")
        elif target is not labels:
            target[...] = labels
        return program, labels

    def _bind(self, n: int) -> _Bound:
        network, takes_labels = self.objective.network, self.objective.loss.takes_labels
        target_shape = (n,) if takes_labels else (n, network.outputs)
        fed: dict[Node, Shape] = {network.x: (n, *network.features), self.objective.target: target_shape}
        program = self.graph.program(fed)
        if self._profile is not None:
            program.watch(self._profile)
        target = program.values[self.objective.target]
        if not takes_labels and network.outputs == 1:
            target = target.reshape(-1)
        labels = None
        if self._labels is not None:
            labels = target if takes_labels else np.empty(n, np.intp)
        stage = None if self._stage is None else self._stage[:n]
        return _Bound(program, program.values[network.x], stage, target, labels)


def shuffled(rows: Rows, rng: np.random.Generator) -> NDArray[np.intp]:
    """The positions of the split's rows in a random order, (n,): one epoch."""
    return rows.index[rng.permutation(len(rows))]


def stretches(ids: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    """`ids` in pieces of `size`, the last one smaller."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
