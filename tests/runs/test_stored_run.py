"""A run read back is what was recorded, at any moment of its life."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recording import OVERRIDES, configuration, dataset, metrics, model, record, start, start_in

from nnlab.errors import UserError
from nnlab.runs.directory import RunDirectory, end_if_dead
from nnlab.runs.journal import Journal
from nnlab.runs.recorder import Recorder
from nnlab.runs.stored_run import StoredRun


def test_a_run_reads_back_as_it_was_recorded(tmp_path: Path) -> None:
    run = StoredRun.open(record(tmp_path, epochs=2))
    assert (run.status, run.reason, run.has_ended, run.is_alive) == ("finished", None, True, False)
    assert run.epochs == {1: metrics(1), 2: metrics(2)}
    assert run.test == {"test/loss": 0.5, "test/accuracy": 0.75}
    assert run.evaluations == 1
    assert run.config == configuration()
    assert run.overrides == OVERRIDES
    assert run.provenance["dataset"]["sha256"] == dataset().sha256
    assert list(run.tags) == ["nnlab.weights_sha256"]
    assert (run.name, run.run_id, run.trials, run.kept) == (run.path.name, None, {}, {})
    rows = dataset().train.x
    np.testing.assert_array_equal(run.model().predict(rows), model().predict(rows))


def test_a_run_that_keeps_growing_is_followed_from_where_it_was_read(tmp_path: Path) -> None:
    assert StoredRun.at(tmp_path / "run") is None
    directory = RunDirectory.claim(tmp_path / "run")
    assert StoredRun.at(directory.path) is None
    recorder = start_in(directory)
    run = StoredRun.open(directory.path)
    assert (run.status, run.is_alive, run.has_ended, run.epochs) == ("running", True, False, {})
    for epoch in (1, 2):
        recorder.epoch(epoch, metrics(epoch))
    assert run.epochs == {}
    assert run.update() == {1: metrics(1), 2: metrics(2)} == run.epochs
    assert run.update() == {}
    recorder.epoch(3, metrics(3))
    recorder.kept(2, {"best/epoch": 2})
    recorder.kept(2, {"best/val/loss": 1.0})
    recorder.close("pruned", "worse than the median")
    assert list(run.update()) == [3]
    assert list(run.epochs) == [1, 2, 3]
    assert run.kept == {"best/epoch": 2.0, "best/val/loss": 1.0}
    assert (run.status, run.reason, run.has_ended, run.is_alive) == ("pruned", "worse than the median", True, False)


def test_what_a_run_said_before_it_started_again_counts_only_as_a_look_at_the_test_split(tmp_path: Path) -> None:
    path = record(tmp_path)
    run = StoredRun.open(path)
    recorder = start_in(RunDirectory.claim(path))
    recorder.epoch(1, {"lr": 0.5})
    assert run.update() == run.epochs == {1: {"lr": 0.5}}
    assert (run.status, run.test, run.tags, run.evaluations, run.tested_at) == ("running", {}, {}, 1, None)
    recorder.close("finished")


def test_a_run_that_is_resumed_keeps_what_it_said_but_for_its_end(tmp_path: Path) -> None:
    path = record(tmp_path, epochs=2)
    before = StoredRun.open(path)
    recorder = Recorder.reopen(path, None)
    run = StoredRun.open(path)
    assert (run.status, run.ended_at, run.started_at) == ("running", None, before.started_at)
    assert (run.epochs, run.test, run.tags) == (before.epochs, before.test, before.tags)
    recorder.close("interrupted", "interrupted by the user")
    run.update()
    assert (run.status, run.reason) == ("interrupted", "interrupted by the user")


def test_a_study_s_own_run_has_a_row_for_each_finished_trial(tmp_path: Path) -> None:
    recorder = start(tmp_path)
    for number in (1, 2):
        recorder.trial(number, {"best/val/loss": 1 / number})
    recorder.close("finished")
    run = StoredRun.open(recorder.directory.path)
    assert run.trials == {1: {"best/val/loss": 1.0}, 2: {"best/val/loss": 0.5}}


KINDS: dict[str, dict[str, Any]] = {
    "start": {"goes_on": False},
    "restart": {"goes_on": True},
    "epoch": {"epoch": 1, "metrics": {"a": math.inf}},
    "kept": {"epoch": 1, "metrics": {"best/epoch": 1}},
    "test": {"epoch": 1, "metrics": {"test/loss": 1.0}},
    "trial": {"number": 1, "metrics": {}},
    "note": {"tags": {"a": "b"}},
    "end": {"status": "killed", "reason": None},
}


@given(kinds=st.lists(st.sampled_from([*KINDS]), max_size=12), stops=st.sets(st.integers(0, 12)))
def test_a_run_read_in_pieces_says_what_it_says_read_whole(
    kinds: list[str], stops: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("run")
    journal = Journal(path / "metrics.jsonl")
    journal.append("start", goes_on=False)
    piecewise = StoredRun.open(path)
    for place, kind in enumerate(kinds):
        journal.append("start" if kind == "restart" else kind, **KINDS[kind])  # type: ignore[arg-type]
        if place in stops:
            piecewise.update()
    journal.close()
    piecewise.update()
    whole = StoredRun.open(path)
    assert vars(piecewise) == vars(whole)
    counting = kinds[len(kinds) - kinds[::-1].index("start") :] if "start" in kinds else kinds
    assert bool(whole.epochs) == ("epoch" in counting)
    assert whole.evaluations == kinds.count("test")
    assert whole.has_ended == (
        next((kind for kind in reversed(kinds) if "start" in kind or kind == "end"), "") == "end"
    )


def test_a_journal_of_an_older_nnlab_reads(tmp_path: Path) -> None:
    lines = [
        {"event": "start", "time": 1_700_000_000_000},
        {"event": "epoch", "time": 1_700_000_001_000, "epoch": 1, "metrics": {"train/loss": "nan"}},
        {"event": "end", "time": 1_700_000_002_000, "status": "killed", "reason": "the process ended without a word"},
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    run = StoredRun.open(tmp_path)
    assert (run.status, run.reason) == ("killed", "the process ended without a word")
    assert math.isnan(run.epochs[1]["train/loss"])
    assert (run.started_at, run.ended_at) == (1_700_000_000_000, 1_700_000_002_000)
    end_if_dead(tmp_path)
    assert run.update() == {}


@pytest.mark.parametrize("name", ["config.yaml", "overrides.yaml", "provenance.json"])
@pytest.mark.parametrize("content", ["{", "[", "3", "\x00", None])
def test_a_damaged_file_is_named_when_it_is_asked_for(name: str, content: str | None, tmp_path: Path) -> None:
    path = record(tmp_path)
    (path / name).unlink() if content is None else (path / name).write_text(content)
    run = StoredRun.open(path)
    with pytest.raises(UserError, match=rf"{name} in .*{path.name} is damaged: .* Restore it"):
        _ = (run.config, run.overrides, run.provenance)


def test_a_run_without_a_model_says_so(tmp_path: Path) -> None:
    recorder = start(tmp_path)
    recorder.close("failed", "MemoryError")
    with pytest.raises(UserError, match="status is failed"):
        StoredRun.open(recorder.directory.path).model()


def test_a_directory_without_a_run_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"/nothing holds none\. Check the path"):
        StoredRun.open(tmp_path / "nothing")
