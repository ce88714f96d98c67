"""Studies and their trials: the same run directories, one below the other, in MLflow too."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient
from recording import metrics, model, start, start_in
from watching import at_work, files, history, run_id, shown, synced, wait_for

from nnlab.mlflow_sync.schedule import Attempts, Schedule
from nnlab.mlflow_sync.state import AwaitsParentError, SyncState
from nnlab.mlflow_sync.upload import upload
from nnlab.mlflow_sync.worker import Worker
from nnlab.runs.directory import RunDirectory
from nnlab.runs.recorder import Recorder


def study(runs_dir: Path) -> Recorder:
    return start_in(RunDirectory.claim(runs_dir / "digits"))


def trial(parent: Path, number: int = 1) -> Path:
    """The directory of a finished trial."""
    directory = RunDirectory.claim(parent / "trials" / f"{parent.name}-{number:04}")
    with start_in(directory, parent=str(parent), tags={"nnlab.trial": str(number)}) as recorder:
        recorder.epoch(1, metrics(1))
    return directory.path


def test_a_studys_numbers_are_over_its_finished_trials(runs_dir: Path, client: MlflowClient) -> None:
    recorder = study(runs_dir)
    recorder.trial(1, {"best/val/loss": 0.9})
    recorder.trial(2, {"best/val/loss": 0.4})
    path = recorder.directory.path
    for name in ("study.json", "trials.csv"):
        (path / name).write_text("{}")
    (path / "plots").mkdir()
    (path / "plots" / "history.html").write_text("<html>")
    recorder.close("interrupted")
    resumed = Recorder.reopen(path, None)
    resumed.trial(2, {"best/val/loss": 0.4})
    resumed.trial(3, {"best/val/loss": 0.2})
    resumed.close("finished")
    state = upload(path, client)
    assert history(client, state.run_id, "best/val/loss") == [(1, 0.9), (2, 0.4), (3, 0.2)]  # type: ignore[arg-type]
    assert files(client, state.run_id) >= {"study.json", "trials.csv", "plots/history.html", "config.yaml"}  # type: ignore[arg-type]
    assert (path / "history.csv").read_text() == "trial,best/val/loss\n1,0.9\n2,0.4\n3,0.2\n"


@pytest.mark.parametrize("absolute", [True, False])
def test_a_trial_is_shown_below_its_study(runs_dir: Path, client: MlflowClient, absolute: bool) -> None:
    parent = upload(study(runs_dir).directory.path, client)
    directory = RunDirectory.claim(runs_dir / "digits" / "trials" / "digits-0001")
    start_in(directory, parent=str(runs_dir / "digits") if absolute else "../..").close("pruned")
    child = upload(directory.path, client)
    found = client.search_runs([child.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.run_id}'")  # type: ignore[list-item]
    assert [run.info.run_name for run in found] == ["digits-0001 (pruned)"]


def test_a_trials_files_are_kept_beside_its_studys_even_in_an_experiment_of_its_own(
    runs_dir: Path, client: MlflowClient
) -> None:
    recorder = study(runs_dir)
    upload(recorder.directory.path, client)
    path = trial(recorder.directory.path)
    (path / "config.yaml").write_text("tracking: {experiment: other}")
    run = client.get_run(upload(path, client).run_id)  # type: ignore[arg-type]
    assert run.info.artifact_uri.startswith((runs_dir / "artifacts" / "other").as_uri())


def test_a_trial_waits_for_its_study(runs_dir: Path, client: MlflowClient, uri: str) -> None:
    recorder = study(runs_dir)
    path = trial(recorder.directory.path)
    with pytest.raises(AwaitsParentError, match="the study digits before its trials"):
        upload(path, client)
    assert client.search_experiments(filter_string="name = 'digits of mine'") == []
    recorder.close("finished")
    assert synced(uri, runs_dir, path, recorder.directory.path), "in whatever order they arrive"
    assert client.get_run(str(run_id(path))).data.tags["mlflow.parentRunId"] == run_id(recorder.directory.path)


def test_a_trial_whose_study_does_not_come_is_given_up(
    runs_dir: Path, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = study(runs_dir)
    recorder.close("finished")
    path = trial(recorder.directory.path)
    SyncState(tracking_uri=uri).save(path)
    assert not synced(uri, runs_dir, path)
    state = SyncState.of(path)
    assert state is not None
    assert "the study digits before its trials" in str(state.problem)
    assert "digits-0001" in capsys.readouterr().err


def test_a_study_and_trials_that_were_left_behind_are_brought_by_the_next_worker(runs_dir: Path, uri: str) -> None:
    recorder = study(runs_dir)
    recorder.directory.release()
    paths = [recorder.directory.path, trial(recorder.directory.path, 1), trial(recorder.directory.path, 2)]
    for path in paths:
        SyncState(tracking_uri=uri).save(path)
    assert synced(uri, runs_dir)
    assert [shown(uri, path)[1] for path in paths] == ["killed", "finished", "finished"]


def test_a_directory_in_which_no_run_starts_is_waited_for_as_long_as_one_may(runs_dir: Path, uri: str) -> None:
    never, late = (runs_dir / name for name in ("never", "late"))
    with at_work(uri, runs_dir, never, late) as (arrivals, arrived):
        wait_for(arrivals.empty)
        start_in(RunDirectory.claim(late)).close("finished")
        wait_for(lambda: getattr(SyncState.of(late), "is_closed", False))
        arrivals.put(None)
        assert arrived.result()
    assert not never.exists()


def test_a_run_that_continues_is_left_alone_for_a_while_and_brought_at_once_when_it_ends(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = start(runs_dir)
    path = recorder.directory.path
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    assert not Schedule(rest_until=101.0).is_due(path)
    assert Schedule(rest_until=100.0).is_due(path)
    recorder.close("finished")
    assert Schedule(rest_until=101.0).is_due(path)
    assert not Schedule(Attempts(retry_at=101.0)).is_due(path), "MLflow is away: that it has ended changes nothing"


def test_uploading_a_run_that_continues_takes_a_fortieth_of_the_time_however_many_there_are(
    runs_dir: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = start(runs_dir)
    worker, schedule = Worker(uri, runs_dir), Schedule()
    clock = iter([10.0, 10.0625])  # the processor is busy for a sixteenth of a second
    monkeypatch.setattr("time.process_time", lambda: next(clock))
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    assert not worker._upload(recorder.directory.path, schedule, runs=3)
    assert schedule.rest_until == 100.0 + 40 * 3 / 16
    recorder.close("finished")


def test_of_a_studys_models_the_winners_alone_is_among_mlflows_models(runs_dir: Path, client: MlflowClient) -> None:
    parent = study(runs_dir)
    state = upload(parent.directory.path, client)
    paths = []
    for number in (1, 2):
        directory = RunDirectory.claim(runs_dir / "digits" / "trials" / f"digits-{number:04}")
        with start_in(directory, parent=str(runs_dir / "digits")) as recorder:
            recorder.epoch(1, metrics(1))
            recorder.save_model(model())
        upload(directory.path, client)
        paths.append(directory.path)
    assert "model/weights.safetensors" in files(client, str(run_id(paths[0])))
    assert client.search_logged_models([state.experiment_id]) == []  # type: ignore[list-item]
    with Recorder.reopen(paths[1], None) as winner:  # as `test_member` does
        winner.test(1, {"test/loss": 0.1, "test/accuracy": 0.9})
    upload(paths[1], client)
    (logged,) = client.search_logged_models([state.experiment_id])  # type: ignore[list-item]
    assert logged.source_run_id == run_id(paths[1])
