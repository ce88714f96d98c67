"""Proposals that are fixed in advance: trial n has point n of a grid or sequence, whatever the other trials gave.

Optuna's own samplers of these kinds keep their position in the study's storage, where a kill skips a point, sample the
first trial differently, or lose the order when they are created again. A point that is a function of the trial's number
avoids all of that.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from nnlab.tuning.search.dimension import Scalar
from nnlab.tuning.search.space import Space

SEQUENCES = {"sobol": "Sobol", "halton": "Halton"}
"""Low-discrepancy sequences: the class in `scipy.stats.qmc`, by the name that `sweep.sampler_options.sequence` has."""


class PlannedSampler(BaseSampler):
    """Proposes one point.

    Args:
        point: a value for every dimension, also for those that are not sampled.
    """

    def __init__(self, point: Mapping[str, Scalar]) -> None:
        self._point = point

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Nothing is sampled together."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Nothing is sampled together."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Scalar:
        """The planned value."""
        return self._point[param_name]


def grid_point(space: Space, study_seed: int, number: int) -> dict[str, Scalar]:
    """The point of the grid that trial `number` has: each comes once before any comes twice.

    Args:
        space: finite, and without conditions.
        study_seed: shuffles the order.
        number: of the trial.
    """
    counts = [dimension.count or 0 for dimension in space.dimensions]
    size = math.prod(counts)
    places = np.unravel_index(_order(study_seed, size)[number % size], counts)
    return {d.name: d.value(int(place)) for d, place in zip(space.dimensions, places, strict=True)}


@functools.lru_cache(maxsize=4)
def _order(study_seed: int, size: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.random.default_rng(study_seed).permutation(size)


def sequence_point(space: Space, sequence: str, number: int, *, scramble_seed: int | None) -> dict[str, Scalar]:
    """The point of a low-discrepancy sequence that trial `number` has.

    Conditional dimensions have their coordinate in every point, so that all trials share one sequence.

    Args:
        space: any.
        sequence: its name in `SEQUENCES`.
        number: of the trial.
        scramble_seed: the seed of the scrambling; None leaves the sequence as it is.
    """
    from scipy.stats import qmc  # here: it takes a second to load, and most studies need none of it

    points = getattr(qmc, SEQUENCES[sequence])(
        len(space.dimensions), scramble=scramble_seed is not None, rng=np.random.default_rng(scramble_seed)
    )
    if number:
        points.fast_forward(number)
    (point,) = points.random(1)
    return {d.name: d.at(float(fraction)) for d, fraction in zip(space.dimensions, point, strict=True)}
