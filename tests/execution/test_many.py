"""Many runs from Python: real worker processes, a real store, read back from the run directories."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from nnlab.batch import compose, run_all, run_each
from nnlab.config.job import Job
from nnlab.config.problems import ConfigError
from nnlab.errors import RunFailedError, UserError
from nnlab.execution.run import run
from nnlab.mlflow_sync import process
from nnlab.results import histories, results
from nnlab.runs.directory import RunDirectory

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")

SMALL = ("data=digits", "model.hidden=[8]", "trainer.epochs=2", "tracking.plots=false")


def jobs(folder: Path, *overrides: str, count: int = 3) -> list[Job]:
    return [compose(*SMALL, f"runs_dir='{folder / 'runs'}'", *overrides, f"seed={seed}") for seed in range(count)]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, template_store: Path) -> tuple[list[Job], list[Path]]:
    folder = tmp_path_factory.mktemp("three runs")
    (folder / "runs").mkdir()
    shutil.copy(template_store, folder / "runs" / "mlflow.db")
    asked = jobs(folder, "tracking.experiment=three")
    with pytest.MonkeyPatch.context() as patch:  # a busy machine takes longer than MLflow is given for its first answer
        patch.setattr(process, "SECONDS_FOR_A_FIRST_ANSWER", 120.0)
        return asked, run_all(asked, workers=2)


def test_a_run_among_several_is_the_run_alone(three: tuple[list[Job], list[Path]], tmp_path: Path) -> None:
    asked, directories = three
    alone = run(asked[2])
    shutil.rmtree(alone.directory)
    row = results(directories).iloc[2]
    assert row["weights_sha256"] == alone.weights_sha256
    assert row["seed"] == 2
    assert row["status"] == "finished"
    assert row["epoch"] == alone.epoch
    assert {name: row[name] for name in alone.scores} == alone.scores


def test_the_table_has_the_config_and_the_epochs_of_each_run(three: tuple[list[Job], list[Path]]) -> None:
    _, directories = three
    table, epochs = results(directories), histories(directories)
    assert list(table["seed"]) == [0, 1, 2]
    assert set(table["model.hidden"]) == {(8,)}
    assert list(epochs["epoch"]) == [1, 2] * 3
    by_run = epochs.groupby("directory")["time/epoch_seconds"].sum()
    np.testing.assert_allclose(table["seconds"], [by_run[path] for path in directories])  # type: ignore[call-overload]
    best = epochs.loc[epochs.groupby("directory")["val/loss"].idxmin()].set_index("directory")
    assert [best["val/loss"][path] for path in directories] == list(table["val/loss"]), "restore_best is the default"  # type: ignore[call-overload]


def test_mlflow_has_got_every_run_with_the_command_that_repeats_it(three: tuple[list[Job], list[Path]]) -> None:
    from mlflow import MlflowClient

    asked, directories = three
    client = MlflowClient(asked[0].config.tracking.uri)
    experiment = client.get_experiment_by_name("three")
    assert experiment is not None
    found = {run.data.tags["nnlab.run"]: run for run in client.search_runs([experiment.experiment_id])}
    assert set(found) == {path.name for path in directories}
    for seed, path in enumerate(directories):
        run = found[path.name]
        assert run.info.status == "FINISHED"
        assert run.data.params["seed"] == str(seed)
        assert run.data.tags["nnlab.command"].endswith(f" seed={seed}")


def test_a_run_whose_process_is_killed_is_retried(tmp_path: Path) -> None:
    asked = jobs(tmp_path, "tracking.enabled=false", "trainer.epochs=40", count=1)
    killed = threading.Event()

    def kill_the_first() -> None:
        runs = tmp_path / "runs"
        while not (found := list(runs.glob("*/metrics.jsonl")) if runs.exists() else []):
            time.sleep(0.01)
        while not RunDirectory.is_alive(found[0].parent):
            time.sleep(0.01)
        for pid in children():
            os.kill(pid, signal.SIGKILL)
        killed.set()

    thread = threading.Thread(target=kill_the_first)
    thread.start()
    (directory,) = run_all(asked, workers=1)
    thread.join()
    assert killed.is_set()
    assert results([directory])["status"].to_list() == ["finished"]
    assert len(histories([directory])) == 40


def test_a_killed_run_that_nobody_tracks_is_closed_by_the_next_and_keeps_what_it_measured(tmp_path: Path) -> None:
    asked = jobs(tmp_path, "tracking.enabled=false", "trainer.epochs=40", count=1)
    whole = run_all(asked)[0]
    directory = RunDirectory.create(tmp_path / "runs", "killed")
    directory.release()  # what the system does for a killed process
    killed = directory.path
    for name in ("config.yaml", "provenance.json"):
        shutil.copy(whole / name, killed / name)
    lines = (whole / "metrics.jsonl").read_text().splitlines(keepends=True)
    (killed / "metrics.jsonl").write_text("".join(lines[:12]) + '{"event": "epo')
    run_all(jobs(tmp_path, "tracking.enabled=false", count=1))
    (row,) = results([killed]).to_dict("records")
    assert row["status"] == "killed"
    measured = histories([killed]).set_index("epoch")
    assert list(measured.index) == list(range(1, 12))
    assert row["epoch"] == measured["val/loss"].idxmin()
    assert row["val/accuracy"] == measured["val/accuracy"][row["epoch"]]
    assert np.isclose(row["seconds"], measured["time/epoch_seconds"].sum())


def test_a_run_that_raises_is_named_and_the_others_stay(tmp_path: Path) -> None:
    asked = jobs(tmp_path, "tracking.enabled=false", count=2)
    done = run_each(asked, workers=1)
    _, first = next(done)
    shutil.move(tmp_path / "runs", tmp_path / "kept")
    (tmp_path / "runs").write_text("in the way", encoding="ascii")
    with pytest.raises(RunFailedError, match="seed=1"):
        list(done)
    assert results([tmp_path / "kept" / first.name])["status"].to_list() == ["finished"]


def test_what_is_wrong_with_a_job_is_reported_before_it_runs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"optimizer\.lr"):
        compose(*SMALL, "optimizer.lr=-1")


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds none"):
        results([tmp_path])


def children() -> list[int]:
    import multiprocessing

    return [child.pid for child in multiprocessing.active_children() if child.pid is not None]
