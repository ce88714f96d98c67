"""What samplers propose: within the space, the same wherever a study is cut, and as their kind promises."""

from __future__ import annotations

import json
from typing import Any

import cmaes
import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial
from scipy.stats import qmc
from searching import CONDITIONAL, FINITE, FITTING, NAMES, NEEDS_TORCH, NUMBERS, cost, params, searched, space_of

from nnlab.tuning.search.samplers import CMAES, QMC, SAMPLERS, TPE, Grid, Random, proposal_seed

TRIALS = dict.fromkeys(SAMPLERS, 20) | {"gp": 13}  # it takes half a second to think, from the eleventh trial on


def copied(trial: FrozenTrial) -> FrozenTrial:
    """A trial as a storage gives it back: through JSON."""
    return optuna.trial.create_trial(
        state=trial.state,
        values=trial.values,
        params=json.loads(json.dumps(trial.params)),
        distributions=trial.distributions,
        system_attrs=json.loads(json.dumps(trial.system_attrs)),
    )


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, list[FrozenTrial]]:
    """The trials of a whole study, by sampler, each made when it is first asked for."""
    return {}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cut", [1, 9, 12, 15])
def test_a_study_that_is_cut_anywhere_continues_with_the_same_proposals(
    name: str, cut: int, undisturbed: dict[str, list[FrozenTrial]]
) -> None:
    sampler, space = SAMPLERS[name](), FITTING[name]
    if name not in undisturbed:
        undisturbed[name] = searched(sampler, space, TRIALS[name]).trials
    whole = undisturbed[name]
    resumed = searched(sampler, space, TRIALS[name], before=[copied(trial) for trial in whole[:cut]])
    assert params(resumed.trials) == params(whole)


@pytest.mark.parametrize("name", NAMES)
def test_every_proposal_is_within_the_space_and_the_seed_decides_it(name: str) -> None:
    sampler, space = SAMPLERS[name](), FITTING[name]
    trials = TRIALS[name]
    study = searched(sampler, space, trials)
    for trial in study.trials:
        for dimension in space.dimensions:
            assert (dimension.name in trial.params) == dimension.is_asked(trial.params)
            if dimension.name in trial.params:
                internal = dimension.distribution.to_internal_repr(trial.params[dimension.name])
                assert dimension.distribution._contains(internal)
    proposals = params(study.trials)
    assert len({str(proposal) for proposal in proposals}) > trials / 2
    assert params(searched(sampler, space, 5).trials) == proposals[:5]
    assert params(searched(sampler, space, 5, seed=8).trials) != proposals[:5]


@pytest.mark.parametrize("name", NAMES)
def test_proposals_are_plain_python_values(name: str) -> None:
    for trial in searched(SAMPLERS[name](), FITTING[name], 12).trials[-2:]:
        assert {type(value) for value in trial.params.values()} <= {int, float, str}


LEARNING = [(name, direction) for name in ("tpe", "mixed", "cmaes") for direction in ("minimize", "maximize")]


@pytest.mark.parametrize(
    ("name", "direction"), [*LEARNING, pytest.param("gp", "maximize", marks=[NEEDS_TORCH, pytest.mark.slow])]
)
def test_a_sampler_that_learns_is_better_than_chance(name: str, direction: str) -> None:
    sign = 1.0 if direction == "minimize" else -1.0
    trials = 25 if name == "gp" else 60

    def objective(values: dict[str, Any]) -> float:
        return sign * cost(values)

    learned = searched(SAMPLERS[name](), NUMBERS, trials, direction=direction, objective=objective)
    chance = searched(Random(), NUMBERS, trials, direction=direction, objective=objective)
    late = [sign * float(trial.value or 0) for trial in learned.trials[-10:]]
    by_chance = [sign * float(trial.value or 0) for trial in chance.trials]
    assert np.median(late) < np.quantile(by_chance, 0.25)


def test_startup_trials_are_those_of_chance() -> None:
    proposals = params(searched(TPE(startup_trials=4), NUMBERS, 6).trials)
    by_chance = params(searched(Random(), NUMBERS, 6).trials)
    assert proposals[:4] == by_chance[:4]
    assert proposals[4:] != by_chance[4:]


def test_seeds_of_proposals_differ_between_trials_and_between_studies() -> None:
    seeds = {proposal_seed(study, number) for study in range(30) for number in range(30)}
    assert len(seeds) == 900


def test_a_grid_has_each_point_once_in_an_order_of_its_own() -> None:
    size = FINITE.size or 0
    points = [tuple(sorted(point.items())) for point in params(searched(Grid(), FINITE, size).trials)]
    expected = {
        (("model.activation", activation), ("model.dropout", dropout), ("trainer.batch_size", batch))
        for activation in ("relu", "tanh")
        for dropout in (0.0, 0.1, 0.2)
        for batch in (16, 32, 48, 64)
    }
    assert set(points) == expected
    assert len(points) == len(expected) == 24
    assert points != sorted(points)


