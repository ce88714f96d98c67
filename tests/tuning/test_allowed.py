"""What a study allows: the networks themselves say how large they are, and the trials what they satisfy."""

from __future__ import annotations

import ast
import functools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from planning import plan, problems
from sweeping import in_memory

from nnlab.config.build import build_trainer
from nnlab.config.overrides import parsed
from nnlab.tuning.allowed import Allowed
from nnlab.tuning.plan import Plan
from nnlab.tuning.points import Points
from nnlab.tuning.search.proposer import Accepts
from nnlab.tuning.search.samplers import SAMPLERS
from nnlab.tuning.search.settings import as_plain, read_sweep, study_rules
from nnlab.tuning.study import Study
from nnlab.tuning.trials import Asked

CONDITIONAL = [
    "optimizer=choice(sgd, adam, momentum)",
    "optimizer.momentum=interval(0.1, 0.9)",
    "model.depth=range(0, 4)",
    "model.width=choice(5, 17, 64)",
    "model.bias=true,false",
    "trainer.batch_size=16,full",
]
GROUPS = ["model=mlp,sigmoid_mlp", "model.depth=1,2", "model.width=8,16", "dtype=float64"]


def at_random(space: Any, count: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(3)
    return [space.values(space.random_point(rng)) for _ in range(count)]


@pytest.mark.parametrize("arguments", [CONDITIONAL, GROUPS, ["model.hidden=[8],[16,4]", "model.output_units=null"]])
def test_what_is_known_of_a_trial_is_what_its_config_and_its_network_are(arguments: list[str]) -> None:
    asked = plan(*arguments)
    points = Points(asked.configs, asked.dataset)
    for values in at_random(asked.space, 8):
        config, dataset = asked.at(values, seed=1)
        trainer = build_trainer(config, dataset)
        weights = trainer.objective.network.parameters
        fact = points.facts(values)
        assert fact("parameters") == weights.values_vector.size
        assert fact("multiplications") == sum(array.size for name, array in weights.named().items() if array.ndim == 2)
        assert fact("model.depth") == len(config.model.hidden)
        assert [fact(f"model.width.{layer}") for layer in range(4)] == [*config.model.hidden, None, None, None, None][
            :4
        ]
        assert fact("optimizer.lr") == config.optimizer.lr
        assert fact("optimizer.momentum") == getattr(config.optimizer, "momentum", None)
        assert fact("model.bias") == config.model.bias
        assert fact("trainer.batch_size") == trainer.learner.batch_size
        assert fact("model.activation") == config.model.activation
        state = sum(array.nbytes for group in trainer.learner.state for array in group.values())
        held = weights.values_vector.nbytes + weights.gradients_vector.nbytes + state
        assert held < points.memory(values) - 50_000_000


@functools.cache
def default() -> Plan:
    return plan()


def allowed(**changes: Any) -> Allowed:
    """What the default study allows with other settings."""
    asked = default()
    return Allowed(replace(asked.settings, **changes), asked.space, Points(asked.configs, asked.dataset))


def proposed(asked: Plan, accepts: Accepts | None, count: int = 12) -> list[dict[str, Any]]:
    parts = ("a-study", in_memory(), asked.settings, asked.space, 7, 5)
    return [Asked.of(trial).values for trial in Study(*parts, accepts=accepts).propose_batch(count)]


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc"])
def test_every_trial_satisfies_the_constraint(sampler: str) -> None:
    constraint = "parameters < 3000 and optimizer.lr * trainer.batch_size <= 1"
    asked = replace(default(), settings=replace(default().settings, sampler=SAMPLERS[sampler]()))
    trials = proposed(asked, allowed(constraint=constraint).accepts)
    assert len(trials) == 12
    for values in trials:
        hidden = values["model.hidden"]
        shapes = zip([64, *hidden], [*hidden, 10], strict=True)
        assert sum((rows + 1) * columns for rows, columns in shapes) < 3000
        assert values["optimizer.lr"] * values["trainer.batch_size"] <= 1


def test_a_grid_passes_over_what_is_ruled_out_and_ends_with_the_rest() -> None:
    grid = ["sweep.sampler=grid", "model.hidden=[8],[16]", "trainer.batch_size=16,32,64", "optimizer.lr=0.1,0.2"]
    asked = plan(*grid, "sweep.trials=9", "sweep.constraint=trainer.batch_size < 64 or optimizer.lr == 0.1")
    assert "10 of the 12 points" in asked.notes[-1]
    trials = proposed(asked, asked.accepts)
    assert len(trials) == 10
    assert {(values["trainer.batch_size"], values["optimizer.lr"]) for values in trials} == {
        (16, 0.1), (16, 0.2), (32, 0.1), (32, 0.2), (64, 0.1)
    }  # fmt: skip


def test_without_limits_nothing_is_ruled_out_and_proposals_are_what_they_were() -> None:
    assert default().accepts is None
    everything = allowed(constraint="parameters > 0")
    assert list(everything.notes) == []
    assert proposed(default(), everything.accepts) == proposed(default(), None)


def test_a_network_that_cannot_fit_is_not_tried() -> None:
    asked = plan("model.hidden=[8],[16],[4000,4000]", "sweep.trial_memory=200MB")
    assert {tuple(values["model.hidden"]) for values in proposed(asked, asked.accepts)} == {(8,), (16,)}
    (problem,) = problems("model.hidden=[3000,4000],[4000,4000]", "sweep.trial_memory=200MB")
    assert problem.key == "sweep.trial_memory"
    needed = Points(asked.configs, asked.dataset).memory({"model.hidden": [3000, 4000]})
    assert float(problem.nearest.split("GB")[0]) * 1e9 >= needed


@pytest.mark.parametrize(
    "text",
    [
        *("paramters < 3", "lr < 3", "optimizer == adam", "model.hidden < 3", "model.width < 3", "seeds < 3"),
        *("model.activation < 3", "optimizer.lr == 'adam'", "parameters = 9000", "parameters", "optimizer > 3"),
        *("parameters < 50", "trainer.epochs > 100000", "optimizer.lr > 1 and parameters < 9", "1 > 2"),
    ],
)
def test_a_constraint_that_nothing_can_satisfy_or_that_is_none_is_refused(text: str) -> None:
    (problem,) = allowed(constraint=text).problems
    assert (problem.key, problem.value) == ("sweep.constraint", text)
    assert problem.nearest


@pytest.mark.parametrize("text", ["parameters < 50", "optimizer.lr >= 0.9", "parameters = 9000 || parameters <> 650"])
def test_a_constraint_that_is_suggested_can_be_pasted(text: str) -> None:
    (problem,) = allowed(constraint=text).problems
    suggested = ast.literal_eval(problem.nearest).removeprefix("sweep.constraint=")
    assert len(proposed(default(), allowed(constraint=suggested).accepts, count=3)) == 3


def test_a_constraint_is_typed_as_in_python_and_stored_so_that_it_is_read_again() -> None:
    text = "parameters < 9000 and not (optimizer == 'sgd' and optimizer.lr > 0.2)"
    asked = plan(f"sweep.constraint={text}")
    assert asked.settings.constraint == text
    assert plan(*asked.lasting_overrides).settings.constraint == text
    assert asked.fingerprint("")["sweep.constraint"] == text
    quoted = f'sweep.constraint="{text}"'
    assert [each.value() for each in parsed([quoted], study_rules())] == [text]
    assert [each.value() for each in parsed(["sweep.constraint=null"], study_rules())] == [None]


@pytest.mark.parametrize("text", ["50MB", "0.05GB"])
def test_less_memory_than_a_process_takes_is_refused(text: str) -> None:
    (problem,) = allowed(trial_memory=text).problems
    assert (problem.key, problem.nearest) == ("sweep.trial_memory", "100MB")


@pytest.mark.parametrize("value", [500, "500", "1TB", "GB", "-1GB", "1e3MB", True, {}])
def test_an_amount_of_memory_that_is_none_is_refused(value: Any) -> None:
    (problem,) = read_sweep({**as_plain(default().settings), "trial_memory": value})[1]
    assert problem.key == "sweep.trial_memory"
