"""One mistake is one problem, under the key that was typed: no second one that the first only makes seem so."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from composing import composed, flat

from nnlab.config.jobs import compose_jobs
from nnlab.config.problems import ConfigError
from nnlab.config.schema import VARIANTS
from nnlab.config.validate import validate
from nnlab.redaction import redacted
from nnlab.tuning.planning import make_plan

SMALL = ["data=toy", "model=toy", "tracking.enabled=false"]
RIGHT = composed(*SMALL, "optimizer=adam", "schedule=step", "regularizer=l2")
EVERY_KEY = flat(RIGHT)
NO_VALUES: list[Any] = [[[]], {"a": 1}]
"""What no key takes."""


def keys_of(error: ConfigError) -> list[str]:
    return [problem.key for problem in error.problems]


@pytest.mark.parametrize("value", NO_VALUES, ids=repr)
@pytest.mark.parametrize("key", EVERY_KEY)
def test_a_wrong_value_is_reported_once_for_any_key(key: str, value: Any) -> None:
    raw = deepcopy(RIGHT)
    *above, name = key.split(".")
    place = raw
    for group in above:
        place = place[group]
    place[name] = value
    with pytest.raises(ConfigError, match="has 1 problem;") as caught:
        validate(raw)
    assert keys_of(caught.value) == [key]


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["optimizer=momentumm", "optimizer.momentum=0.5"], ["optimizer"]),
        (["optimizer=momentumm", "optimizer.momentum=2"], ["optimizer", "optimizer.momentum"]),
        (["optimizer=momentumm", "optimizer.momentun=0.5"], ["optimizer", "optimizer.momentun"]),
        (["schedule=cosin", "schedule.floor=0.1", "schedule.decay=1"], ["schedule"]),
        (["regularizer=l3", "regularizer.strength=0.1"], ["regularizer"]),
        (["data=idxx", "data.root=/tmp"], ["data"]),
        (["data=csvv", "data.root=/nowhere", "trainer.batch_size=100000"], ["data"]),
        (["data=csv", "data.root=Größe.csv"], ["data.root"]),
        (["data=csv", "data.root=a,b.csv"], ["data.root"]),
        (["data=csv", "data.root=123"], ["data.root"]),
        (["data=csv", "data.root=${nothing}"], ["data.root"]),
        (["model=sigmoid", "model.loss=binary_cross_entropy"], ["model"]),
        (["experiment=keras", "optimizer.momentum=0.5", "schedule.decay=0.1"], ["experiment"]),
        (["experiment=keras", "optimizer=sgd", "optimizer.momentum=0.5"], ["experiment", "optimizer.momentum"]),
        (["experiment=keras", "optimizer.lr=-1"], ["experiment", "optimizer.lr"]),
        (["optimizer=sgd,adam", "optimizer.beta1=0.5"], ["optimizer"]),
        (["optimizer=(", "optimizer.beta1=0.5"], ["optimizer"]),
        (["trainer=3", "trainer.epochs=2"], ["trainer"]),
        (["trainer.epochs=(", "schedule.warmup=20"], ["trainer.epochs"]),
        (["trainer.epochs=-1", "schedule.warmup=20"], ["trainer.epochs"]),
        (["data=toy", "model=toy", "model.output=sofmax", "model.output_units=1"], ["model.output"]),
        (["data.split.validation=-1", "trainer.patience=3"], ["data.split.validation"]),
        (["runs_dir=", "tracking.enabled=true"], ["runs_dir"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_no_second_problem_stands_beside_the_true_one(arguments: list[str], keys: list[str]) -> None:
    with pytest.raises(ConfigError, match="nothing was started") as caught:
        compose_jobs(arguments, multirun=False)
    assert keys_of(caught.value) == keys


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["optimizer.lr=-1"], ["optimizer.lr"]),
        (["sweep=toyy", "optimizer.lr=-1"], ["sweep", "optimizer.lr"]),
        (["sweep=toyy", "sweep.trials=0"], ["sweep", "sweep.trials"]),
        (["sweep=toy,mlp"], ["sweep"]),
        (["sweep.space=null", "optimizer.lr=interval(0.1"], ["optimizer.lr"]),
        (["sweep.space=null", "optimizer.lr=interval(0.1,-1)"], ["optimizer.lr"]),
        (["sweep.space=null", "optimizer.lr=-1"], ["sweep.space", "optimizer.lr"]),  # both are true
        (["sweep.space=("], ["sweep.space"]),
        (["sweep.trials=(", "sweep.sampler=random"], ["sweep.trials"]),
        (["sweep.sampler=tpee", "sweep.sampler_options.startup_trials=3"], ["sweep.sampler"]),
        (["sweep.sampler=("], ["sweep.sampler"]),
        (["sweep.name=123"], ["sweep.name"]),
        (["sweep.name=a b"], ["sweep.name"]),
        (["sweep.objective=val/los"], ["sweep.objective"]),
        (["optimizer=choice(sgd,adamm)", "optimizer.beta1=0.8"], ["optimizer"]),
        (["optimizer=choice(sgd,adamm)", "optimizer.beta1=interval(0.1,0.9)"], ["optimizer"]),
        (["optimizer=adamm", "optimizer.beta1=interval(0.1,0.9)"], ["optimizer"]),
        (["model.width=choice(8,x)"], ["model.width"]),
        (["model.depth=range(1,x)"], ["model.depth"]),
        (["experiment=keras", "sweep.trials=3"], ["experiment"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_nor_in_a_study(arguments: list[str], keys: list[str]) -> None:
    with pytest.raises(ConfigError, match="nothing was started") as caught:
        make_plan(["data=digits", "tracking.enabled=false", *arguments])
    assert keys_of(caught.value) == keys


def test_the_groups_with_forms_are_those_of_these_tests() -> None:
    assert {key.partition(".")[0] for key in EVERY_KEY} >= set(VARIANTS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["tracking.uri=http://me:pa's3cr3t@host"],
        ["tracking.uri=http://me:pa", "s3cr3t@host"],
        ["tracking.uri=http://me:12", "s3cr3t@host"],
        ["tracking.uri=postgresql://me:pa", "s3cr3t", "s3cr3t@host"],
    ],
    ids=["a quote", "a space", "a space after digits", "two spaces"],
)
def test_no_piece_of_a_password_stands_in_a_problem(arguments: list[str]) -> None:
    """Hydra's parser quotes what it could not read; a shell makes arguments of a password with spaces."""
    with pytest.raises(ConfigError) as caught:
        compose_jobs([*SMALL[:2], *arguments], multirun=False)
    assert "s3cr3t" not in redacted(str(caught.value))  # as commands print it