def test_a_grid_that_is_used_up_restarts() -> None:
    space = space_of({"model.activation": "relu,tanh", "model.bias": "true,false"})
    points = params(searched(Grid(), space, 6).trials)
    assert points[4:] == points[:2]


SQUARE = space_of({"regularizer.strength": "interval(0, 1)", "schedule.floor": "interval(0, 1)"})
LINES = space_of({"model.dropout": "interval(0, 0.5)", "optimizer.lr": "tag(log, interval(1e-4, 1))"})


@pytest.mark.parametrize("sequence", ["sobol", "halton"])
def test_qmc_without_scrambling_is_the_published_sequence(sequence: str) -> None:
    # Sobol' in two dimensions begins (0, 0), (1/2, 1/2), (3/4, 1/4), (1/4, 3/4): Joe and Kuo 2008. Halton in the
    # bases 2 and 3 begins (0, 0), (1/2, 1/3), (1/4, 2/3), (3/4, 1/9): Halton 1960.
    expected = {
        "sobol": [(0, 0), (1 / 2, 1 / 2), (3 / 4, 1 / 4), (1 / 4, 3 / 4)],
        "halton": [(0, 0), (1 / 2, 1 / 3), (1 / 4, 2 / 3), (3 / 4, 1 / 9)],
    }[sequence]
    sampler = QMC(sequence=sequence, scramble=False)
    for point, (first, second) in zip(params(searched(sampler, LINES, 4).trials), expected, strict=True):
        assert point["model.dropout"] == pytest.approx(first * 0.5)
        assert point["optimizer.lr"] == pytest.approx(1e-4 * 1e4**second)


@pytest.mark.parametrize("sequence", ["sobol", "halton"])
def test_qmc_fills_the_space_more_evenly_than_chance(sequence: str) -> None:
    def discrepancy(sampler: QMC | Random) -> float:
        points = [list(point.values()) for point in params(searched(sampler, SQUARE, 32).trials)]
        return float(qmc.discrepancy(np.array(points)))

    assert discrepancy(QMC(sequence=sequence)) < discrepancy(Random()) / 3


def test_a_failed_trial_takes_no_point_from_a_sequence() -> None:
    study = optuna.create_study()
    for number in range(6):
        study.sampler = QMC().make(7, number, LINES)
        trial = study.ask()
        LINES.suggest(trial)
        study.tell(
            trial, state=optuna.trial.TrialState.FAIL if number % 2 else None, values=None if number % 2 else 1.0
        )
    assert params(study.trials) == params(searched(QMC(), LINES, 6).trials)


def test_cmaes_is_the_library_s_own_loop_of_ask_and_tell() -> None:
    """The state is rebuilt for each proposal; here one object is asked and told throughout."""
    space = LINES
    by_hand = cmaes.CMA(mean=np.array([0.5, 0.5]), sigma=0.2, bounds=np.array([[0, 1], [0, 1.0]]), population_size=4)
    expected: list[dict[str, float]] = []
    for generation in range(5):
        solutions = []
        for member in range(4):
            by_hand.reseed_rng(proposal_seed(7, 4 * generation + member))
            place = by_hand.ask()
            values = {"model.dropout": 0.5 * place[0], "optimizer.lr": 1e-4 * 1e4 ** place[1]}
            expected.append(values)
            solutions.append((place, cost(values)))
        by_hand.tell(solutions)
    study = searched(CMAES(startup_trials=0, sigma=0.2, population=4), space, 20)
    for proposed, wanted in zip(params(study.trials), expected, strict=True):
        assert proposed == pytest.approx(wanted, rel=1e-6)


def test_cmaes_finds_the_middle_of_a_bowl() -> None:
    study = searched(CMAES(), SQUARE, 150, objective=lambda v: sum((value - 0.7) ** 2 for value in v.values()))
    assert list(study.best_params.values()) == pytest.approx([0.7, 0.7], abs=0.01)


def test_cmaes_keeps_nothing_in_the_storage_but_the_generation() -> None:
    attributes = [trial.system_attrs for trial in searched(CMAES(population=4), NUMBERS, 11).trials]
    assert attributes == [{}, *({"nnlab:generation": generation} for generation in (0, 0, 0, 0, 1, 1, 1, 1, 2, 2))]


def test_tpe_models_together_what_is_asked_together() -> None:
    """With `group` off, Optuna's TPE samples conditional parameters each by itself, and proposes otherwise."""
    study = searched(TPE(startup_trials=5), CONDITIONAL, 12)
    plain = optuna.create_study(study_name="by hand")
    for number in range(12):
        plain.sampler = optuna.samplers.TPESampler(n_startup_trials=5, seed=proposal_seed(7, number))
        trial = plain.ask()
        plain.tell(trial, cost(CONDITIONAL.suggest(trial)))
    assert params(study.trials)[:5] == params(plain.trials)[:5]
    assert params(study.trials) != params(plain.trials)
