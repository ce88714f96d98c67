"""A study is resumed as it was started: every difference is reported, also beside other problems."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnlab.config.problems import ConfigError
from nnlab.errors import UserError
from nnlab.tuning.manifest import SHOWN, Manifest, versions
from nnlab.tuning.planning import make_plan
from nnlab.tuning.resuming import resumed_arguments, resumed_plan

START = [
    "data=digits",
    "tracking.enabled=false",
    "optimizer=adam",
    "optimizer.lr=range(0.1,0.4,0.1)",
    "sweep.trials=9",
]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "a-study"
    folder.mkdir()
    plan = make_plan([*START, f"runs_dir={folder.parent}"])
    Manifest("a-study", plan.lasting_overrides, None, plan.fingerprint("c0"), versions()).save(folder)
    return folder


def problem_keys(study: Path, *given: str) -> list[str]:
    now = [f"runs_dir={study.parent}", "sweep.resume=a-study", *given]
    whole, directory = resumed_arguments(now)
    assert directory == study
    with pytest.raises(ConfigError, match="nothing was started") as caught:
        resumed_plan(whole, now, study)
    return [problem.key for problem in caught.value.problems]


def test_differences_are_reported_beside_what_is_wrong_by_itself(study: Path) -> None:
    assert problem_keys(study, "trainer.epochs=0", "seed=0", "optimizer=adam", "sweep.trials=20") == ["trainer.epochs"]
    others = ["seed=7", "optimizer=sgd", "optimizer.lr=range(0.1,0.5,0.1)", "sweep.sampler=random"]
    assert problem_keys(study, "trainer.epochs=0", *others) == [
        "trainer.epochs",
        "seed",
        "optimizer",
        "optimizer.lr",
        "sweep.sampler",
    ]


def test_the_same_in_other_words_is_no_difference(study: Path) -> None:
    assert problem_keys(study, "model.dropout=2", "sweep.space.optimizer.lr=range(0.1, 0.31, 0.1)") == ["model.dropout"]


def test_where_nothing_is_wrong_the_fingerprints_say_every_difference(study: Path) -> None:
    now = [f"runs_dir={study.parent}", "sweep.resume=a-study", "seed=7", "sweep.sampler=random"]
    whole, _ = resumed_arguments(now)
    plan = resumed_plan(whole, now, study)
    with pytest.raises(UserError, match="can only be resumed as it was started") as caught:
        Manifest.read(study).check(plan.fingerprint("c1"))
    for key in ("data_sha256", "seed", "sweep.sampler"):
        assert f"  {key}: " in str(caught.value)


def test_an_unknown_study_lists_the_nearest_and_how_many_more_there_are(study: Path) -> None:
    for number in range(20):
        (study.parent / f"other-{number}").mkdir(exist_ok=True)
        Manifest.read(study).save(study.parent / f"other-{number}")
    with pytest.raises(UserError, match=rf"The nearest are: a-study, .*; and {21 - SHOWN} more\.") as caught:
        resumed_arguments([f"runs_dir={study.parent}", "sweep.resume=a-studdy"])
    assert str(caught.value).count("other-") == SHOWN - 1
