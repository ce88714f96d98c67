"""Commands that a row of the results names."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.__main__ import _parser
from experiments.lab import Lab
from experiments.tables import spread
from nnlab.commands.arguments import composed_jobs
from nnlab.config.jobs import compose_jobs

FULL = Lab(("data=mnist",), "full MNIST", 5, False, 2, "runs", None)


@pytest.mark.parametrize(
    "lab",
    [
        FULL,
        replace(FULL, seeds=3),
        replace(FULL, is_quick=True, seeds=2),
        replace(FULL, data=("data=idx", "data.root=../my_digits")),
        replace(FULL, data=("data=idx", "data.root='my own digits=old'"), seeds=1),
    ],
)
def test_the_command_of_an_experiment_asks_for_the_same_lab(lab: Lab) -> None:
    python, *module, name = shlex.split(lab.again("momentum"))[:5]
    assert [python, *module, name] == ["python", "-m", "experiments", "--only", "momentum"]
    given = _parser().parse_args(shlex.split(lab.again("momentum"))[3:])
    assert given.only == ["momentum"]
    assert (given.quick, given.seeds or (2 if given.quick else 5)) == (lab.is_quick, lab.seeds)
    source = [f"data={given.data}", *([f"data.root={given.root}"] if given.root else [])]
    assert source == [override.replace("'", "") for override in lab.data]


def test_figures_in_words_have_their_spread_over_seeds_if_there_are_several() -> None:
    assert spread([0.97, 0.96, 0.98]) == "0.9700 ± 0.0100"
    assert spread([0.97125], decimals=3) == "0.971"


def test_a_variants_runs_are_those_of_the_command_line(tmp_path: Path) -> None:
    lab = Lab(("data=digits",), "digits", 2, False, 1, str(tmp_path / "runs"), None)
    planned = lab.plan("study", "wide", "model.hidden=[64]", "data.split.seed=null")
    ours = ["model.hidden=[64]", "data.split.seed=null", "trainer.test=false", "data=digits"]
    ours.append(f"runs_dir={tmp_path / 'runs'}")
    for seed, run in enumerate(planned):
        (job,) = compose_jobs([*ours, "tracking.experiment=study", f"seed={seed}"], multirun=False)
        assert (run.experiment, run.variant, run.job) == ("study", "wide", job)


@pytest.mark.parametrize("test", [False, True])
def test_the_command_of_a_variant_does_its_runs_again(test: bool, tmp_path: Path) -> None:
    lab = Lab(("data=digits",), "digits", 2, False, 1, str(tmp_path / "runs"), None)
    planned = lab.plan("study", "wide", "model.hidden=[64]", test=test)
    again = composed_jobs(shlex.split(lab.command("model.hidden=[64]", test=test))[3:])
    for run, job in zip(planned, again, strict=True):
        assert run.job.config.trainer.test is job.config.trainer.test is test
        assert replace(run.job.config, runs_dir="", tracking=job.config.tracking) == replace(job.config, runs_dir="")
