"""Everything that MLflow has not got, or has lost, from the run directories."""

# mypy: disable-error-code="arg-type"
from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType
from recording import metrics, model, record, start, start_in
from watching import run_id

from faults.mlflow_view import View, doubled, views
from nnlab.mlflow_sync.catching_up import CatchingUp, Handled
from nnlab.mlflow_sync.state import SyncState, note_destination
from nnlab.runs.directory import JOURNAL, RunDirectory
from nnlab.runs.recorder import Recorder


def caught_up(runs_dir: Path, to: str | None = None, *chosen: Path) -> dict[str, Handled]:
    """What one call of the command does, and what became of each run."""
    deliveries, damaged = CatchingUp(runs_dir, chosen or None, to, []).deliveries()
    found = list(damaged)
    for delivery in deliveries:
        assert delivery.check() is None
        found += delivery.send(patience=0.0)
    assert len({handled.run for handled in found}) == len(found), "each is handled once"
    return {handled.run.name: handled for handled in found}


def results(handled: dict[str, Handled]) -> set[str]:
    return {one.result for one in handled.values()}


def the_study(runs_dir: Path, uri: str) -> Path:
    """A study of two trials, the second of which was tested; all of it is to go to MLflow."""
    path = runs_dir / "study"
    study = start_in(RunDirectory.claim(path))
    note_destination(uri, path)
    for number in (1, 2):
        directory = RunDirectory.claim(path / "trials" / f"study-{number:04}")
        with start_in(directory, parent="../..", name=f"trial {number}") as recorder:
            recorder.epoch(1, metrics(1))
            if number == 2:
                recorder.test(1, {"test/accuracy": 0.5})
                recorder.save_model(model())
        study.trial(number, {"best/val/loss": 1 / number})
    study.close("finished")
    return path


def on_its_way(runs_dir: Path, uri: str) -> Path:
    path = record(runs_dir)
    note_destination(uri, path)
    return path


@pytest.fixture
def everything(runs_dir: Path, uri: str) -> dict[str, list[View]]:
    """A run and a study that have arrived, and what MLflow has then."""
    on_its_way(runs_dir, uri)
    the_study(runs_dir, uri)
    assert results(caught_up(runs_dir)) == {"sent"}
    found = views(uri)
    assert doubled(found) == []
    assert {name: run.parent for name, (run,) in found.items() if run.parent} == {
        "study-0001": "study",
        "study-0002": "study",
    }
    return found


def emptied(runs_dir: Path, template_store: Path) -> None:
    shutil.copy(template_store, runs_dir / "mlflow.db")


def forgotten_by_this_process(runs_dir: Path) -> None:
    """MLflow keeps a store's file open, also when it is gone."""
    MlflowClient(f"sqlite:///{runs_dir}/mlflow.db")._tracking_client.store.engine.dispose()


def removed(runs_dir: Path, template_store: Path) -> None:
    (runs_dir / "mlflow.db").unlink()
    forgotten_by_this_process(runs_dir)
    shutil.rmtree(runs_dir / "artifacts")


def without_artifacts(runs_dir: Path, template_store: Path) -> None:
    shutil.rmtree(runs_dir / "artifacts")


def with_empty_folders(runs_dir: Path, template_store: Path) -> None:
    for path in (runs_dir / "artifacts").rglob("*"):
        if path.is_file():
            path.unlink()


def without_models(runs_dir: Path, template_store: Path) -> None:
    (models,) = (runs_dir / "artifacts").glob("*/models")
    shutil.rmtree(models)


def without_the_study(runs_dir: Path, template_store: Path) -> None:
    """As `mlflow gc` deletes it for good."""
    with closing(sqlite3.connect(runs_dir / "mlflow.db")) as database, database:
        lost = str(run_id(runs_dir / "study"))
        for table in ("metrics", "latest_metrics", "params", "tags", "runs"):
            database.execute(f"DELETE FROM {table} WHERE run_uuid = ?", (lost,))
        database.execute("DELETE FROM inputs WHERE destination_id = ?", (lost,))


@pytest.mark.parametrize(
    "damage",
    [
        emptied,
        *(pytest.param(each, marks=pytest.mark.slow) for each in (removed, without_artifacts, without_the_study)),
        with_empty_folders,
        without_models,
    ],
)
def test_a_store_that_has_lost_runs_is_filled_again_and_equals_the_first(
    runs_dir: Path, uri: str, template_store: Path, everything: dict[str, list[View]], damage: Any
) -> None:
    assert caught_up(runs_dir) == {}, "nothing is lacking"
    damage(runs_dir, template_store)
    assert results(caught_up(runs_dir)) == {"sent"}
    assert views(uri) == everything
    assert caught_up(runs_dir) == {}


