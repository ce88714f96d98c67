"""The trial whose score is expected to improve most on the best one, by a Gaussian process of the trials so far.

Scores enter by their rank alone, as the normal score of it: a loss of 10⁶ says no more than that it is the worst. So
complete, pruned and failed trials stand in one order, as in Optuna's TPE.

Reference: D. Jones et al., Efficient Global Optimization of Expensive Black-Box Functions, 1998.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from threadpoolctl import threadpool_limits

from nnlab.tuning.search.gaussian_process import Floats, GaussianProcess, log_expected_improvement
from nnlab.tuning.search.space import Space
from nnlab.tuning.search.unit_cube import UnitCube
from nnlab.tuning.trials import FINISHED

FEWEST = 3
"""Trials, with which a model says anything."""
RANDOM, LOCAL, BEST = 1000, 300, 5
"""Candidates: random ones, and those near the best trials, of which there are so many."""
ROUNDS, TAKEN, EACH = 3, 10, 20
"""Rounds in which the candidates taken so far as most promising get neighbours, so many each."""
SHARE, STEP = 0.4, 0.1
"""Of a neighbour: how many dimensions change, and by how much."""


class ImprovementSampler(BaseSampler):
    """Proposes the candidate with the highest expected improvement, of those that no trial has.

    Args:
        space: any.
        seed: of this proposal.
        startup_trials: finished trials before it starts.
        otherwise: what proposes until then, and where there are two objectives, of which neither alone says what is
            better.
    """

    def __init__(self, space: Space, *, seed: int, startup_trials: int, otherwise: BaseSampler) -> None:
        self._space = space
        self._seed = seed
        self._startup_trials = max(startup_trials, FEWEST)
        self._otherwise = otherwise

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All dimensions, also those that are sampled in some trials only."""
        if not self._can_start(study):
            return self._otherwise.infer_relative_search_space(study, trial)
        return {dimension.name: dimension.distribution for dimension in self._space.dimensions}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The most promising candidate."""
        if not self._can_start(study):
            return self._otherwise.sample_relative(study, trial, search_space)
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        pending = [other for other in running if other.number != trial.number and other.params]
        with threadpool_limits(1, user_api="blas"):  # small matrices: a second thread waits, and takes from the workers
            best = self._most_promising(_ranked(study), pending)
        return {name: value for name, value in best.items() if name in search_space}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A value of the other sampler."""
        return self._otherwise.sample_independent(study, trial, param_name, param_distribution)

    def _can_start(self, study: Study) -> bool:
        return (
            len(study.directions) == 1
            and len(study.get_trials(deepcopy=False, states=FINISHED)) >= self._startup_trials
        )

    def _most_promising(
        self, ranked: Sequence[tuple[FrozenTrial, float]], pending: Sequence[FrozenTrial]
    ) -> dict[str, Any]:
        cube, rng = UnitCube(self._space), np.random.default_rng(self._seed)
        tried = np.array([cube.point(trial.params) for trial, _ in ranked])
        scores = np.array([score for _, score in ranked])
        process = GaussianProcess(cube.embedded(tried), scores)
        known = {_key(cube.params(point)) for point in tried}
        if pending:
            under_way = np.array([cube.point(trial.params) for trial in pending])
            process.believe(cube.embedded(under_way))
            known |= {_key(cube.params(point)) for point in under_way}

        def promise(points: Floats) -> Floats:
            return log_expected_improvement(*process.predict(cube.embedded(points)), scores[-1])

        best = tried[::-1][:BEST]
        around = np.repeat(best, LOCAL // BEST, axis=0)
        points = np.vstack([cube.random(rng, RANDOM), cube.near(around, rng, share=SHARE, step=STEP)])
        promises = promise(points)
        for _ in range(ROUNDS):
            taken = points[np.argsort(-promises, kind="stable")[:TAKEN]]
            more = cube.near(np.repeat(taken, EACH, axis=0), rng, share=SHARE, step=STEP)
            points, promises = np.vstack([points, more]), np.concatenate([promises, promise(more)])
        candidates = (cube.params(points[place]) for place in np.argsort(-promises, kind="stable"))
        return next((params for params in candidates if _key(params) not in known), {})


def _ranked(study: Study) -> list[tuple[FrozenTrial, float]]:
    """The finished trials from the worst to the best, each with the normal score of its rank.

    Pruned ones come first, and of these the ones that were stopped earliest. Equal ones have the mean of their scores.
    """
    from scipy.special import ndtri

    sign = 1.0 if study.direction == StudyDirection.MAXIMIZE else -1.0

    def order(trial: FrozenTrial) -> tuple[bool, int, float]:
        is_complete, step = trial.state == TrialState.COMPLETE, trial.last_step
        value = trial.value if is_complete or step is None else trial.intermediate_values[step]
        score = -np.inf if value is None or np.isnan(value) else sign * value
        return is_complete, 0 if is_complete or step is None else step, score

    trials = sorted(study.get_trials(deepcopy=False, states=FINISHED), key=order)
    scores = ndtri((np.arange(len(trials)) + 0.5) / len(trials))
    ranked = []
    for _, equal in groupby(zip(trials, scores, strict=True), key=lambda pair: order(pair[0])):
        group = list(equal)
        mean = sum(score for _, score in group) / len(group)
        ranked += [(trial, float(mean)) for trial, _ in group]
    return ranked


def _key(params: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(params.items())
