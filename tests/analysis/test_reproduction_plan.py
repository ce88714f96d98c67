"""A run is run again as it came to be, however it ended: here in one process, its oracle being its own record."""

from __future__ import annotations

import dataclasses
import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from stopping import Hearing, at_epoch, small, stopped

from nnlab.analysis.reproduction.plan import home_of, plan_of
from nnlab.analysis.reproduction.reproduce import note_verdict
from nnlab.analysis.reproduction.verdict import Verdict, compare
from nnlab.config.tracking_uri import sqlite_uri
from nnlab.data.loading import forget
from nnlab.errors import UserError
from nnlab.execution.evaluate import evaluate_member
from nnlab.execution.result import Membership
from nnlab.execution.resume import resume
from nnlab.execution.run import run
from nnlab.runs.directory import JOURNAL, RunDirectory
from nnlab.runs.evaluations import count_evaluations
from nnlab.runs.recorder import Recorder
from nnlab.runs.stored_run import StoredRun
from nnlab.training import Progress

FAST = "trainer.epochs=3"


def again(path: Path, *, runs_dir: Path | None = None, data_root: Path | None = None) -> tuple[StoredRun, Verdict]:
    """The run at `path` run again, and compared with it."""
    result = plan_of(StoredRun.open(path), runs_dir=runs_dir, data_root=data_root).execute()
    new = StoredRun.open(result.directory)
    return new, compare(StoredRun.open(path), new)


def finished(folder: Path) -> Path:
    return run(small(folder)).directory


def stopped_by_patience(folder: Path) -> Path:
    path = run(small(folder, "trainer.patience=1", "optimizer.lr=0.3", "trainer.epochs=40")).directory
    assert len(StoredRun.open(path).epochs) < 40
    return path


def resumed(folder: Path) -> Path:
    path = stopped(small(folder, "trainer.checkpoint_seconds=null"))
    resume(path)
    return path


def interrupted(folder: Path) -> Path:
    return stopped(small(folder))


def interrupted_inside_an_epoch(folder: Path) -> Path:
    slow = ("data.limit=1000", "trainer.batch_size=1", "trainer.epochs=3")
    return stopped(small(folder, *slow), lambda event: isinstance(event, Progress) and event.epoch == 2)


def killed_outright(folder: Path) -> Path:
    path = finished(folder)
    lines = (path / JOURNAL).read_bytes().splitlines(keepends=True)
    (path / JOURNAL).write_bytes(b"".join(lines[:4]))  # the start and three epochs
    return path


def extended_twice(folder: Path) -> Path:
    path = run(small(folder, "schedule=cosine", "trainer.stop_after=2")).directory
    resume(path, epochs=5)
    resume(path, epochs=7)
    return path


def diverged(folder: Path) -> Path:
    path = run(small(folder, "optimizer=sgd", "optimizer.lr=1e30", "model.activation=identity")).directory
    assert StoredRun.open(path).status == "diverged"
    return path


def pruned(folder: Path) -> Path:
    study = folder / "study"
    member = Membership(
        study,
        study / "trials" / "study-0000",
        "trial 0",
        {"nnlab.study": "study"},
        lambda epoch, metrics: "it is pruned" if epoch == 2 else None,
        lambda result: {},
    )
    return run(small(folder), member=member).directory


@pytest.mark.parametrize(
    ("made", "epochs"),
    [
        (finished, 6),
        (stopped_by_patience, None),
        (resumed, 6),
        (interrupted, 3),
        (interrupted_inside_an_epoch, 1),
        (killed_outright, 3),
        (extended_twice, 7),
        (diverged, 0),
        (pruned, 2),
    ],
)
def test_a_run_comes_out_as_it_did(made: Callable[[Path], Path], epochs: int | None, tmp_path: Path) -> None:
    path = made(tmp_path)
    files = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    new, verdict = again(path)
    assert (verdict.word, verdict.first) == ("identical", None)
    assert epochs in (None, verdict.epochs)
    assert sorted(new.epochs) == sorted(StoredRun.open(path).epochs)
    assert new.extensions == StoredRun.open(path).extensions
    assert new.tags.keys() >= {"nnlab.weights_sha256"}
    assert new.provenance["tags"] == {"nnlab.reproduces": path.name}
    assert new.path.parent == tmp_path
    assert {file: file.read_bytes() for file in files} == files


def test_a_winners_test_is_done_again_and_is_no_further_look_at_the_test_split(tmp_path: Path) -> None:
    path = run(small(tmp_path, FAST)).directory
    digest = StoredRun.open(path).provenance["dataset"]["sha256"]
    new, verdict = again(path)
    assert verdict.tested
    assert new.test == StoredRun.open(path).test
    assert count_evaluations(tmp_path, "nnlab", digest) == 1
    untested = run(small(tmp_path, FAST, "trainer.test=false")).directory
    assert not again(untested)[0].test


def test_another_folder_for_the_new_run(tmp_path: Path) -> None:
    path = run(small(tmp_path / "here", FAST)).directory
    assert again(path, runs_dir=tmp_path / "there")[0].path.parent == tmp_path / "there"


def test_a_changed_number_is_found_where_it_is(tmp_path: Path) -> None:
    path = run(small(tmp_path)).directory
    lines = (path / JOURNAL).read_text().splitlines(keepends=True)
    event = json.loads(lines[4])
    before = event["metrics"]["val/loss"]
    event["metrics"]["val/loss"] = before + 1e-9
    lines[4] = json.dumps(event) + "\n"
    (path / JOURNAL).write_text("".join(lines))
    _, verdict = again(path)
    assert verdict.word == "different"
    assert verdict.first is not None
    assert (verdict.first.epoch, verdict.first.metric) == (4, "val/loss")
    assert (verdict.first.recorded, verdict.first.again) == (before + 1e-9, before)


