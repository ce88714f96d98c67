"""A finished run that is trained for longer: it ends as the longer run, whatever comes between."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from stopping import Hearing, at_epoch, small, stopped

from faults.facts import facts_of
from nnlab.analysis.diff import differences
from nnlab.errors import UserError
from nnlab.execution.checkpointing import Checkpointing
from nnlab.execution.events import GoesOn, RunStarted
from nnlab.execution.resume import resume, resumption
from nnlab.execution.run import run
from nnlab.results import results
from nnlab.runs.directory import JOURNAL
from nnlab.runs.stored_run import StoredRun
from nnlab.training import EpochEnd

NEVER = "trainer.checkpoint_seconds=null"


def test_an_extended_run_ends_as_the_longer_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    longer = run(small(tmp_path / "longer", "trainer.epochs=9"))
    monkeypatch.setattr(Checkpointing, "_is_due", lambda self, event: isinstance(event, EpochEnd))
    path = run(small(tmp_path / "extended")).directory
    hearing = Hearing()
    result = resume(path, epochs=9, listeners=[hearing])
    assert result.weights_sha256 == longer.weights_sha256
    stored = StoredRun.open(path)
    assert stored.extensions == [(6, 9)]
    assert facts_of(path)["epochs"] == facts_of(longer.directory)["epochs"]
    assert stored.test == StoredRun.open(longer.directory).test
    assert stored.tags["nnlab.command"].endswith(" && python -m nnlab.resume --last --epochs 9")
    assert stored.tags["nnlab.extended"] == "after epoch 6 to 9 epochs"
    (started,) = hearing.of(RunStarted)
    assert started.config.trainer.epochs == 9
    assert started.goes_on == GoesOn(7, 0, started.trainer.steps_per_epoch, 6), "nothing is trained again"
    assert hearing.warnings == []
    table = results([path, longer.directory])
    assert list(table["trainer.epochs"]) == [9, 9]
    assert list(table["extended"].isna()) == [False, True], "a plan for nine epochs and one for six are told apart"
    assert "extended" in differences(stored, StoredRun.open(longer.directory))


@pytest.mark.parametrize("how", [(), (NEVER,)])
def test_an_extension_that_was_stopped_goes_on_as_one(how: tuple[str, ...], tmp_path: Path) -> None:
    cosine = ("schedule=cosine", *how)
    undisturbed = run(small(tmp_path, *cosine)).directory
    resume(undisturbed, epochs=9)
    path = run(small(tmp_path, *cosine)).directory
    with pytest.raises(KeyboardInterrupt):
        resume(path, epochs=9, listeners=[Hearing(signal.SIGINT, at_epoch(7))])
    resume(path)
    assert facts_of(path) == facts_of(undisturbed)


def test_weights_that_were_tested_are_not_tested_again_and_others_are_counted(tmp_path: Path) -> None:
    path = run(small(tmp_path, "trainer.restore_best=false")).directory
    resume(path, epochs=7)
    assert StoredRun.open(path).evaluations == 2
    overfitting = small(tmp_path / "same", "data.limit=100", "optimizer.lr=0.3", "model.dropout=0")
    path = run(overfitting).directory
    before = StoredRun.open(path)
    resume(path, epochs=7)
    after = StoredRun.open(path)
    same = before.tags["nnlab.epoch"] == after.tags["nnlab.epoch"]
    assert after.evaluations == (1 if same else 2)


def test_what_an_extension_changes_is_told(tmp_path: Path) -> None:
    path = run(small(tmp_path, "schedule=cosine", "trainer.stop_after=4", "trainer.patience=5")).directory
    told = "\n".join(notice.text for notice in resumption(path, epochs=12).notices)
    for fact in ("schedule=cosine was planned for 6", "stop_after=4", "patience=5", "evaluated once"):
        assert fact in told
    rate = StoredRun.open(path).epochs[4]["lr"]
    assert f"was {rate:.4g}" in told


def test_a_run_whose_patience_ran_out_is_not_extended(tmp_path: Path) -> None:
    job = small(tmp_path, "optimizer.lr=3", "trainer.patience=1", "trainer.epochs=40")
    path = run(job).directory
    assert len(StoredRun.open(path).epochs) < 40
    with pytest.raises(UserError, match=r"trainer\.patience=null"):
        resumption(path, epochs=50)


def test_a_run_that_an_extension_which_came_too_late_has_failed_goes_on(tmp_path: Path) -> None:
    path = stopped(small(tmp_path))
    resume(path)
    extended = resume(path, epochs=8)
    before = StoredRun.open(path)
    with (path / JOURNAL).open("a") as journal:  # as nnlab left it before it looked again under the lock
        for event in (
            {"event": "start", "goes_on": True, "epochs": 8},
            {"event": "end", "status": "failed", "reason": None},
        ):
            journal.write(json.dumps({"time": before.started_at, **event}) + "\n")
    again = resume(path)
    after = StoredRun.open(path)
    assert (again.status, after.extensions) == ("finished", before.extensions)
    assert (again.weights_sha256, after.epochs) == (extended.weights_sha256, before.epochs)
