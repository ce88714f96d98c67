"""A run that was recorded in another folder, by another version, or on two machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from stopping import small, stopped

from nnlab.analysis.reproduction import in_worktree, plan
from nnlab.analysis.reproduction.facts import Fact
from nnlab.analysis.reproduction.plan import plan_of
from nnlab.analysis.reproduction.process import Order
from nnlab.analysis.reproduction.reproduce import Attempt
from nnlab.analysis.reproduction.setting import Setting
from nnlab.analysis.reproduction.verdict import compare
from nnlab.commands.reproduction_text import opening_lines
from nnlab.config.tracking_uri import sqlite_uri
from nnlab.errors import UserError
from nnlab.execution.resume import resume
from nnlab.execution.run import run
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import MACHINE_CHANGED_TAG

FAST = "trainer.epochs=3"


def test_a_run_in_a_folder_that_is_read_only_is_tried_in_the_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run(small(tmp_path / "there", FAST, "tracking.enabled=true")).directory
    monkeypatch.setattr(plan, "why_not_writable", lambda folder: "Permission denied" * (folder == tmp_path / "there"))
    monkeypatch.setenv("NNLAB_RUNS_DIR", str(tmp_path / "mine"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    config = plan_of(StoredRun.open(path)).job.config
    assert config.runs_dir == str(tmp_path / "mine")
    assert config.tracking.uri == sqlite_uri(tmp_path / "mine" / "mlflow.db")
    monkeypatch.setattr(in_worktree, "code_of", lambda stored, trusts: None)
    there = in_worktree.attempt_in_worktree(StoredRun.open(path))
    assert (there.runs_dir, there.tracking_uri) == (tmp_path / "mine", config.tracking.uri)
    monkeypatch.setattr(in_worktree, "why_not_writable", lambda folder: "Permission denied")
    with pytest.raises(UserError, match=r"cannot be tried: .*mine.*Permission denied"):  # before it is run
        in_worktree.attempt_in_worktree(StoredRun.open(path))


def test_another_kernel_after_a_stop_is_recorded_and_no_difference_of_code(tmp_path: Path) -> None:
    path = stopped(small(tmp_path))
    text = (path / "provenance.json").read_text()
    other = json.loads(text)["blas"].replace("threads=1", "threads=3")  # that it was started with
    (path / "provenance.json").write_text(json.dumps(json.loads(text) | {"blas": other}))
    resume(path)
    (path / "provenance.json").write_text(text)  # all of the arithmetic that is known of its start is as it is now
    assert f"blas was {other}" in StoredRun.open(path).tags[MACHINE_CHANGED_TAG]
    new = plan_of(StoredRun.open(path)).execute().directory
    verdict = compare(StoredRun.open(path), StoredRun.open(new))
    assert (verdict.word, verdict.tolerance) == ("identical", 1e-3)
    (said,) = verdict.changed
    assert other in said
    assert "after epoch 3" in said


def test_the_config_of_an_earlier_version_is_run_by_its_own_code(tmp_path: Path) -> None:
    path = run(small(tmp_path, FAST)).directory
    config = yaml.safe_load((path / "config.yaml").read_text())
    del config["trainer"]["test"]
    (path / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(UserError, match=r"cannot be tried: (.|\n)*test") as error:
        plan_of(StoredRun.open(path))
    assert "--worktree" not in str(error.value)
    facts = json.loads((path / "provenance.json").read_text())
    del facts["code"]
    (path / "provenance.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match=f"nnlab.reproduce {path.name} .*--worktree"):
        plan_of(StoredRun.open(path))


def test_the_command_for_a_run_that_is_in_mlflow_alone_looks_in_the_folder_of_the_runs(tmp_path: Path) -> None:
    stored = StoredRun.open(run(small(tmp_path / "copied", FAST)).directory)
    order = Order(stored.path, tmp_path, None, None, None)
    for facts in ((Fact("code", "a", "b"),), (Fact("commit", "commit a", None),)):
        lines = opening_lines(stored, Attempt(order, facts, Setting({})), tmp_path / "runs")
        (command,) = [line for line in lines if "--worktree" in line]
        assert f"--runs-dir {tmp_path / 'runs'} " in command
