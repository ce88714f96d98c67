"""Backpropagation held against central differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnlab.core.feed import Feed
from nnlab.core.node import Array
from nnlab.core.objective import Objective
from nnlab.core.rows import Rows

TOLERANCE = 1e-5
"""Above this relative error a gradient is wrong. In float64 a right one is off by about 1e-8."""

STEPS = (np.cbrt(np.finfo(np.float64).eps), 1e-7)
"""The step of least total error for central differences, and a shorter one for where it jumps over a ReLU's kink."""

NUDGE = 1e-3
"""How far parameters are moved off their beginning, as a standard deviation."""


@dataclass(frozen=True)
class ParameterCheck:
    """How far one parameter's gradient is from its central differences.

    Attributes:
        name: the parameter.
        entries: how many of its entries were checked, and of how many.
        error: ‖g − ĝ‖ / (‖g‖ + ‖ĝ‖) over the checked entries; 0 where both vanish.
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
    """Check the gradient of loss and penalties by each parameter, on all of `rows` as one batch.

    The parameters are moved a little at random first: at its beginning a network can sit exactly on a ReLU's
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
    feed = Feed(rows, objective, objective.training, len(rows))
    program, _ = feed.load(rows.index)
    masks = dropout.bit_generator.state

    def loss() -> float:
        dropout.bit_generator.state = masks
        with np.errstate(over="ignore"):
            return float(program.forward()) + objective.network.penalty()

    vector = objective.network.parameters.values_vector
    beginning = vector.copy()
    chooser = np.random.default_rng(seed)
    vector += NUDGE * chooser.standard_normal(len(vector))
    loss()
    with np.errstate(over="ignore"):
        program.backward()
    objective.add_penalty_gradients()
    checks = []
    for name, (value, gradient) in objective.network.parameters.items():
        chosen = chooser.permutation(value.size)[:entries]
        exact = gradient.reshape(-1)[chosen].copy()
        differences = _central_differences(loss, value.reshape(-1), chosen, exact)
        scale = float(np.linalg.norm(exact) + np.linalg.norm(differences))
        error = float(np.linalg.norm(exact - differences)) / scale if scale > 0 else 0.0
        checks.append(ParameterCheck(name, (len(chosen), value.size), error))
    vector[...] = beginning
    return checks


def _central_differences(loss: Callable[[], float], flat: Array, chosen: NDArray[np.intp], exact: Array) -> Array:
    """(L(w + h) − L(w − h)) / 2h at the chosen entries; of the two steps, what lies nearer to `exact`."""
    result = np.empty(len(chosen))
    for i, position in enumerate(chosen):
        kept = flat[position]
        estimates = []
        for step in STEPS:
            h = step * max(1.0, abs(kept))
            flat[position] = kept + h
            above = loss()
            flat[position] = kept - h
            estimates.append((above - loss()) / (2.0 * h))
        flat[position] = kept
        result[i] = min(estimates, key=lambda estimate: abs(estimate - exact[i]))
    return result
