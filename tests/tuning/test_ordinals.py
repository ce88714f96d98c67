"""Choices of numbers have an order for samplers that learn, and for nobody else."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution
from searching import space_of
from sweeping import in_memory, run_one, study_in, sweep_settings

from nnlab.tuning.search.ordinals import Ordinals
from nnlab.tuning.trials import Asked, Outcome

SPACE = space_of(
    {
        "trainer.batch_size": "choice(64, 16, 32)",
        "optimizer.lr": "choice(0.1, 0.01, 1)",
        "model.activation": "choice(relu, tanh)",
        "model.bias": "choice(true, false)",
        "trainer.patience": "1,2,null",
        "model.depth": "choice(3, 1)",
        "model.width": "choice(8, 16)",
    }
)


def test_numbers_become_places_and_whatever_else_can_be_chosen_stays() -> None:
    ordinals = Ordinals.of(SPACE)
    assert ordinals.choices == {
        "trainer.batch_size": [16, 32, 64],
        "optimizer.lr": [0.01, 0.1, 1],
        "model.depth": [1, 3],
        **{f"model.width.{layer}": [8, 16] for layer in range(3)},
    }
    kinds = {each.name: type(each.distribution) for each in ordinals.space.dimensions}
    assert {name for name in kinds if kinds[name] is CategoricalDistribution} == {
        "model.activation",
        "model.bias",
        "trainer.patience",
    }
    assert ordinals.space.size == SPACE.size


def test_there_and_back_every_point_is_itself() -> None:
    ordinals = Ordinals.of(SPACE)
    points = list(SPACE.points())
    places = [ordinals.places(params) for params in points]
    assert [ordinals.meant(each) for each in places] == points
    as_text = sorted(str(sorted(each.items())) for each in ordinals.space.points())
    assert sorted(str(sorted(each.items())) for each in places) == as_text
    assert len(points) == len({str(each) for each in points}) == SPACE.size


def test_what_the_space_does_not_have_is_left_out() -> None:
    assert Ordinals.of(SPACE).places({"trainer.batch_size": 48, "optimizer.lr": 0.1, "no.key": 1}) == {
        "optimizer.lr": 1
    }


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "random"])
def test_the_storage_has_the_numbers_as_they_were_written(sampler: str) -> None:
    space = space_of({"trainer.batch_size": "choice(64, 16, 32)", "optimizer.lr": "choice(0.1, 0.01, 1, 3, 5)"})
    storage = in_memory()
    study = study_in(
        storage,
        sweep_settings(sampler=sampler, sampler_options={"startup_trials": 2} if sampler != "random" else {}),
        space,
    )
    for _ in range(12):
        trial = run_one(study, storage, cost)
        assert trial.distributions["trainer.batch_size"] == CategoricalDistribution((64, 16, 32))
        assert trial.params == Asked.of(trial).values
        assert type(trial.params["trainer.batch_size"]) is int


def cost(trial: Any) -> Outcome:
    loss = abs(trial.params["trainer.batch_size"] - 32) / 100 + trial.params["optimizer.lr"]
    return Outcome("finished", scores={"val/loss": loss, "val/accuracy": 0.5})


def test_a_sampler_that_learns_sees_the_order() -> None:
    """What Optuna's TPE proposes over whole numbers is what is proposed over the choices in their order."""
    space = space_of({"trainer.batch_size": f"choice({', '.join(map(str, range(300, 0, -3)))})"})
    settings = sweep_settings(sampler_options={"startup_trials": 3})
    storage = in_memory()
    study = study_in(storage, settings, space)
    plain = optuna.create_study(study_name="a-study")
    axis = IntDistribution(0, 99)
    for number in range(10):
        plain.sampler = settings.sampler.make(7, number, space)
        place = plain.ask({"x": axis})
        trial = study.propose()
        assert trial.params["trainer.batch_size"] == 3 + 3 * place.params["x"]
        plain.tell(place, cost_of(trial.params["trainer.batch_size"]))
        study.tell(trial, Outcome("finished", scores={"val/loss": cost_of(trial.params["trainer.batch_size"])}))


def cost_of(size: int) -> float:
    return abs(size - 100) / 7
