# mypy: disable-error-code="arg-type"
from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from recording import metrics, record, start
from watching import files, history

from nnlab.errors import UserError
from nnlab.mlflow_sync.state import SyncState
from nnlab.mlflow_sync.upload import upload
from nnlab.runs.files import FileLock
from nnlab.runs.opening import UnsafeFileError
from nnlab.runs.recorder import Recorder


def test_a_run_that_the_user_deleted_in_mlflow_is_left_alone(runs_dir: Path, client: MlflowClient) -> None:
    recorder = start(runs_dir)
    state = upload(recorder.directory.path, client)
    client.delete_run(state.run_id)
    recorder.close("finished")
    state = upload(recorder.directory.path, client)
    assert state.is_closed
    assert state.problem == "the run was deleted in MLflow"
    assert client.get_run(state.run_id).info.lifecycle_stage == "deleted"


def test_a_store_that_was_lost_gets_all_of_a_run_again(
    runs_dir: Path, template_store: Path, client: MlflowClient
) -> None:
    recorder = start(runs_dir)
    recorder.epoch(1, metrics(1))
    upload(recorder.directory.path, client)
    recorder.epoch(2, metrics(2))
    shutil.copy(template_store, runs_dir / "other.db")
    other = MlflowClient(f"sqlite:///{runs_dir}/other.db")
    state = upload(recorder.directory.path, other)
    assert history(other, state.run_id, "lr") == [(1, 0.1), (2, 0.1)]
    recorder.close("finished")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("provenance.json", "{"),
        ("provenance.json", "[]"),
        ("provenance.json", '{"user": "me"}'),
        ("config.yaml", "a: ["),
        ("config.yaml", "just a text"),
        ("metrics.jsonl", '{"event": "epoch", "time": 1, "metrics": {"a": 1}}\n'),
        ("metrics.jsonl", '{"event": "start", "time": []}\n'),
    ],
)
def test_a_damaged_description_is_named(runs_dir: Path, client: MlflowClient, name: str, damage: str) -> None:
    path = record(runs_dir)
    (path / name).write_text(damage)
    with pytest.raises(UserError, match=rf"must be as nnlab wrote them, but {name} in .* Restore it"):
        upload(path, client)
    assert client.search_experiments(filter_string="name = 'digits of mine'") == [], "nothing was sent"


def test_a_deleted_experiment_is_named(runs_dir: Path, client: MlflowClient) -> None:
    client.delete_experiment(client.create_experiment("digits of mine"))
    with pytest.raises(UserError, match=r"'digits of mine' is\. Restore it .*tracking\.experiment"):
        upload(record(runs_dir), client)


def test_a_file_that_does_not_arrive_does_not_leave_the_run_open(
    runs_dir: Path, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = record(runs_dir)

    def refuse(*arguments: Any) -> None:
        raise MlflowException("no space for artifacts")

    monkeypatch.setattr(client, "log_artifacts", refuse)
    with pytest.raises(MlflowException, match="no space for artifacts"):
        upload(path, client)
    state = SyncState.of(path)
    assert state is not None
    assert not state.is_closed
    assert client.get_run(state.run_id).info.status == "FINISHED"
    monkeypatch.undo()
    assert upload(path, client).is_closed
    assert "plots/curve.png" in files(client, str(state.run_id))


def test_two_processes_never_upload_a_run_at_once(runs_dir: Path, client: MlflowClient) -> None:
    path = record(runs_dir)
    with FileLock(path / "mlflow.lock"), pytest.raises(BlockingIOError, match="temporarily unavailable"):
        upload(path, client)
    assert upload(path, client).is_closed


def test_a_password_in_the_uri_is_not_kept(runs_dir: Path, client: MlflowClient, uri: str) -> None:
    class Renamed(MlflowClient):
        @property
        def tracking_uri(self) -> str:
            return "postgresql://me:s3cret@db/runs"

    recorder: Recorder = start(runs_dir)
    upload(recorder.directory.path, Renamed(uri))
    recorder.close("finished")
    assert "s3cret" not in (recorder.directory.path / "mlflow.json").read_text()


def test_a_dataset_that_another_process_makes_at_the_same_moment_is_asked_for_again(
    runs_dir: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_inputs, calls = MlflowClient.log_inputs, 0

    def collides_once(self: MlflowClient, *args: Any, **kwargs: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise MlflowException("(sqlite3.IntegrityError) UNIQUE constraint failed: datasets.experiment_id")
        log_inputs(self, *args, **kwargs)

    monkeypatch.setattr(MlflowClient, "log_inputs", collides_once)
    state = upload(record(runs_dir), MlflowClient(uri))
    assert calls == 2
    inputs = MlflowClient(uri).get_run(state.run_id).inputs
    assert inputs is not None
    assert len(inputs.dataset_inputs) == 1


@pytest.mark.parametrize("name", ["requirements.txt", "plots/huge.png", "model/weights.safetensors"])
def test_a_file_that_would_fill_memory_and_disk_is_not_sent(runs_dir: Path, client: MlflowClient, name: str) -> None:
    run = record(runs_dir)
    (run / name).parent.mkdir(exist_ok=True)
    (run / name).touch()
    os.truncate(run / name, 2**40)
    with pytest.raises(UserError, match=rf"{Path(name).name} in {run}.* is damaged: it has more than [\d,]+ bytes"):
        upload(run, client)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as two users")
@pytest.mark.parametrize("name", ["artifacts", "artifacts/digits_of_mine"])
def test_files_are_not_sent_behind_the_link_of_another_user(runs_dir: Path, client: MlflowClient, name: str) -> None:
    """In a shared runs folder it would have MLflow write into a private folder of the one whose run it is."""
    private = runs_dir.parent / "private"
    private.mkdir()
    (runs_dir / name).parent.mkdir(exist_ok=True)
    (runs_dir / name).symlink_to(private)
    os.lchown(runs_dir / name, 1234, 1234)
    run = record(runs_dir)
    with pytest.raises(UnsafeFileError, match="a symbolic link of another user"):
        upload(run, client)
    assert list(private.iterdir()) == []
    os.lchown(runs_dir / name, 0, 0)  # one's own is as good as a folder
    assert upload(run, client).is_closed
