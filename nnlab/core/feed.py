"""From rows to batches: which rows come when, and how they get into a graph's input buffers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nnlab.core.graph import Array, Graph, Program
from nnlab.core.memory import aligned_empty
from nnlab.core.objective import Objective
from nnlab.core.profile import Profile
from nnlab.core.rows import Rows


class Feed:
    """Brings batches of a split into the input buffers of a graph: gather, widen, scale.

    Args:
        rows: the split.
        objective: whose inputs are fed.
        graph: its training or its evaluation graph.
        batch_size: the largest batch to come.
        profile: to watch the graph's operations; None watches nothing.
    """

    def __init__(
        self, rows: Rows, objective: Objective, graph: Graph, batch_size: int, profile: Profile | None = None
    ) -> None:
        self.rows = rows
        self.objective = objective
        self.graph = graph
        self._profile = profile
        dtype = objective.network.dtype
        self._is_labelled = rows.y.ndim == 1
        self._scale = np.asarray(rows.scaling.scale, dtype)
        self._offset = np.asarray(rows.scaling.offset, dtype)
        self._has_offset = bool(np.any(self._offset))
        is_direct = rows.scaling.is_identity and rows.x.dtype == dtype
        self._stage: Array | None = None if is_direct else aligned_empty((batch_size, *rows.x.shape[1:]), rows.x.dtype)
        self._columns: Array | None = None
        if self._is_labelled and not objective.loss.takes_labels and objective.network.outputs > 1:
            self._columns = np.eye(objective.network.outputs, dtype=dtype)
        self._programs: dict[int, Program] = {}

    def load(self, ids: NDArray[np.intp]) -> tuple[Program, Array | None]:
        """Bring in the rows at positions `ids` (n,) of the arrays.

        Returns:
            The program whose inputs now hold them, and their labels (n,), or None if targets are no labels.
        """
        program = self._programs.get(len(ids))
        if program is None:
            program = self._programs[len(ids)] = self._bind(len(ids))
        x = program.values[self.objective.network.x]
        # mode="clip" lets take write straight into `out`; every id is valid already.
        if self._stage is None:
            self.rows.x.take(ids, axis=0, out=x, mode="clip")
        else:
            stage = self._stage[: len(ids)]
            self.rows.x.take(ids, axis=0, out=stage, mode="clip")
            # Widened first, then scaled in place: twice as fast as one multiplication of mixed types.
            x[...] = stage
            np.multiply(x, self._scale, out=x)
            if self._has_offset:
                np.add(x, self._offset, out=x)

        chosen = self.rows.y.take(ids, axis=0)
        target = program.values[self.objective.target]
        if self._columns is not None:
            self._columns.take(chosen, axis=0, out=target, mode="clip")
        else:
            target[...] = chosen.reshape(target.shape)
        return program, chosen if self._is_labelled else None

    def _bind(self, n: int) -> Program:
        network = self.objective.network
        target = (n,) if self.objective.loss.takes_labels else (n, network.outputs)
        program = self.graph.program({network.x: (n, *network.features), self.objective.target: target})
        if self._profile is not None:
            program.watch(self._profile)
        return program


def shuffled(rows: Rows, rng: np.random.Generator) -> NDArray[np.intp]:
    """The positions of the split's rows in a random order, (n,): one epoch."""
    return rows.index[rng.permutation(len(rows))]


def stretches(ids: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    """`ids` in pieces of `size`, the last one smaller."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
