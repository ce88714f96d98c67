"""Which run of MLflow is a directory's: whatever people do to names, copies and experiments, it is there once."""

# mypy: disable-error-code="arg-type"
from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient
from recording import metrics, record, start_in
from watching import run_id

from faults.mlflow_view import views
from nnlab.errors import UserError
from nnlab.mlflow_sync.state import AwaitsParentError
from nnlab.mlflow_sync.upload import upload
from nnlab.runs.directory import MLFLOW, RunDirectory
from nnlab.runs.journal import Journal


def named(runs_dir: Path, name: str) -> Path:
    return record(runs_dir).rename(runs_dir / name)


def go_on(path: Path) -> None:
    journal = Journal(path / "metrics.jsonl")
    journal.append("start", goes_on=True)
    journal.append("epoch", epoch=4, metrics=metrics(4))
    journal.append("end", status="finished", reason=None)
    journal.close()


@pytest.mark.parametrize("name", ["bob's run", 'bob\'s "run"', "100% `done`", "ünïcode", "a\\b", "a\nb"])
def test_a_run_of_any_name_is_found_again(runs_dir: Path, client: MlflowClient, uri: str, name: str) -> None:
    path = named(runs_dir, name)
    before = upload(path, client).run_id
    (path / MLFLOW).unlink()
    assert upload(path, client).run_id == before
    assert {name: len(runs) for name, runs in views(uri).items()} == {name: 1}


def test_a_name_that_mlflow_cannot_keep_is_refused_with_the_remedy(runs_dir: Path, client: MlflowClient) -> None:
    with pytest.raises(UserError, match=r"UTF-8.*Rename it"):
        upload(named(runs_dir, "bad\udcff"), client)


def test_a_run_is_found_again_in_an_experiment_that_was_renamed(runs_dir: Path, client: MlflowClient) -> None:
    path = record(runs_dir)
    before = upload(path, client)
    client.rename_experiment(before.experiment_id, "my great work")
    (path / MLFLOW).unlink()
    assert upload(path, client).run_id == before.run_id


def test_a_copy_that_goes_on_leaves_the_run_of_the_first_as_it_is(
    runs_dir: Path, client: MlflowClient, uri: str
) -> None:
    path = named(runs_dir, "first")
    upload(path, client)
    whole = views(uri)
    shutil.copytree(path, runs_dir / "copy")
    go_on(runs_dir / "copy")
    upload(runs_dir / "copy", client)
    found = views(uri)
    assert found.pop("copy")[0].points != whole["first"][0].points
    assert found == whole
    assert run_id(path) != run_id(runs_dir / "copy")


def test_a_renamed_directory_keeps_its_run(runs_dir: Path, client: MlflowClient) -> None:
    path = named(runs_dir, "first")
    before = upload(path, client).run_id
    path = path.rename(runs_dir / "second")
    go_on(path)
    assert upload(path, client).run_id == before


def test_the_note_of_another_run_is_not_believed(runs_dir: Path, client: MlflowClient, uri: str) -> None:
    one, other = named(runs_dir, "one"), named(runs_dir, "other")
    upload(one, client)
    whole = views(uri)
    shutil.copy(one / MLFLOW, other / MLFLOW)
    go_on(other)
    one.rename(runs_dir / "elsewhere")
    upload(other, client)
    assert views(uri)["one"] == whole["one"]
    assert len(views(uri)["other"]) == 1


def test_a_trial_without_its_study_says_what_to_do_and_arrives_alone_by_that(
    runs_dir: Path, client: MlflowClient, uri: str
) -> None:
    path = runs_dir / "study" / "trials" / "study-0001"
    with start_in(RunDirectory.claim(path), parent="../..", name="trial 1") as recorder:
        recorder.epoch(1, metrics(1))
    with pytest.raises(AwaitsParentError, match="move the trials' directories into the folder of the runs"):
        upload(path, client)
    upload(path.rename(runs_dir / path.name), client)
    assert [run.parent for run in views(uri)[path.name]] == [None]
