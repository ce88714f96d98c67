"""Runs that MLflow knows, and that then restart (their process died) or are resumed (something is added)."""

# mypy: disable-error-code="arg-type"
from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from recording import dataset, metrics, model, record, start, start_in
from watching import break_off, files, history, runs, shown, synced

from nnlab.mlflow_sync.state import SyncState
from nnlab.mlflow_sync.upload import upload
from nnlab.runs.directory import RunDirectory, end_if_dead
from nnlab.runs.recorder import Recorder


def died_after(epochs: int, runs_dir: Path) -> Path:
    """The directory of a run whose process was killed."""
    recorder = start(runs_dir)
    for epoch in range(1, epochs + 1):
        recorder.epoch(epoch, metrics(epoch) | {"time/epoch_seconds": 9.0})
    recorder.directory.release()  # what the system does for a killed process
    return recorder.directory.path


def begun_again(path: Path, epochs: int, status: Any = "finished") -> None:
    recorder = start_in(RunDirectory.claim(path))
    for epoch in range(1, epochs + 1):
        recorder.epoch(epoch, metrics(epoch) | {"time/epoch_seconds": 1.0})
    recorder.save_model(model())
    recorder.close(status)


def the_only_run(client: MlflowClient) -> Any:
    (run,) = runs(client)
    return run


def test_a_run_that_restarts_repeats_no_step_in_mlflow(runs_dir: Path, client: MlflowClient) -> None:
    path = died_after(2, runs_dir)
    upload(path, client)
    begun_again(path, 3)
    state = upload(path, client)
    assert state.is_closed
    assert history(client, state.run_id, "train/loss") == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert history(client, state.run_id, "time/epoch_seconds") == [(1, 9.0), (2, 9.0), (3, 1.0)]
    assert (path / "history.csv").read_text().count(",1.0\n") == 3, "the file tells of the new attempt alone"
    assert the_only_run(client).info.status == "FINISHED"


@pytest.mark.parametrize("calls", range(1, 4))
@pytest.mark.parametrize("broken", ["first", "second"])
def test_an_upload_that_breaks_off_before_or_after_a_restart_is_completed_with_each_step_once(
    runs_dir: Path, client: MlflowClient, monkeypatch: pytest.MonkeyPatch, broken: str, calls: int
) -> None:
    path = died_after(2, runs_dir)
    end_if_dead(path)
    if broken == "second":
        upload(path, client)
        begun_again(path, 3)
    break_off(client, monkeypatch, calls)
    with pytest.raises(ConnectionError, match="broken off"):
        upload(path, client)
    monkeypatch.undo()
    if broken == "first":
        begun_again(path, 3)
    state = upload(path, client)
    assert state.has_all(path)
    for name in ("train/loss", "time/epoch_seconds"):
        assert [step for step, _ in history(client, state.run_id, name)] == [1, 2, 3]
    run = the_only_run(client)
    assert (run.info.status, run.data.tags["nnlab.status"]) == ("FINISHED", "finished")
    assert len(client.search_logged_models([state.experiment_id])) == 1  # type: ignore[list-item]


def test_the_same_holds_when_mlflow_first_hears_of_both_attempts_at_once(runs_dir: Path, client: MlflowClient) -> None:
    path = died_after(2, runs_dir)
    end_if_dead(path)
    begun_again(path, 1, "pruned")
    state = upload(path, client)
    assert history(client, state.run_id, "time/epoch_seconds") == [(1, 9.0), (2, 9.0)]
    assert (path / "history.csv").read_text().splitlines()[1:] == ["1,1.0,2.0,0.1,1.0"]
    assert the_only_run(client).data.tags["nnlab.status"] == "pruned"


def test_a_killed_run_that_restarts_is_shown_as_running_and_why_it_ended_is_forgotten(
    runs_dir: Path, client: MlflowClient, uri: str
) -> None:
    path = died_after(1, runs_dir)
    assert synced(uri, runs_dir, path)
    assert shown(uri, path) == ("KILLED", "killed")
    assert the_only_run(client).data.tags["mlflow.note.content"] == "the process died without closing the run"
    recorder = start_in(RunDirectory.claim(path))
    assert not upload(path, client).is_closed
    assert shown(uri, path) == ("RUNNING", "running")
    recorder.close("finished")
    upload(path, client)
    assert shown(uri, path) == ("FINISHED", "finished")
    assert the_only_run(client).data.tags["mlflow.note.content"] == ""


def test_a_finished_run_continues_with_its_test_numbers_and_pictures(
    runs_dir: Path, client: MlflowClient, uri: str
) -> None:
    with start(runs_dir) as recorder:
        recorder.epoch(1, metrics(1))
        recorder.save_model(model())
    path = recorder.directory.path
    first = upload(path, client)
    assert shown(uri, path) == ("FINISHED", "finished")
    assert first.has_all(path)

    recorder = Recorder.reopen(path, None)
    assert not first.has_all(path)
    assert not upload(path, client).is_closed
    assert shown(uri, path) == ("RUNNING", "running")
    recorder.test(1, {"test/accuracy": 0.5})
    recorder.tag({"nnlab.winner": "true"})
    (path / "plots").mkdir()
    (path / "plots" / "mistakes.png").write_bytes(b"a picture")
    recorder.close("finished")
    assert upload(path, client).has_all(path)
    assert shown(uri, path) == ("FINISHED", "finished")
    run = the_only_run(client)
    assert run.info.run_id == first.run_id
    assert run.data.tags["nnlab.winner"] == "true"
    assert history(client, first.run_id, "test/accuracy") == [(1, 0.5)]
    assert history(client, first.run_id, "lr") == [(1, 0.1)]
    assert "plots/mistakes.png" in files(client, first.run_id)
    assert "1,1.0,2.0,0.1" in (path / "history.csv").read_text(), "what it recorded before still counts"
    assert len(client.search_logged_models([first.experiment_id])) == 1, "the model is the same"  # type: ignore[list-item]


