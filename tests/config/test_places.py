"""Folders that cannot be written, and names that MLflow refuses: reported with all other problems, before any work."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import _validate_experiment_name

from nnlab.check import problem_with
from nnlab.config.jobs import compose_jobs
from nnlab.config.places import why_not_writable
from nnlab.config.problems import ConfigError
from nnlab.config.quoting import as_override
from nnlab.config.tracking import ExperimentName
from nnlab.tuning.planning import make_plan

SMALL = ["data=toy", "model=toy"]


def problems(*arguments: str) -> list[str]:
    with pytest.raises(ConfigError, match="nothing was started") as caught:
        compose_jobs([*SMALL, *arguments], multirun=False)
    return [problem.key for problem in caught.value.problems]


def test_a_folder_that_can_be_made_is_writable_and_is_left_unmade(tmp_path: Path) -> None:
    assert why_not_writable(tmp_path / "a" / "b") == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file/runs", "file", "x" * 300, "a\0b"], ids=["below", "file", "long", "null"])
def test_a_folder_that_cannot_be_made_is_reported(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert why_not_writable(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_unwritable_folders_are_told_together_with_other_mistakes(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    runs = as_override("runs_dir", str(tmp_path / "file" / "runs"))
    store = as_override("tracking.uri", f"sqlite:///{tmp_path}/file/mlflow.db")
    assert problems("seed=-1", runs, store) == ["seed", "runs_dir", "tracking.uri"]
    assert problems(runs, "tracking.enabled=false") == ["runs_dir"]
    assert problems(runs) == ["runs_dir"]  # the store would stand there too
    with pytest.raises(ConfigError, match="has 2 problems") as caught:
        make_plan(["data=digits", runs, "trainer.epochs=0"])
    assert [problem.key for problem in caught.value.problems] == ["trainer.epochs", "runs_dir"]


def test_a_folder_of_downloads_that_cannot_be_made_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NNLAB_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="NNLAB_DATA_DIR") as caught:
        compose_jobs(["data=mnist", "seed=-1", f"runs_dir={tmp_path}"], multirun=False)
    assert [problem.key for problem in caught.value.problems] == ["seed", "data"]


@pytest.mark.parametrize("name", ["nnlab", "a b/c", "x" * 500, "x" * 501, "", "Größe", "1", "two\nlines", "%", "'"])
def test_a_name_is_refused_where_mlflow_refuses_it(name: str) -> None:
    try:
        _validate_experiment_name(name)  # type: ignore[no-untyped-call]
    except MlflowException:
        assert problem_with(ExperimentName, name) is not None
    else:
        assert problem_with(ExperimentName, name) is None


@pytest.mark.parametrize("name", [" ", "\0", "\udcff"], ids=repr)
def test_a_name_that_no_store_can_keep_is_refused(name: str) -> None:
    assert problem_with(ExperimentName, name) is not None


def test_a_name_too_long_for_a_database_is_refused_where_one_is_behind_the_address() -> None:
    server = "tracking.uri=http://127.0.0.1:1"
    assert problems(server, f"tracking.experiment={'x' * 257}") == ["tracking.experiment"]
    compose_jobs([*SMALL, server, f"tracking.experiment={'x' * 256}"], multirun=False)


def test_an_experiment_that_was_deleted_is_refused(tmp_path: Path) -> None:
    """The columns are those of MLflow's table `experiments`."""
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as store, store:
        store.execute("CREATE TABLE experiments (name TEXT, lifecycle_stage TEXT)")
        store.execute("INSERT INTO experiments VALUES ('gone', 'deleted'), ('there', 'active')")
    runs = as_override("runs_dir", str(tmp_path))
    assert problems(runs, "tracking.experiment=gone") == ["tracking.experiment"]
    for name in ("there", "new"):
        compose_jobs([*SMALL, runs, f"tracking.experiment={name}"], multirun=False)


def test_an_empty_variable_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("NNLAB_RUNS_DIR", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "")
    (job,) = compose_jobs(SMALL, multirun=False)
    assert job.config.runs_dir == str(tmp_path / "runs")
    assert job.config.tracking.uri == f"sqlite:///{tmp_path}/runs/mlflow.db"
    assert make_plan(["data=digits"]).fixed.runs_dir == str(tmp_path / "runs")
