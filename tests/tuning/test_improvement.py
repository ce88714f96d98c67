"""Trials proposed by a Gaussian process: in the space, new, learnt from all outcomes, and from what is under way."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
from optuna.samplers import RandomSampler
from optuna.trial import TrialState, create_trial
from searching import CONDITIONAL, FINITE, NUMBERS, cost, params, searched, space_of

from nnlab.tuning.search.improvement import ImprovementSampler, _ranked
from nnlab.tuning.search.samplers import TPE, Mixed, Random
from nnlab.tuning.search.space import Space
from nnlab.tuning.search.unit_cube import UnitCube


def sampler(space: Space, seed: int = 0, startup: int = 4) -> ImprovementSampler:
    return ImprovementSampler(space, seed=seed, startup_trials=startup, otherwise=RandomSampler(seed=seed))


def proposed(study: optuna.Study, space: Space, seed: int = 0) -> dict[str, Any]:
    study.sampler = sampler(space, seed)
    trial = study.ask()
    space.suggest(trial)
    return trial.params


@pytest.mark.parametrize("space", [NUMBERS, CONDITIONAL, FINITE], ids=["numbers", "conditional", "finite"])
def test_a_point_of_the_cube_and_its_parameters_say_the_same(space: Space) -> None:
    cube = UnitCube(space)
    points = cube.random(np.random.default_rng(0), 200)
    near = cube.near(points, np.random.default_rng(1), share=0.5, step=0.2)
    assert ((near >= 0) & (near <= 1)).all()
    for point in [*points[:50], *near[:50]]:
        values = cube.params(point)
        for dimension in space.dimensions:
            assert (dimension.name in values) == dimension.is_asked(values)
            if dimension.name in values:
                value: Any = values[dimension.name]
                assert dimension.distribution._contains(dimension.distribution.to_internal_repr(value))
        again = cube.params(cube.point(values))
        assert {
            name: pytest.approx(value) if isinstance(value, float) else value for name, value in values.items()
        } == again
        # What is not sampled makes no difference to the model.
        assert cube.embedded(cube.point(values)[None]) == pytest.approx(cube.embedded(point[None]))


def test_a_choice_is_as_far_from_each_other_as_the_ends_of_a_range() -> None:
    cube = UnitCube(space_of({"model.activation": "relu,tanh,sigmoid", "trainer.batch_size": "range(16, 65, 16)"}))
    rows = [{"model.activation": name, "trainer.batch_size": 16} for name in ("relu", "tanh", "sigmoid")]
    rows.append({"model.activation": "relu", "trainer.batch_size": 64})
    embedded = cube.embedded(np.array([cube.point(row) for row in rows]))
    distances = np.linalg.norm(embedded[:, None] - embedded[None], axis=-1)
    assert distances[np.triu_indices(4, 1)][[0, 1, 2, 3]] == pytest.approx([1, 1, 1, 1])


def test_every_point_of_a_finite_space_comes_once() -> None:
    study = searched(TPE(), FINITE, 5)
    size = FINITE.size or 0
    tried = {tuple(sorted(trial.params.items())) for trial in study.trials}
    while len(tried) < size:
        before = len(study.trials)
        values = proposed(study, FINITE, before)
        assert tuple(sorted(values.items())) not in tried
        tried.add(tuple(sorted(values.items())))
        study.tell(before, cost(values))


def test_what_is_under_way_is_not_proposed_beside_it() -> None:
    study = searched(Random(), FINITE, 8)
    proposals = [tuple(sorted(proposed(study, FINITE).items())) for _ in range(6)]  # one seed, none of them ends
    assert len(set(proposals)) == 6


def test_outcomes_are_in_one_order_and_equal_ones_share_their_score() -> None:
    study = optuna.create_study(direction="minimize")
    axis = NUMBERS.dimensions[0]

    def add(state: TrialState, value: float | None, **steps: float) -> None:
        reported = {int(step[1:]): score for step, score in steps.items()}
        study.add_trial(
            create_trial(
                state=state,
                value=value,
                params={axis.name: axis.edges[0]},
                distributions={axis.name: axis.distribution},
                intermediate_values=reported,
            )
        )

    add(TrialState.COMPLETE, 1.0)
    add(TrialState.PRUNED, 9.0, s1=8.0, s2=0.5)
    add(TrialState.COMPLETE, 2.0)
    add(TrialState.PRUNED, 9.0, s1=0.1)
    add(TrialState.COMPLETE, 1.0)
    add(TrialState.FAIL, None)
    ranked = [(trial.number, score) for trial, score in _ranked(study)]
    # Stopped earliest, stopped later, then by loss; five scores at the middles of fifths: -1.28, -0.52, 0, 0.52, 1.28.
    assert [number for number, _ in ranked] == [3, 1, 2, 0, 4]
    assert [score for _, score in ranked] == pytest.approx([-1.2816, -0.5244, 0, 0.9030, 0.9030], abs=1e-4)


def test_with_two_objectives_and_before_it_starts_the_other_sampler_proposes() -> None:
    study = optuna.create_study(directions=["minimize", "minimize"])
    for number in range(8):
        study.sampler = sampler(NUMBERS, number)
        trial = study.ask()
        values = NUMBERS.suggest(trial)
        study.sampler = RandomSampler(seed=number)
        by_chance = study.ask()
        assert NUMBERS.suggest(by_chance) == values
        study.tell(by_chance, state=TrialState.FAIL)
        study.tell(trial, [cost(values), 1.0])


def test_the_two_take_turns_and_only_tpe_draws_again() -> None:
    kinds = [type(Mixed().make(7, number, NUMBERS)).__name__ for number in (10, 11, 12, 99, 100, 101)]
    assert kinds == [
        "TPESampler",
        "ImprovementSampler",
        "TPESampler",
        "ImprovementSampler",
        "TPESampler",
        "TPESampler",
    ]
    assert type(Mixed().make(7, 11, NUMBERS, draw=1)).__name__ == "TPESampler"
    assert params(searched(Mixed(), NUMBERS, 10).trials) == params(searched(TPE(), NUMBERS, 10).trials)