def test_a_worker_brings_what_was_added_to_a_run_that_had_arrived(
    runs_dir: Path, client: MlflowClient, uri: str
) -> None:
    path = record(runs_dir)
    assert synced(uri, runs_dir, path)
    recorder = Recorder.reopen(path, None)
    recorder.epoch(4, metrics(4))
    recorder.directory.release()
    assert synced(uri, runs_dir), "nobody asks for it: it is found beside the others"
    assert shown(uri, path) == ("KILLED", "killed")
    state = SyncState.of(path)
    assert state is not None
    assert [step for step, _ in history(client, str(state.run_id), "lr")] == [1, 2, 3, 4]


def test_other_weights_replace_the_logged_model(runs_dir: Path, client: MlflowClient, uri: str) -> None:
    path = record(runs_dir)
    upload(path, client)
    recorder = start_in(RunDirectory.claim(path))
    digest = recorder.save_model(model(seed=12))
    recorder.close("pruned")
    state = upload(path, client)
    (logged,) = client.search_logged_models([state.experiment_id])  # type: ignore[list-item]
    assert logged.tags["nnlab.weights_sha256"] == digest == the_only_run(client).data.tags["nnlab.weights_sha256"]
    mlflow.set_tracking_uri(uri)
    rows = dataset().test
    predicted = mlflow.pyfunc.load_model(f"runs:/{state.run_id}/model").predict(rows.x[rows.index])
    np.testing.assert_array_equal(predicted, model(seed=12).network.predict(rows.inputs()))


def test_a_run_that_was_deleted_in_mlflow_stays_deleted_when_it_continues(runs_dir: Path, client: MlflowClient) -> None:
    path = record(runs_dir)
    state = upload(path, client)
    client.delete_run(state.run_id)
    with Recorder.reopen(path, None) as recorder:
        recorder.epoch(4, metrics(4))
    assert upload(path, client).has_all(path)
    assert client.get_run(state.run_id).info.lifecycle_stage == "deleted"


def test_a_new_run_in_a_folder_of_the_same_name_is_another_run_in_mlflow(runs_dir: Path, client: MlflowClient) -> None:
    path = runs_dir / "a-study"
    start_in(RunDirectory.claim(path)).close("finished")
    first = upload(path, client)
    shutil.rmtree(path)
    start_in(RunDirectory.claim(path)).close("finished")
    assert upload(path, client).run_id != first.run_id
    assert [run.info.run_name for run in runs(client)] == ["a-study", "a-study"]


def test_what_runs_are_compared_by_is_there_once_and_the_last_word_counts(runs_dir: Path, client: MlflowClient) -> None:
    path = died_after(2, runs_dir)
    for value, seconds in [(0.25, 3.0), (0.25, 4.0)]:
        with start_in(RunDirectory.claim(path)) as recorder:
            recorder.kept(2, {"best/val/loss": value, "objective": seconds})
        state = upload(path, client)
    assert history(client, state.run_id, "best/val/loss") == [(2, 0.25)]
    assert history(client, state.run_id, "objective") == [(2, 3.0), (2, 4.0)]
    assert the_only_run(client).data.metrics["objective"] == 4.0
    assert upload(path, client) == state
    assert history(client, state.run_id, "objective") == [(2, 3.0), (2, 4.0)]


def test_what_comes_back_to_an_earlier_value_does_so_in_mlflow_too(runs_dir: Path, client: MlflowClient) -> None:
    path = died_after(2, runs_dir)
    for value in (3.0, 4.0, 3.0):
        with start_in(RunDirectory.claim(path)) as recorder:
            recorder.kept(2, {"objective": value})
        state = upload(path, client)
    assert the_only_run(client).data.metrics["objective"] == 3.0
    assert upload(path, client) == state
    assert history(client, state.run_id, "objective") == [(2, 3.0), (2, 4.0), (2, 3.0)]


def test_the_name_says_pruned_as_long_as_that_is_true(runs_dir: Path, client: MlflowClient) -> None:
    path, names = runs_dir / "trial", []
    for status in ("pruned", None, "finished", "pruned"):
        recorder = start_in(RunDirectory.claim(path), name="trial 3")
        if status:
            recorder.close(status)
        upload(path, client)
        recorder.directory.release()
        names.append(the_only_run(client).info.run_name)
    assert names == ["trial 3 (pruned)", "trial 3", "trial 3", "trial 3 (pruned)"]


def test_a_name_of_the_users_own_stays(runs_dir: Path, client: MlflowClient) -> None:
    recorder = start(runs_dir, name="trial 3")
    state = upload(recorder.directory.path, client)
    client.update_run(state.run_id, name="the odd one")
    recorder.close("pruned")
    upload(recorder.directory.path, client)
    assert the_only_run(client).info.run_name == "the odd one"
