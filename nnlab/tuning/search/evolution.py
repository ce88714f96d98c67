"""CMA-ES, its state rebuilt from the trials for each proposal.

Optuna's own sampler keeps its state as a pickle in the storage: whoever can write there could run code here. The state
is a function of the generations so far, and replaying one costs a millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from nnlab.tuning.search.dimension import Dimension, Distribution
from nnlab.tuning.search.space import Space

if TYPE_CHECKING:
    from cmaes import CMA

GENERATION = "nnlab:generation"
"""The attribute of a trial that holds its generation."""


class EvolutionSampler(BaseSampler):
    """Proposes a member of the current generation, which ends when its population is complete.

    Random trials, and those that complete after their generation has ended, are ignored.

    Args:
        space: of numbers, without conditions.
        seed: of this proposal.
        startup_trials: complete trials before it starts; they are random.
        sigma: the first standard deviation, as a fraction of each axis.
        population: trials per generation; None is 4 + ⌊3 ln d⌋ of d axes.
    """

    def __init__(self, space: Space, *, seed: int, startup_trials: int, sigma: float, population: int | None) -> None:
        self._space = space
        self._seed = seed
        self._startup_trials = startup_trials
        self._sigma = sigma
        self._population = population
        self._random = RandomSampler(seed=seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All dimensions of the space."""
        return {axis.name: axis.distribution for axis in self._space.dimensions}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A member of the current generation; nothing during the startup trials, which are random.

        Raises:
            ValueError: if the study has two objectives.
        """
        self._raise_error_if_multi_objective(study)
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        axes = [Dimension(name, cast(Distribution, axis)) for name, axis in search_space.items()]
        if len(complete) < self._startup_trials or not axes:
            return {}
        cma = self._evolved(axes, complete, is_maximized=study.direction == StudyDirection.MAXIMIZE)
        study._storage.set_trial_system_attr(trial._trial_id, GENERATION, cma.generation)
        cma.reseed_rng(self._seed)
        point = cma.ask()
        return {axis.name: axis.at(float(place)) for axis, place in zip(axes, point, strict=True)}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A random value.

        Raises:
            ValueError: if the study has two objectives.
        """
        self._raise_error_if_multi_objective(study)
        return self._random.sample_independent(study, trial, param_name, param_distribution)

    def _evolved(self, axes: Sequence[Dimension], complete: list[FrozenTrial], *, is_maximized: bool) -> CMA:
        """The strategy after every generation whose population is complete, in the unit cube."""
        from cmaes import CMA  # here: it takes a second to load, and most studies need none of it

        dimensions = len(axes)
        cma = CMA(
            mean=np.full(dimensions, 0.5),
            sigma=self._sigma,
            bounds=np.array([[0.0, 1.0]] * dimensions),
            n_max_resampling=10 * dimensions,
            seed=0,  # has no effect: `ask` is reseeded
            population_size=self._population,
        )
        generations: dict[Any, list[FrozenTrial]] = {}
        for trial in complete:
            generations.setdefault(trial.system_attrs.get(GENERATION), []).append(trial)
        while True:
            members = generations.get(cma.generation, [])
            if len(members) < cma.population_size:
                return cma
            sign = -1.0 if is_maximized else 1.0
            generation = members[: cma.population_size]
            cma.tell([(_place(axes, trial), sign * cast(float, trial.value)) for trial in generation])


def _place(axes: Sequence[Dimension], trial: FrozenTrial) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([axis.fraction(trial.params[axis.name]) for axis in axes])
