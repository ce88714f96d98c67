"""Backpropagation, checked against central differences of the reference's loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nnlab.core import reference
from nnlab.core.batches import BatchLoader
from nnlab.core.graph import Graph, Program
from nnlab.core.node import Array
from nnlab.core.objective import Objective
from nnlab.core.rows import Rows

TOLERANCE = 1e-5
"""Above this relative error a gradient is wrong. In float64 a right one is off by about 1e-8."""

STEPS = (np.cbrt(np.finfo(np.float64).eps), 1e-7)
"""The step of least total error for central differences, and a shorter one for where it jumps over a ReLU's kink."""

NUDGE = 1e-3
"""How far parameters are moved from their initial values, as a standard deviation."""

ROUNDINGS = 8.0
"""How many times the smallest possible rounding a loss may be off: each value in it comes from a few operations."""


@dataclass(frozen=True)
class ParameterCheck:
    """How far one parameter's gradient is from its central differences.

    Attributes:
        name: the parameter.
        entries: how many of its entries were checked, and of how many.
        error: ‖g − ĝ‖ / (‖g‖ + ‖ĝ‖) over the checked entries; 0 where both vanish. Where that is more than `TOLERANCE`,
            what the loss's own rounding explains is subtracted. The largest of those for a batch of all rows, of fewer
            and of one, whatever was in memory while they were recorded.
    """

    name: str
    entries: tuple[int, int]
    error: float

    @property
    def is_right(self) -> bool:
        """Whether the error is within `TOLERANCE`."""
        return self.error <= TOLERANCE