def test_moved_data_is_named_and_changed_data_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"{row % 3},{row},{row * row % 7}\n" for row in range(60))
    (tmp_path / "data.csv").write_text(rows)
    where = ["data=csv", f"data.root='{tmp_path / 'data.csv'}'", "data.limit=null", "model.hidden=[4]", FAST]
    path = run(small(tmp_path / "runs", *where)).directory
    (tmp_path / "data.csv").rename(tmp_path / "moved.csv")
    forget()
    with pytest.raises(UserError, match=r"cannot be tried: (.|\n)*data\.csv(.|\n)*--data-root"):
        plan_of(StoredRun.open(path))
    new, verdict = again(path, data_root=tmp_path / "moved.csv")
    assert verdict.word == "identical"
    assert [text for text in new.overrides if "data.root" in text] == [f"data.root={tmp_path / 'moved.csv'}"]
    (tmp_path / "data.csv").write_text(rows + "1,2,3\n")
    forget()
    digest = StoredRun.open(path).provenance["dataset"]["sha256"]
    with pytest.raises(UserError, match=f"cannot be tried: .*{digest}"):
        plan_of(StoredRun.open(path))


def test_what_cannot_be_tried_says_why(tmp_path: Path) -> None:
    empty = stopped(small(tmp_path, "trainer.batch_size=1"), lambda event: isinstance(event, Progress))
    with pytest.raises(UserError, match=f"cannot be tried: .*no epoch(.|\n)*nnlab.resume {empty.name}"):
        plan_of(StoredRun.open(empty))
    path = run(small(tmp_path, FAST)).directory
    with pytest.raises(KeyboardInterrupt):
        resume(path, epochs=8, listeners=[Hearing(signal.SIGINT, at_epoch(5))])
    with pytest.raises(UserError, match=f"cannot be tried: (.|\n)*nnlab.resume {path.name}"):
        plan_of(StoredRun.open(path))
    resume(path)
    with (
        Recorder.reopen(path, None),
        pytest.raises(UserError, match=r"cannot be tried: .*still being recorded"),
    ):
        plan_of(StoredRun.open(path))
    text = (path / "config.yaml").read_text()
    (path / "config.yaml").write_text(text.replace("seed: 0", "seed: 1", 1))
    with pytest.raises(UserError, match=r"cannot be tried: .*config\.yaml"):
        plan_of(StoredRun.open(path))


def test_a_note_leaves_everything_else_of_a_run_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stopped(small(tmp_path))
    before = StoredRun.open(path)
    verdict = compare(before, before)
    warned: list[str] = []
    for _ in range(2):
        assert note_verdict(path, Path("new"), verdict, warned.append)
    after = StoredRun.open(path)
    assert after.tags["nnlab.reproduced"].startswith("identical, by new, 20")
    assert {**after.tags} == {**before.tags, "nnlab.reproduced": after.tags["nnlab.reproduced"]}
    for name in ("status", "reason", "ended_at", "epochs", "kept", "test", "extensions", "evaluations"):
        assert getattr(after, name) == getattr(before, name)
    assert after.status == "interrupted"
    resume(path)
    assert StoredRun.open(path).status == "finished"
    monkeypatch.setattr("nnlab.runs.directory.CLAIM_SECONDS", 0.0)
    directory = RunDirectory.claim(path)
    assert not note_verdict(path, Path("new"), verdict, warned.append)
    directory.release()
    assert path.name in warned[0]


def test_a_trial_belongs_to_the_folder_of_its_study(tmp_path: Path) -> None:
    trial = StoredRun.open(pruned(tmp_path))
    assert home_of(trial) == tmp_path
    assert plan_of(trial).job.config == dataclasses.replace(
        small(tmp_path).config,
        trainer=dataclasses.replace(small(tmp_path).config.trainer, stop_after=2, test=False),
    )


def test_a_store_that_was_moved_with_the_runs_is_found_where_they_are(tmp_path: Path) -> None:
    path = run(small(tmp_path / "here", FAST, "tracking.enabled=true")).directory
    (tmp_path / "here" / "mlflow.db").touch()
    assert plan_of(StoredRun.open(path)).job.config.tracking.uri == sqlite_uri(tmp_path / "here" / "mlflow.db")
    (tmp_path / "here").rename(tmp_path / "there")
    moved = StoredRun.open(tmp_path / "there" / path.name)
    assert plan_of(moved).job.config.tracking.uri == sqlite_uri(tmp_path / "there" / "mlflow.db")
    (tmp_path / "there" / "mlflow.db").rename(tmp_path / "gone.db")
    assert plan_of(moved).job.config.tracking.uri == sqlite_uri(tmp_path / "here" / "mlflow.db")


def test_the_test_split_is_looked_at_if_the_original_did_whatever_its_config_says(tmp_path: Path) -> None:
    job = small(tmp_path, FAST, "trainer.test=false")
    path = run(job).directory
    assert not again(path)[0].test
    evaluate_member(job, path, warn=pytest.fail)  # as a study does with its winner
    new, verdict = again(path)
    assert (verdict.word, verdict.tested, new.test) == ("identical", True, StoredRun.open(path).test)
