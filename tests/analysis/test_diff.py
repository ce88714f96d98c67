from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import yaml
from recording import start

from nnlab.analysis.diff import differences, parting
from nnlab.commands.diff import main
from nnlab.runs.stored_run import StoredRun


def test_runs_differ_in_what_was_changed_and_part_where_their_numbers_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorders = [start(tmp_path, git={"commit": "c0", "dirty": "false"}, blas=blas) for blas in ("openblas", "mkl")]
    a, b = (recorder.directory.path for recorder in recorders)
    (b / "config.yaml").write_text((b / "config.yaml").read_text().replace("lr: 0.1", "lr: 0.2"))
    for recorder, number in zip(recorders, (0.5, 0.25), strict=True):
        recorder.epoch(1, {"train/loss": math.nan, "time/epoch_seconds": number})
        recorder.epoch(2, {"train/loss": 1.0, "val/loss": number})
        recorder.close("finished")
    arguments = [a.name, str(b), "--runs-dir", str(tmp_path)]
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["differences"] == {"optimizer.lr": [0.1, 0.2], "blas": ["openblas", "mkl"]}
    assert found["parting"] == {"epoch": 2, "metric": "val/loss", "values": [0.5, 0.25]}
    assert main(arguments) == 0
    assert capsys.readouterr().out.split()[-5:] == ["epoch", "2,", "val/loss", "0.5", "0.25"]


@pytest.mark.parametrize(
    ("older", "expected"),
    [({"checkpoint_seconds": 5.0}, {"trainer.checkpoint_seconds": (5.0, 30.0)}), ({}, {})],
    ids=["another value", "from before there was one"],
)
def test_a_setting_without_effect_is_no_difference_to_a_run_that_has_none(
    older: dict[str, float], expected: dict[str, tuple[float, float]], tmp_path: Path
) -> None:
    runs = []
    for trainer in (older, {"checkpoint_seconds": 30.0}):
        recorder = start(tmp_path, git={"commit": "c0", "dirty": "false"})
        path = recorder.directory.path
        config = yaml.safe_load((path / "config.yaml").read_text())
        (path / "config.yaml").write_text(yaml.safe_dump(config | {"trainer": {"epochs": 3, **trainer}}))
        recorder.close("finished")
        runs.append(StoredRun.open(path))
    assert differences(*runs) == expected


def test_a_study_and_a_run_under_way_are_compared_by_what_they_have(tmp_path: Path) -> None:
    study, under_way = start(tmp_path), start(tmp_path)
    study.trial(1, {"best/val/loss": 0.5})
    study.close("finished")
    a, b = StoredRun.open(study.directory.path), StoredRun.open(under_way.directory.path)
    assert parting(a, b) == {"trial": 1, "metric": "best/val/loss", "values": (0.5, "absent")}
    assert parting(b, b) is None
    assert (a.status_now, b.status_now) == ("finished", "running")
    under_way.directory.release()
    assert b.status_now == "killed"
