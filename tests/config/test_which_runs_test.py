"""Which runs evaluate the test split, by what else is run in the same command or call."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnlab.batch import compose, run_all
from nnlab.commands.arguments import composed_jobs
from nnlab.config.holdout import decided
from nnlab.config.job import Job
from nnlab.config.jobs import compose_jobs
from nnlab.config.schema import as_dict
from nnlab.results import results
from nnlab.runs.provenance import config_sha256

DIGITS = "data=digits"


def decisions(jobs: list[Job]) -> list[bool | str]:
    return [job.config.trainer.test for job in jobs]


@pytest.mark.parametrize(
    ("arguments", "tests"),
    [
        pytest.param([DIGITS], [True], id="a run alone"),
        pytest.param([DIGITS, "trainer.test=false"], [False], id="a run alone that is told not to"),
        pytest.param(["-m", DIGITS, "seed=0,1,2"], [True] * 3, id="seeds"),
        pytest.param(["-m", DIGITS, "seed=0,0"], [True] * 2, id="the same twice"),
        pytest.param(["-m", DIGITS, "data.split.seed=0,1"], [True] * 2, id="divisions of the rows"),
        pytest.param(["-m", DIGITS, "tracking.experiment=a,b"], [True] * 2, id="places"),
        pytest.param(["-m", DIGITS, "optimizer.lr=0.1"], [True], id="-m of a single run"),
        pytest.param(["-m", DIGITS, "optimizer.lr=0.1,0.2"], [False] * 2, id="rates"),
        pytest.param(["-m", DIGITS, "optimizer.lr=0.1,0.2", "seed=0,1"], [False] * 4, id="rates and seeds"),
        pytest.param(["-m", DIGITS, "optimizer=sgd,adam"], [False] * 2, id="choices of a group"),
        pytest.param(["-m", DIGITS, "model.hidden=[8],[8,8]"], [False] * 2, id="widths"),
        pytest.param(["-m", "data=digits,mnist_5k"], [False] * 2, id="data"),
        pytest.param(["-m", DIGITS, "optimizer.lr=0.1,0.2", "trainer.test=true"], [True] * 2, id="told to"),
        pytest.param(["-m", DIGITS, "seed=0,1", "trainer.test=false"], [False] * 2, id="seeds that are told not to"),
        pytest.param(["-m", DIGITS, "trainer.test=true,false"], [True, False], id="each told"),
    ],
)
def test_what_is_compared_before_a_choice_leaves_the_test_split_alone(arguments: list[str], tests: list[bool]) -> None:
    assert decisions(composed_jobs(arguments)) == tests


def test_the_command_of_a_run_that_was_compared_leaves_the_test_split_alone_too() -> None:
    for job in composed_jobs(["-m", DIGITS, "optimizer.lr=0.1,0.2"]):
        assert decisions(decided(compose_jobs(job.overrides, multirun=False))) == [False]
    for job in composed_jobs(["-m", DIGITS, "seed=0,1"]):
        assert decisions(decided(compose_jobs(job.overrides, multirun=False))) == [True]


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")
def test_a_call_of_run_all_is_judged_as_a_whole(tmp_path: Path) -> None:
    """README's example compares rates: no run of it may touch the test split, as the journals tell."""
    small = (DIGITS, "data.limit=100", "model.hidden=[4]", "trainer.epochs=1", "tracking.enabled=false")
    places = (*small, "tracking.plots=false", f"runs_dir='{tmp_path}'")
    rates = [compose(*places, f"optimizer.lr={lr}") for lr in (0.1, 0.2)]
    told = [compose(*places, "optimizer.lr=0.1", f"trainer.test={tests}") for tests in ("true", "false")]
    compared, repeated = results(run_all([*rates, *told], workers=1)), results(run_all(rates[:1], workers=1))
    assert compared.get("test/accuracy").notna().to_list() == [False, False, True, False]  # type: ignore[union-attr]
    assert compared["trainer.test"].to_list() == [False, False, True, False]
    assert repeated["test/accuracy"].notna().all()
    assert repeated["weights_sha256"].to_list() == compared["weights_sha256"].to_list()[:1]


def test_a_run_that_is_tested_is_the_run_that_is_not() -> None:
    yes, no = (compose(DIGITS, f"trainer.test={tests}").config for tests in ("true", "false"))
    assert config_sha256(as_dict(yes)) == config_sha256(as_dict(no))
