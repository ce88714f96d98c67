# mypy: disable-error-code="arg-type"
from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from recording import metrics, record, start
from watching import break_off, files, history, runs

from nnlab.mlflow_sync.upload import upload
from nnlab.runs import journal


def test_mlflow_shows_all_that_the_contract_names(runs_dir: Path, client: MlflowClient) -> None:
    path = record(runs_dir, tags={"nnlab.study": "s", "nnlab.trial": "4"})
    state = upload(path, client)
    assert state.is_closed
    run = client.get_run(state.run_id)

    assert run.info.status == "FINISHED"
    assert run.info.run_name == path.name
    start, *_, end = journal.read(path / "metrics.jsonl")[0]
    assert (run.info.start_time, run.info.end_time) == (start["time"], end["time"])
    assert client.get_experiment(run.info.experiment_id).name == "digits of mine"
    assert run.info.artifact_uri.startswith((runs_dir / "artifacts" / "digits_of_mine").as_uri())

    assert run.data.params["optimizer.lr"] == "0.1"
    assert run.data.params["model.hidden"] == "[5]"
    assert history(client, state.run_id, "train/loss") == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert history(client, state.run_id, "lr") == [(1, 0.1), (2, 0.1), (3, 0.1)]
    assert history(client, state.run_id, "test/accuracy") == [(2, 0.75)]

    tags = run.data.tags
    assert set(tags) >= {"nnlab.git_commit", "nnlab.git_dirty", "nnlab.numpy", "nnlab.blas"}
    assert len(tags["nnlab.weights_sha256"]) == len(tags["nnlab.config_sha256"]) == 64
    assert tags["nnlab.data_sha256"] == "d5" * 32
    assert (tags["nnlab.status"], tags["nnlab.run"]) == ("finished", path.name)
    assert (tags["nnlab.study"], tags["nnlab.trial"]) == ("s", "4")

    (given,) = run.inputs.dataset_inputs  # type: ignore[union-attr]
    assert (given.dataset.name, given.dataset.digest) == ("tiny", "d5" * 18)
    assert files(client, state.run_id) >= {
        "config.yaml",
        "overrides.yaml",
        "provenance.json",
        "requirements.txt",
        "metrics.jsonl",
        "history.csv",
        "plots/curve.png",
        "model/architecture.json",
        "model/weights.safetensors",
        "model/MLmodel",
    }


def test_uploading_again_changes_nothing(runs_dir: Path, client: MlflowClient) -> None:
    path = record(runs_dir)
    first = upload(path, client)
    before = client.get_run(first.run_id).to_dictionary()
    assert upload(path, client) == first
    (path / "mlflow.json").unlink()  # as if the memory of the first time were lost
    assert upload(path, client) == first
    assert client.get_run(first.run_id).to_dictionary() == before
    assert history(client, first.run_id, "train/loss") == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert len(runs(client)) == 1
    assert len(client.search_logged_models([first.experiment_id])) == 1  # type: ignore[list-item]


def test_uploads_while_the_run_grows_give_the_same_as_one_at_the_end(runs_dir: Path, client: MlflowClient) -> None:
    with start(runs_dir) as recorder:
        state = upload(recorder.directory.path, client)
        assert client.get_run(state.run_id).info.status == "RUNNING"
        assert client.get_run(state.run_id).data.tags["nnlab.status"] == "running"
        for epoch in (1, 2):
            recorder.epoch(epoch, metrics(epoch))
            upload(recorder.directory.path, client)
            assert len(history(client, state.run_id, "lr")) == epoch
    assert upload(recorder.directory.path, client).is_closed
    assert history(client, state.run_id, "val/loss") == [(1, 2.0), (2, 1.0)]


@pytest.mark.parametrize("calls", range(1, 6))
def test_an_upload_that_breaks_off_anywhere_is_completed_with_each_step_once(
    runs_dir: Path, client: MlflowClient, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    path = record(runs_dir)
    break_off(client, monkeypatch, calls)
    with pytest.raises(ConnectionError, match="broken off"):
        upload(path, client)
    monkeypatch.undo()
    state = upload(path, client)
    assert state.is_closed
    assert len(runs(client)) == 1
    assert client.get_run(state.run_id).info.status == "FINISHED"
    assert history(client, state.run_id, "train/loss") == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert len(client.search_logged_models([state.experiment_id])) == 1  # type: ignore[list-item]


def test_metrics_go_in_few_calls_within_mlflows_limit(
    runs_dir: Path, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start(runs_dir) as recorder:
        for epoch in range(1, 801):
            recorder.epoch(epoch, metrics(epoch))
    sizes = []
    store = client._tracking_client.store
    log_batch = store.log_batch

    def counting(run_id: str, metrics: Any, params: Any, tags: Any) -> None:
        sizes.append(len(metrics) + len(params) + len(tags))
        log_batch(run_id, metrics, params, tags)

    monkeypatch.setattr(store, "log_batch", counting)
    state = upload(recorder.directory.path, client)
    assert max(sizes) == 1000
    assert len(sizes) == 3
    assert len(history(client, state.run_id, "lr")) == 800


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("finished", "FINISHED"),
        ("pruned", "FINISHED"),
        ("diverged", "FAILED"),
        ("failed", "FAILED"),
        ("interrupted", "KILLED"),
        ("killed", "KILLED"),
    ],
)
def test_a_run_is_closed_in_mlflow_as_it_ended(runs_dir: Path, client: MlflowClient, status: Any, shown: str) -> None:
    recorder = start(runs_dir)
    recorder.close(status, "the reason")
    run = client.get_run(upload(recorder.directory.path, client).run_id)
    assert (run.info.status, run.data.tags["nnlab.status"]) == (shown, status)
    assert run.data.tags["mlflow.note.content"] == "the reason"


def test_numbers_that_are_not_finite_reach_mlflow_as_far_as_it_can_keep_them(
    runs_dir: Path, client: MlflowClient
) -> None:
    with start(runs_dir) as recorder:
        recorder.epoch(1, {"a": math.nan, "b": math.inf, "c": -math.inf})
    path = recorder.directory.path
    for _ in range(2):
        state = upload(path, client)
        (path / "mlflow.json").unlink()
        values = {name: history(client, state.run_id, name) for name in "abc"}
        assert [math.isnan(value) for _, value in values["a"]] == [True]
        # MLflow's SQL store keeps the largest double for infinity.
        assert values["b"] == [(1, sys.float_info.max)]
        assert values["c"] == [(1, -sys.float_info.max)]
    assert "b,c\n1,nan,inf,-inf" in (path / "history.csv").read_text()


def test_many_and_long_params_arrive(runs_dir: Path, client: MlflowClient) -> None:
    config = {"many": {f"p{i}": i for i in range(250)}, "long": "x" * 9000, "empty": ""}
    recorder = start(runs_dir)
    recorder.directory.write("config.yaml", str(config))
    recorder.close("finished")
    state = upload(recorder.directory.path, client)
    params = client.get_run(state.run_id).data.params
    assert len(params) == 252
    assert (params["many.p249"], params["long"], params["empty"]) == ("249", "x" * 6000, "")