def check_gradients(
    objective: Objective, rows: Rows, *, dropout: np.random.Generator, entries: int = 30, seed: int = 0
) -> list[ParameterCheck]:
    """Check the gradient of loss and penalties by each parameter, on batches of several sizes.

    Each program is recorded on memory that holds other numbers, and again on memory that holds the very same: an
    operation that keeps what it sees while its calls are recorded gives two answers.

    The parameters are moved a little at random first: a network as initialized can sit exactly on a ReLU's
    kink (zero biases and a row of zeros), where there is no derivative to compare with.

    Args:
        objective: of a float64 network; its parameters are restored.
        rows: a few rows.
        dropout: the objective's stream of masks, set back before each pass, so that every pass has the same mask.
        entries: how many entries of each parameter to check, chosen at random.
        seed: of that choice.

    Raises:
        ValueError: if the network is not float64: differences of float32 losses have no digits left.
    """
    if objective.network.dtype != np.float64:
        raise ValueError(f"A gradient check needs a float64 network, but got {objective.network.dtype}.")
    vector = objective.network.parameters.values_vector
    initial = vector.copy()
    chooser = np.random.default_rng(seed)
    vector += NUDGE * chooser.standard_normal(len(vector))
    chosen = {
        name: chooser.permutation(value.size)[:entries] for name, value in objective.network.parameters.named().items()
    }
    checks = _Batch(objective, rows, dropout).checks(chosen)
    for size in sorted({1, len(rows) // 2 + 1} - {len(rows)}):
        batch = Rows(rows.x, rows.y, rows.index[-size:], rows.scaling)
        fewer = {name: positions[: -(-len(positions) // 3)] for name, positions in chosen.items()}
        others = _Batch(objective, batch, dropout).checks(fewer)
        checks = [replace(one, error=_worst(one.error, other.error)) for one, other in zip(checks, others, strict=True)]
    vector[...] = initial
    return checks


class _Batch:
    """The gradients of one batch, and the loss that they are of."""

    def __init__(self, objective: Objective, rows: Rows, dropout: np.random.Generator) -> None:
        self._objective = objective
        self._rows = rows
        self._dropout = dropout
        self._masks = dropout.bit_generator.state
        self._has_reference_form = reference.has_reference_form(objective)
        self._values = objective.network.parameters.values_vector

    def checks(self, chosen: Mapping[str, NDArray[np.intp]]) -> list[ParameterCheck]:
        """Each parameter, at the chosen entries."""
        again, _ = self._gradients(self._bound(on_other_numbers=False))
        program = self._bound(on_other_numbers=True)
        gradients, rounding = self._gradients(program)
        rounding = rounding if math.isfinite(rounding) else math.nan
        checks = []
        for name, (value, _) in self._objective.network.parameters.items():
            exact, positions = gradients[name].reshape(-1)[chosen[name]], chosen[name]
            differences, unexplained = self._differences(program, value.reshape(-1), positions, exact, rounding)
            error = _relative(exact - differences, exact, differences)
            if not error <= TOLERANCE:
                error = _relative(unexplained, exact, differences)
            bound_twice = _relative(gradients[name] - again[name], gradients[name], again[name])
            checks.append(ParameterCheck(name, (len(positions), value.size), _worst(error, bound_twice)))
        return checks

    def _bound(self, *, on_other_numbers: bool) -> Program:
        """A program of this batch, recorded on memory that held its numbers already, or others."""
        graph = self._objective.new_training_graph()
        before, kept = self._loaded(graph), self._values.copy()
        if on_other_numbers:
            x = before.values[self._objective.network.x]
            np.subtract(-0.5, x, out=x)
            self._values[...] = 0.5 - kept
            self._dropout.random()
        self._gradients(before, set_back=False)
        graph.unbind()
        program = self._loaded(graph)
        self._values[...] = kept
        return program

    def _loaded(self, graph: Graph) -> Program:
        program, _ = BatchLoader(self._rows, self._objective, graph, len(self._rows)).load(self._rows.index)
        return program

    def _gradients(self, program: Program, *, set_back: bool = True) -> tuple[dict[str, Array], float]:
        """The gradient of loss and penalties by each parameter, and how far rounding may move the loss.

        Each value v of the graph is rounded, by ε|v| or a few times that, which moves the loss by |∂L/∂v| as much.
        """
        objective, epsilon = self._objective, float(np.finfo(np.float64).eps)
        if set_back:
            self._dropout.bit_generator.state = self._masks
        with np.errstate(over="ignore"):
            size = abs(float(program.forward())) + objective.network.penalty()
            program.backward()
        size += sum(float(np.abs(program.values[node] * slope).sum()) for node, slope in program.gradients.items())
        if objective.loss.fused_with:  # It takes logarithms of numbers about 1, and differences of logits.
            size += float((1.0 + np.abs(program.values[program.output.inputs[0]])).sum()) / len(self._rows)
        objective.add_penalty_gradients()
        return {name: part.gradient.copy() for name, part in objective.network.parameters.items()}, epsilon * size

    def _loss(self, program: Program) -> float:
        """The reference's; the program's own where there is a layer that it does not know."""
        objective = self._objective
        self._dropout.bit_generator.state = self._masks
        if not self._has_reference_form:
            with np.errstate(over="ignore"):
                return float(program.forward()) + objective.network.penalty()
        rules = objective.network.regularizers
        penalties = [reference.penalty(rule, objective.network.parameters[name].value) for name, rule in rules.items()]
        return reference.Pass(objective, self._rows, self._dropout).loss() + sum(penalties)

    def _differences(
        self, program: Program, flat: Array, chosen: NDArray[np.intp], exact: Array, rounding: float
    ) -> tuple[Array, Array]:
        """(L(w + h) − L(w − h)) / 2h at the chosen entries, and what of its distance to `exact` is not rounding.

        Of the two steps, what is explained best.
        """
        result, unexplained = np.empty(len(chosen)), np.empty(len(chosen))
        for i, position in enumerate(chosen):
            kept = flat[position]
            estimates = []
            for step in STEPS:
                h = step * max(1.0, abs(kept))
                flat[position] = kept + h
                above = self._loss(program)
                flat[position] = kept - h
                estimate = (above - self._loss(program)) / (2.0 * h)
                distance = abs(estimate - exact[i])
                # In this order, so that NaN stays NaN.
                estimates.append((max(distance - ROUNDINGS * rounding / (2.0 * h), 0.0), distance, estimate))
            flat[position] = kept
            unexplained[i], _, result[i] = min(estimates)
        return result, unexplained


def _relative(error: Array, one: Array, other: Array) -> float:
    scale = float(np.linalg.norm(one) + np.linalg.norm(other))
    return float(np.linalg.norm(error)) / scale if scale != 0 else 0.0


def _worst(one: float, other: float) -> float:
    """The larger, or NaN if either is."""
    return float(np.maximum(one, other))
