"""A study whose rows are divided anew for each seed, killed and resumed: as if nothing had been, and no data left."""

from __future__ import annotations

from pathlib import Path

import pytest
from going import going
from studies import TINY, study_in, sweep

from nnlab.runs.directory import DATA, PREDICTIONS, TRIALS

pytestmark = pytest.mark.slow

DIVIDED = [
    *TINY,
    "optimizer.lr=tag(log, interval(0.003, 0.3))",
    "model.hidden=[8]",
    "data.split.seed=null",
    "sweep.seeds=3",
    "sweep.pruner=wilcoxon",
    "sweep.pruner_options={p_threshold: 0.3, startup_steps: 2}",
    "sweep.workers=1",
    "sweep.name=study",
]


def predictions(folder: Path) -> dict[str, bytes]:
    runs = study_in(folder).directory / TRIALS
    return {path.parent.name: path.read_bytes() for path in sorted(runs.glob(f"*/{PREDICTIONS}"))}


def test_a_divided_study_that_was_killed_continues_as_if_nothing_had_been(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    undisturbed = sweep(*DIVIDED, folder=whole)
    assert undisturbed.returncode == 0, undisturbed.stderr
    with going(*DIVIDED, folder=killed) as study:
        study.read_trials(2)
        study.process.kill()
        assert study.processes_left() == []
    resumed = sweep("sweep.resume=study", folder=killed)
    assert resumed.returncode == 0, resumed.stderr
    assert study_in(killed).facts == study_in(whole).facts
    assert predictions(killed) == predictions(whole)
    assert len(predictions(whole)) >= 6
    assert not (study_in(killed).directory / DATA).exists()
