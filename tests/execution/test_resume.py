"""A run that was stopped goes on to what it would have been; one that cannot says why, and what to do."""

from __future__ import annotations

import csv
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stopping import Hearing, at_epoch, small, stopped

from faults.facts import facts_of
from nnlab.config.problems import ConfigError
from nnlab.errors import UserError
from nnlab.execution.events import GoesOn, RunStarted
from nnlab.execution.resume import resume, resumption
from nnlab.execution.run import run
from nnlab.runs import journal
from nnlab.runs.checkpoints import Checkpoints
from nnlab.runs.directory import JOURNAL, RunDirectory
from nnlab.runs.stored_run import StoredRun
from nnlab.training import Progress, Trainer

NEVER = "trainer.checkpoint_seconds=null"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody disturbs."""
    return run(small(tmp_path_factory.mktemp("whole"))).directory


def cut(path: Path, kind: str, count: int = 1) -> None:
    """Leave of a journal what a kill leaves that comes after the `count`-th event of a kind."""
    kept, seen = [], 0
    for line in (path / JOURNAL).read_bytes().splitlines(keepends=True):
        kept.append(line)
        seen += json.loads(line)["event"] == kind
        if seen == count:
            break
    (path / JOURNAL).write_bytes(b"".join(kept))


def of_kind(path: Path, kind: str) -> list[journal.Event]:
    return [event for event in journal.read(path / JOURNAL)[0] if event["event"] == kind]


@pytest.mark.parametrize("how", [(), (NEVER,)])
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(how: tuple[str, ...], whole: Path, tmp_path: Path) -> None:
    path = stopped(small(tmp_path, *how))
    hearing = Hearing()
    result = resume(path, listeners=[hearing])
    assert facts_of(path) == facts_of(whole)
    assert [event["goes_on"] for event in of_kind(path, "start")] == [False, True]
    (started,) = hearing.of(RunStarted)
    steps = started.trainer.steps_per_epoch
    assert started.goes_on == (GoesOn(1, 0, steps, 3) if how else GoesOn(4, 0, steps, 3))
    assert sorted(result.by_epoch) == [1, 2, 3, 4, 5, 6]
    assert result.seconds == pytest.approx(sum(m["time/epoch_seconds"] for m in StoredRun.open(path).epochs.values()))
    assert hearing.warnings == []


def test_a_run_that_was_stopped_inside_an_epoch_goes_on_inside_it(tmp_path: Path) -> None:
    slow = ("data.limit=1000", "trainer.batch_size=1", "trainer.epochs=2")
    alone = run(small(tmp_path / "alone", *slow)).directory
    path = stopped(small(tmp_path / "stopped", *slow), lambda event: isinstance(event, Progress) and event.epoch == 2)
    reason = str(StoredRun.open(path).reason)
    hearing = Hearing()
    resume(path, listeners=[hearing])
    (started,) = hearing.of(RunStarted)
    assert (started.goes_on.epoch, started.goes_on.recorded) == (2, 1)
    assert 0 < started.goes_on.step < started.goes_on.steps
    assert f"in epoch 2, after step {started.goes_on.step} of {started.goes_on.steps}" in reason
    assert facts_of(path) == facts_of(alone)


def test_a_run_is_resumed_again_and_again(whole: Path, tmp_path: Path) -> None:
    path = stopped(small(tmp_path), at_epoch(1))
    for epoch in (2, 4):
        with pytest.raises(KeyboardInterrupt):
            resume(path, listeners=[Hearing(signal.SIGTERM, at_epoch(epoch))])
    resume(path)
    assert facts_of(path) == facts_of(whole)


def test_what_was_tested_before_a_kill_is_not_tested_again(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run(small(tmp_path)).directory
    cut(path, "test")
    monkeypatch.setattr(Trainer, "test", lambda trainer: pytest.fail("the test split was looked at again"))
    result = resume(path)
    assert facts_of(path) == facts_of(whole)
    assert {name: result.scores[name] for name in ("test/loss", "test/accuracy")} == StoredRun.open(path).test


def test_an_epoch_that_comes_out_otherwise_is_told_once_and_tagged(tmp_path: Path) -> None:
    path = run(small(tmp_path, NEVER)).directory
    lines = (path / JOURNAL).read_text().splitlines(keepends=True)
    for number in (2, 3):
        event = json.loads(lines[number])
        event["metrics"]["train/loss"] += 1e-9
        lines[number] = json.dumps(event) + "\n"
    (path / JOURNAL).write_text("".join(lines[:5]))
    hearing = Hearing()
    resume(path, listeners=[hearing])
    (warned,) = hearing.warnings
    assert warned.startswith("epoch 2: train/loss was ")
    assert StoredRun.open(path).tags["nnlab.differs_from_record"].startswith("epoch 2: train/loss was ")
    assert [event["epoch"] for event in of_kind(path, "epoch")] == [1, 2, 3, 4, 5, 6]


def test_a_damaged_checkpoint_costs_no_more_than_the_epochs_after_the_one_before(whole: Path, tmp_path: Path) -> None:
    path = stopped(small(tmp_path, "trainer.checkpoint_seconds=0.000001"))
    newest = max((path / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:-1])
    hearing = Hearing()
    resume(path, listeners=[hearing])
    assert newest.name in hearing.warnings[0]
    assert facts_of(path) == facts_of(whole)


def test_what_may_change_bits_is_told_before_the_start(tmp_path: Path) -> None:
    path = stopped(small(tmp_path))
    facts = json.loads((path / "provenance.json").read_text())
    facts["blas"] = "another"
    (path / "provenance.json").write_text(json.dumps(facts))
    hearing = Hearing()
    resume(path, listeners=[hearing])
    assert hearing.warnings[0].startswith("blas was another and is ")
    assert isinstance(hearing.events[1], RunStarted)


def test_the_profile_is_of_all_epochs(tmp_path: Path) -> None:
    def calls(path: Path) -> dict[tuple[str, str], int]:
        rows = csv.DictReader((path / "profile.csv").read_text(encoding="utf-8").splitlines())
        return {(row["phase"], row["operation"]): int(row["calls"]) for row in rows}

    alone = run(small(tmp_path, "trainer.profile=true")).directory
    path = stopped(small(tmp_path, "trainer.profile=true"))
    resume(path)
    assert calls(path) == calls(alone)


# Refusals


def finished(folder: Path) -> Path:
    return run(small(folder)).directory


def diverged(folder: Path) -> Path:
    return run(small(folder, "optimizer=sgd", "optimizer.lr=1e30", "model.activation=identity")).directory


def with_another_config(folder: Path) -> Path:
    path = stopped(small(folder))
    text = (path / "config.yaml").read_text()
    (path / "config.yaml").write_text(text.replace("seed: 0", "seed: 1", 1))
    return path


def with_a_broken_config(folder: Path) -> Path:
    path = stopped(small(folder))
    text = (path / "config.yaml").read_text()
    (path / "config.yaml").write_text(text.replace("batch_size: 32", "batch_size: -1", 1))
    return path


def with_other_data(folder: Path) -> Path:
    path = stopped(small(folder))
    facts = json.loads((path / "provenance.json").read_text())
    facts["dataset"]["sha256"] = "0" * 64
    (path / "provenance.json").write_text(json.dumps(facts))
    return path


def as_a_trial(folder: Path) -> Path:
    path = stopped(small(folder))
    facts = json.loads((path / "provenance.json").read_text())
    (path / "provenance.json").write_text(json.dumps(facts | {"parent": "../../a-study"}))
    return path


def as_a_study(folder: Path) -> Path:
    path = stopped(small(folder))
    (path / "study.json").write_text("{}")
    return path


def with_a_password(folder: Path) -> Path:
    path = stopped(small(folder))
    text = (path / "config.yaml").read_text().replace("enabled: false", "enabled: true")
    (path / "config.yaml").write_text(text.replace("uri: null", "uri: postgresql://***@127.0.0.1:9/x"))
    return path


@pytest.mark.parametrize(
    ("made", "epochs", "facts"),
    [
        (finished, None, ["has finished, with 6 epochs", "--epochs"]),
        (finished, 6, ["got 6", "has trained 6"]),
        (finished, 2**63, ["at most 9223372036854775807"]),  # more could not be read back from the journal
        (stopped, 9, ["stopped after 3 epochs", "python -m nnlab.resume"]),
        (diverged, None, ["has ended by itself", "diverged"]),
        (with_another_config, None, ["config.yaml was changed", "SHA-256"]),
        (with_a_broken_config, None, ["trainer.batch_size=-1"]),
        (with_other_data, None, ["0" * 64, "SHA-256"]),
        (as_a_trial, None, ["sweep.resume=a-study"]),
        (as_a_study, None, ["sweep.resume="]),
        (with_a_password, None, ["--tracking-uri", "MLFLOW_TRACKING_URI"]),
    ],
)
def test_a_run_that_cannot_go_on_is_refused_with_the_remedy_and_left_alone(
    made: Callable[[Any], Path], epochs: int | None, facts: list[str], tmp_path: Path
) -> None:
    path = made(small(tmp_path) if made is stopped else tmp_path)
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    with pytest.raises(UserError) as refused:
        resumption(path, epochs=epochs)
    for fact in facts:
        assert fact in str(refused.value)
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before


def test_a_run_that_is_still_recorded_is_left_alone(tmp_path: Path) -> None:
    path = stopped(small(tmp_path))
    elsewhere = RunDirectory.claim(path)
    with pytest.raises(UserError, match="still being recorded"):
        resumption(path)
    elsewhere.release()
    assert resumption(path).path == path


def test_a_run_that_another_command_has_gone_on_with_since_it_was_looked_at_is_left_alone(tmp_path: Path) -> None:
    path = stopped(small(tmp_path))
    late = resumption(path)
    resume(path)
    late_extension = resumption(path, epochs=8)
    for plan, word in ((late, "has finished"), (late_extension, "has trained 8")):
        if plan is late_extension:
            resume(path, epochs=8)
        before = (path / JOURNAL).read_bytes()
        with pytest.raises(UserError, match=word):
            plan.execute()
        assert (path / JOURNAL).read_bytes() == before
    resume(path, epochs=9)
    assert sorted(StoredRun.open(path).epochs) == [*range(1, 10)]


def test_nothing_in_a_config_is_resolved_or_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stopped(small(tmp_path))
    text = (path / "config.yaml").read_text()
    monkeypatch.setenv("SECRET", "relu")
    (path / "config.yaml").write_text(text.replace("activation: relu", "activation: ${oc.env:SECRET}"))
    with pytest.raises(ConfigError, match=r"model\.activation"):
        resumption(path)
    (path / "config.yaml").write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(UserError, match="damaged"):
        resumption(path)


def test_a_run_is_resumed_where_it_is_now(whole: Path, tmp_path: Path) -> None:
    path = stopped(small(tmp_path / "then"))
    (tmp_path / "then").rename(tmp_path / "now")
    moved = tmp_path / "now" / path.name
    assert resume(moved).directory == moved
    assert facts_of(moved) == facts_of(whole)


def test_the_checkpoint_of_another_run_is_left_alone(whole: Path, tmp_path: Path) -> None:
    path, other = stopped(small(tmp_path)), stopped(small(tmp_path, "seed=1"))
    for file in (path / "checkpoints").iterdir():
        file.unlink()
    (stranger,) = (other / "checkpoints").iterdir()
    stranger.rename(path / "checkpoints" / stranger.name)
    hearing = Hearing()
    resume(path, listeners=[hearing])
    assert stranger.name in hearing.warnings[0]
    assert facts_of(path) == facts_of(whole)
    assert Checkpoints(path).newest(0, 0, lambda checkpoint: None, lambda text: None) is None


def test_a_run_of_an_earlier_version_whose_config_lacks_keys_without_effect_goes_on(
    whole: Path, tmp_path: Path
) -> None:
    path = stopped(small(tmp_path))
    lines = (path / "config.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.lstrip().startswith(("checkpoint_seconds:", "max_gigabytes:"))]
    assert len(kept) == len(lines) - 2
    (path / "config.yaml").write_text("".join(kept), encoding="utf-8")
    resume(path)
    assert StoredRun.open(path).tags["nnlab.weights_sha256"] == StoredRun.open(whole).tags["nnlab.weights_sha256"]
