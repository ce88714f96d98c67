"""Studies of which a trial's directory is damaged: one message, whose remedy works when it is typed."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import nnlab
from studies import NO_PLOTS, UNTRACKED, Completed

from nnlab.runs.directory import JOURNAL, MODEL
from nnlab.runs.stored_run import StoredRun

pytestmark = pytest.mark.slow

TINY = ["model=toy", "data=toy", "trainer.epochs=2", "trainer.batch_size=8", "sweep.workers=1", UNTRACKED, NO_PLOTS]
STUDY = [*TINY, "optimizer.lr=choice(0.1, 0.2, 0.3)", "sweep.trials=2", "sweep.name=study"]


def sweep(folder: Path, *arguments: str) -> Completed:
    return nnlab(*arguments, folder=folder, program="nnlab.sweep")


def without_model(trial: Path) -> None:
    shutil.rmtree(trial / MODEL)


def without_the_end(trial: Path) -> None:
    """Its lines are whole, but fewer."""
    lines = (trial / JOURNAL).read_text(encoding="utf-8").splitlines(keepends=True)
    (trial / JOURNAL).write_text("".join(lines[:2]), encoding="utf-8")


@pytest.mark.parametrize("damage", [without_model, without_the_end, shutil.rmtree])
def test_a_winner_that_cannot_be_tested_does_not_hold_its_study_for_ever(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    assert sweep(tmp_path, *STUDY, "trainer.test=false").returncode == 0
    for trial in (tmp_path / "runs" / "study" / "trials").iterdir():
        damage(trial)
    refused = sweep(tmp_path, "sweep.resume=study", "trainer.test=true")
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    (command,) = re.findall(r"python -m nnlab\.run (.*)", refused.stderr)
    assert sweep(tmp_path, "sweep.resume=study", "trainer.test=false").returncode == 0
    assert StoredRun.open(tmp_path / "runs" / "study").status == "finished"
    repeated = nnlab(*shlex.split(command), folder=tmp_path)
    assert (repeated.returncode, "test accuracy" in repeated.stdout) == (0, True)


@pytest.mark.parametrize("name", ["lock", JOURNAL])
def test_what_is_no_plain_file_is_a_message_and_not_a_traceback(name: str, tmp_path: Path) -> None:
    assert sweep(tmp_path, *STUDY).returncode == 0
    planted = tmp_path / "runs" / "study" / "trials" / "study-0002" / name
    planted.mkdir(parents=True)
    refused = sweep(tmp_path, "sweep.resume=study", "sweep.trials=3")
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert str(planted) in refused.stderr
    planted.rmdir()
    assert sweep(tmp_path, "sweep.resume=study", "sweep.trials=3").returncode == 0
