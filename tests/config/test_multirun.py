"""The jobs of `-m` are those of plain Hydra, which is asked here with the same files; ranges aside (`test_ranges`)."""

from __future__ import annotations

import itertools

import pytest
from composing import composed
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import create_config_search_path
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins

from nnlab.config.jobs import compose_jobs, conf_dir
from nnlab.config.multirun import each_job
from nnlab.config.overrides import parsed
from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.config.schema import as_dict

LINES = [
    ["optimizer=glob(*)"],
    ["optimizer=glob([s*,m*],exclude=sgd_unit)"],
    ["optimizer=glob(*,exclude=[adam,sgd*])", "seed=1,2"],
    ["experiment=glob(toy*)"],
    ["optimizer.lr=0.1,0.01,1e-3"],
    ["optimizer.lr=choice(0.1,0.01)", "seed=3"],
    ["optimizer=sgd,adam", "seed=0,1", "trainer.epochs=2"],
    ["++optimizer.lr=1,2", "+seed=3,4"],
    ["model.hidden=[3],[4,5],[]"],
    ["model.hidden=choice([3],[4,5])"],
    ["trainer={epochs: 2},{epochs: 3, batch_size: 8}"],
    ["data.root='a, b',\"it's\",'x=(1)'"],
    ["data.root='say \\'a\\'',b"],
    ["data.root=a\\,b,c"],
    ["trainer.patience=null,3"],
    ["model.bias=true,false"],
    ["seed=1,1"],
    ["seed=sort(3,1,2)", "optimizer.lr=sort(0.1,0.3,reverse=true)"],
    ["seed=int(choice(1.0,2.0))"],
    ["optimizer.lr=tag(a,b,choice(1,2))"],
    ["optimizer.lr=1,2", "optimizer.lr=3"],
    ["optimizer.lr=3", "optimizer.lr=1,2"],
    ["seed=range(1,4)", "optimizer=adam"],
]


def plain_hydra(arguments: list[str]) -> list[list[str]]:
    Plugins.instance()
    loader = ConfigLoaderImpl(create_config_search_path(str(conf_dir())))
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(arguments)
    (jobs,) = BasicSweeper.split_arguments(overrides, None)
    return jobs


@pytest.mark.parametrize("arguments", LINES, ids=" ".join)
def test_the_jobs_are_those_of_plain_hydra(arguments: list[str]) -> None:
    problems: list[ConfigProblem] = []
    ours = list(each_job(parsed(arguments), problems))
    assert problems == []
    theirs = [parsed(job) for job in plain_hydra(arguments)]
    assert [[(each.get_key_element(), each.value()) for each in job] for job in ours] == [
        [(each.get_key_element(), each.value()) for each in job] for job in theirs
    ]


def test_the_configs_are_those_that_plain_hydra_composes() -> None:
    arguments = ["optimizer=glob(*,exclude=[sgd_unit,nesterov])", "data=toy", "model=toy", "trainer.epochs=2"]
    ours = [as_dict(job.config) for job in compose_jobs([*arguments, "tracking.enabled=false"], multirun=True)]
    theirs = [composed(*job) for job in plain_hydra(arguments)]
    assert [config["optimizer"]["name"] for config in ours] == ["adam", "momentum", "sgd"]
    for group in ("optimizer", "trainer", "model", "schedule", "data"):
        assert [config[group] for config in ours] == [config[group] for config in theirs]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("optimizer=glob(x*)", "matches none of adam"),
        ("optimizer.lr=[choice(1,2)]", "several values inside another value"),
        ("optimizer.lr=choice(choice(1,2),3)", "several values inside another value"),
        ("optimizer.lr=range(1,3),5", "several values inside another value"),
        ("optimizer={lr: range(1,3)}", "several values inside another value"),
        ("optimizer=sgd,glob(*)", "several values inside another value"),
        ("hydra.sweep.dir=x", "has no effect"),
        ("hydra/launcher=basic", "has no effect"),
        ("optimizer@other=sgd", "has a package"),
    ],
)
@pytest.mark.parametrize("multirun", [True, False])
def test_what_means_no_runs_is_refused_with_a_remedy(text: str, fact: str, multirun: bool) -> None:
    if not multirun and text == "optimizer=glob(x*)":
        fact = "needs -m"
    with pytest.raises(ConfigError, match=fact) as caught:
        compose_jobs([text], multirun=multirun)
    assert [bool(problem.nearest) for problem in caught.value.problems] == [True]


def test_each_job_has_its_own_overrides() -> None:
    jobs = compose_jobs(["optimizer=sgd,adam", "seed=1,2", "data=toy", "model=toy"], multirun=True)
    wanted = itertools.product(["optimizer=sgd", "optimizer=adam"], ["seed=1", "seed=2"], ["data=toy"], ["model=toy"])
    assert [job.overrides for job in jobs] == [list(each) for each in wanted]