@pytest.mark.slow
def test_a_store_of_an_earlier_time_gets_what_came_since(
    runs_dir: Path, uri: str, everything: dict[str, list[View]]
) -> None:
    recorder = start(runs_dir)
    path = recorder.directory.path
    note_destination(uri, path)
    recorder.epoch(1, metrics(1))
    assert results(caught_up(runs_dir)) == {"up to now"}
    shutil.copy(runs_dir / "mlflow.db", runs_dir / "backup.db")
    recorder.epoch(2, metrics(2))
    recorder.close("finished")
    assert results(caught_up(runs_dir)) == {"sent"}
    whole = views(uri)
    shutil.copy(runs_dir / "backup.db", runs_dir / "mlflow.db")
    assert list(caught_up(runs_dir)) == [path.name]
    assert views(uri) == whole


@pytest.mark.slow
def test_runs_without_their_notes_are_found_in_mlflow_and_not_doubled(
    runs_dir: Path, uri: str, everything: dict[str, list[View]]
) -> None:
    for note in [*runs_dir.glob("*/mlflow.json"), *runs_dir.glob("*/trials/*/mlflow.json")]:
        config = note.with_name("config.yaml")
        text = config.read_text()
        config.write_text(text.replace("tracking:\n", f"tracking:\n  enabled: true\n  uri: {uri}\n"))
        note.unlink()
    assert results(caught_up(runs_dir)) == {"sent"}
    found = views(uri)
    assert doubled(found) == []
    assert {name: run.points for name, (run,) in found.items()} == {
        name: run.points for name, (run,) in everything.items()
    }


@pytest.mark.slow
def test_a_run_that_the_user_deleted_stays_deleted_even_if_it_is_gone_for_good(
    runs_dir: Path, uri: str, client: MlflowClient, everything: dict[str, list[View]]
) -> None:
    client.delete_run(str(run_id(runs_dir / "study" / "trials" / "study-0001")))
    assert caught_up(runs_dir) == {}
    assert sorted(views(uri)) == sorted({*everything} - {"study-0001"})
    with Recorder.reopen(runs_dir / "study" / "trials" / "study-0001", None) as recorder:
        recorder.epoch(2, metrics(2))
    assert {name: one.result for name, one in caught_up(runs_dir).items()} == {"study-0001": "deleted"}
    (runs_dir / "mlflow.db").unlink()
    assert "study-0001" not in caught_up(runs_dir)


@pytest.mark.slow
def test_a_run_that_was_restored_gets_what_came_meanwhile(
    runs_dir: Path, uri: str, client: MlflowClient, everything: dict[str, list[View]]
) -> None:
    trial = runs_dir / "study" / "trials" / "study-0001"
    client.delete_run(str(run_id(trial)))
    with Recorder.reopen(trial, None) as recorder:
        recorder.epoch(2, metrics(2))
    assert results(caught_up(runs_dir)) == {"deleted"}
    client.restore_run(str(run_id(trial)))
    assert results(caught_up(runs_dir)) == {"sent"}
    (run,) = views(uri)["study-0001"]
    assert sorted(step for name, step, *_ in run.points if name == "lr") == [1, 2]


@pytest.mark.slow
def test_copies_go_to_another_store_and_what_is_known_of_the_first_stays(
    runs_dir: Path, uri: str, tmp_path: Path, everything: dict[str, list[View]]
) -> None:
    kept_out = record(runs_dir)
    before = {note: note.read_text() for note in runs_dir.glob("**/mlflow.json")}
    other = f"sqlite:///{tmp_path}/elsewhere/other.db"
    assert results(caught_up(runs_dir, other)) == {"sent"}
    copied = views(other)
    assert copied.pop(kept_out.name)
    assert copied == everything
    assert {note: note.read_text() for note in runs_dir.glob("**/mlflow.json")} == before
    assert (tmp_path / "elsewhere" / "artifacts").is_dir()
    assert caught_up(runs_dir, other) == {}
    assert caught_up(runs_dir) == {}
    with Recorder.reopen(kept_out, None) as recorder:
        recorder.epoch(4, metrics(4))
    assert list(caught_up(runs_dir, other)) == [kept_out.name], "only what is missing"
    assert caught_up(runs_dir) == {}


def test_a_trial_alone_takes_its_study_along_and_a_study_its_trials(runs_dir: Path, uri: str, tmp_path: Path) -> None:
    study = the_study(runs_dir, uri)
    on_its_way(runs_dir, uri)
    assert list(caught_up(runs_dir, None, study / "trials" / "study-0002")) == ["study", "study-0002"]
    assert list(caught_up(runs_dir, None, study)) == ["study-0001"]
    assert len(caught_up(runs_dir)) == 1


