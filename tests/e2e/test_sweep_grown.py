"""`sweep.first` and `sweep.from` through the real command: killed by SIGKILL, resumed, and the other study removed."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from commands import started
from studies import NEVER_PRUNED, SPACE, TINY, Study, outcome, sweep

pytestmark = pytest.mark.slow

GUESSES = "sweep.first=[default, {model.hidden: [8]}]"
COMMON = [*TINY, *SPACE, NEVER_PRUNED, "sweep.workers=1"]
WIDER = [*COMMON, "model.width=choice(8, 16, 24)", "sweep.trials=9", "sweep.from=old"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the studies `old`, and `whole`, which grew from it undisturbed."""
    folder = tmp_path_factory.mktemp("grown")
    for name, arguments in {"old": [*COMMON, GUESSES], "whole": WIDER}.items():
        process = sweep(*arguments, f"sweep.name={name}", folder=folder)
        assert process.returncode == 0, process.stderr
    return folder


def sources(study: Study) -> list[str | None]:
    return [trial.user_attrs["asked"].get("source") for trial in study.trials]


def test_a_study_begins_with_its_guesses_and_says_whose_they_are(folder: Path) -> None:
    old = Study(folder / "runs/old")
    assert sources(old) == ["default", "given", None, None, None, None]
    # Of the preset's [128, 64] and 0.01 (conf/model/mlp.yaml, conf/optimizer/momentum.yaml) the nearest in the space.
    assert old.trials[0].params == {"model.depth": 2, "model.width.0": 16, "model.width.1": 16, "optimizer.lr": 0.01}
    assert (old.trials[1].params["model.depth"], old.trials[1].params["model.width.0"]) == (1, 8)
    assert [row["source"] for row in old.table][:3] == ["default", "given", ""]


def test_a_study_keeps_the_trials_of_another_and_goes_on_from_there(folder: Path) -> None:
    old, whole = Study(folder / "runs/old"), Study(folder / "runs/whole")
    assert whole.finished == len(whole.trials) == 9
    assert sources(whole)[:6] == [f"kept from old, trial {number}" for number in range(6)]
    for before, kept in zip(old.trials, whole.trials, strict=False):
        assert (kept.params, kept.values) == (before.params, before.values)
        assert outcome(kept)["weights_sha256"] == outcome(before)["weights_sha256"]


@pytest.mark.parametrize("after", [1, 4])
def test_a_study_that_is_killed_while_it_keeps_trials_ends_as_one_that_was_not(after: int, folder: Path) -> None:
    name = f"cut{after}"
    with started(*WIDER, f"sweep.name={name}", folder=folder, program="nnlab.sweep") as process:
        deadline = time.monotonic() + 60
        while not (folder / "runs" / name / "trials" / f"{name}-{after:04}").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.kill()
    resumed = sweep(f"sweep.resume={name}", folder=folder)
    assert resumed.returncode == 0, resumed.stderr
    cut, whole = Study(folder / "runs" / name), Study(folder / "runs/whole")
    assert cut.facts == whole.facts


def test_the_grown_study_does_without_the_other(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "runs/whole", tmp_path / "runs/whole")
    process = sweep("sweep.resume=whole", "sweep.trials=10", folder=tmp_path)
    assert process.returncode == 0, process.stderr
    assert Study(tmp_path / "runs/whole").finished == 10
    assert "test/accuracy" in process.stdout