@pytest.mark.slow
def test_a_study_that_goes_elsewhere_takes_all_its_trials_there(
    runs_dir: Path, uri: str, tmp_path: Path, template_store: Path, everything: dict[str, list[View]]
) -> None:
    shutil.copy(template_store, tmp_path / "new.db")
    new = f"sqlite:///{tmp_path}/new.db"
    note_destination(new, runs_dir / "study")
    assert list(caught_up(runs_dir)) == ["study", "study-0001", "study-0002"]
    found = views(new)
    assert doubled(found) == []
    assert {name: [run.parent for run in there] for name, there in found.items()} == {
        "study": [None],
        "study-0001": ["study"],
        "study-0002": ["study"],
    }
    assert views(uri) == everything, "the first store keeps what it has"
    state = SyncState.of(runs_dir / "study" / "trials" / "study-0001")
    assert state is not None
    assert state.is_of(new)


def test_damaged_runs_are_left_with_their_reasons_and_hold_no_other_back(runs_dir: Path, uri: str) -> None:
    paths = [on_its_way(runs_dir, uri).rename(runs_dir / f"run-{number}") for number in range(8)]
    for path in paths:
        note_destination(uri, path)
    (paths[0] / "provenance.json").write_text("[]")
    (paths[1] / JOURNAL).write_text("what?\n")
    (paths[2] / "mlflow.json").write_text("{")
    (paths[3] / "model" / "weights.safetensors").write_bytes(b"damaged")
    (paths[4] / "config.yaml").unlink()
    os.mkfifo(paths[4] / "config.yaml")
    found = caught_up(runs_dir)
    assert {name: one.result for name, one in found.items()} == {
        **{f"run-{number}": "left" for number in range(5)},
        **{f"run-{number}": "sent" for number in range(5, 8)},
    }
    assert all(str(runs_dir / name) in one.reason for name, one in found.items() if one.result == "left")
    assert caught_up(runs_dir) == {name: one for name, one in found.items() if one.result == "left"}


def test_a_dead_run_is_closed_as_killed_and_one_that_another_process_sends_is_left_to_it(
    runs_dir: Path, uri: str, client: MlflowClient
) -> None:
    recorder = start(runs_dir)
    path = recorder.directory.path
    note_destination(uri, path)
    recorder.epoch(1, metrics(1))
    recorder.directory.release()
    from nnlab.runs.files import FileLock

    with FileLock(path / "mlflow.lock"):
        assert results(caught_up(runs_dir)) == {"left"}
    assert results(caught_up(runs_dir)) == {"sent"}
    (run,) = views(uri)[path.name]
    assert (run.status, run.tags["nnlab.status"]) == ("KILLED", "killed")
    assert client.search_experiments(view_type=ViewType.DELETED_ONLY) == []


def test_a_store_whose_password_is_not_known_is_told_as_that(runs_dir: Path, uri: str) -> None:
    on_its_way(runs_dir, "postgresql://me:secret@127.0.0.1:1/runs")
    (delivery,), _ = CatchingUp(runs_dir, None, None, []).deliveries()
    (handled,) = delivery.send()
    assert "without the password" in handled.reason
    assert "--tracking-uri" in handled.reason
    (delivery,), _ = CatchingUp(runs_dir, None, None, ["postgresql://me:secret@127.0.0.1:1/runs"]).deliveries()
    assert "***" in delivery.uri
    (handled,) = delivery.send()
    assert "without the password" not in handled.reason
    assert "secret" not in handled.reason


def test_a_folder_that_was_moved_with_its_store_goes_there_and_nothing_is_doubled(
    runs_dir: Path, uri: str, tmp_path: Path
) -> None:
    path = on_its_way(runs_dir, uri)
    config = path / "config.yaml"
    config.write_text(config.read_text().replace("runs_dir: somewhere", f"runs_dir: {runs_dir}"))
    assert results(caught_up(runs_dir)) == {"sent"}
    forgotten_by_this_process(runs_dir)
    runs_dir.rename(tmp_path / "moved")
    assert results(caught_up(tmp_path / "moved")) == {"sent"}
    found = views(f"sqlite:///{tmp_path}/moved/mlflow.db")
    assert list(found) == [path.name]
    assert doubled(found) == []
    assert not (runs_dir / "mlflow.db").exists()
    assert caught_up(tmp_path / "moved") == {}


def test_what_is_no_mlflow_server_is_asked_once_whatever_the_number_of_runs(runs_dir: Path, tmp_path: Path) -> None:
    asked: list[str] = []

    class NotFound(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), NotFound) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        for _ in range(3):
            on_its_way(runs_dir, address)
        handled = caught_up(runs_dir)
        server.shutdown()
    assert results(handled) == {"left"}
    assert len({each.reason for each in handled.values()}) == 1
    assert {Path(path.partition("?")[0]).name for path in asked} == {"search"}, "whether it is there at all"
