"""Which runs MLflow has not got, from their directories alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from recording import configuration, metrics, start, start_in

from nnlab.mlflow_sync.backlog import destination, unsynced
from nnlab.mlflow_sync.state import SyncState, note_destination
from nnlab.runs.directory import JOURNAL, RunDirectory

HERE, THERE = "http://127.0.0.1:1", "http://127.0.0.1:2"


def left(path: Path, uri: str | None = HERE) -> Path:
    """A finished run at `path` that nobody has brought to MLflow."""
    with start_in(RunDirectory.claim(path)) as recorder:
        recorder.epoch(1, metrics(1))
    note_destination(uri, path)
    return path


def arrived(path: Path, uri: str = HERE) -> Path:
    left(path, uri)
    SyncState(uri, "1", "a" * 32, True, True, (path / JOURNAL).stat().st_size, is_closed=True).save(path)
    return path


def names(folder: Path, uri: str | None = None) -> list[str]:
    return [found.run.name for found in unsynced(folder, uri)]


def configured(path: Path, **tracking: object) -> None:
    content = json.dumps(configuration() | {"tracking": tracking})
    (path / "config.yaml").write_text(content)


def test_runs_that_have_not_arrived_are_found_studies_before_trials(tmp_path: Path) -> None:
    arrived(tmp_path / "a")
    left(tmp_path / "z-study")
    left(tmp_path / "z-study" / "trials" / "t-2")
    arrived(tmp_path / "z-study" / "trials" / "t-1")
    left(tmp_path / "b")
    assert names(tmp_path) == ["b", "z-study", "t-2"]
    assert {found.uri for found in unsynced(tmp_path)} == {HERE}


def test_only_those_of_one_store_are_found_if_asked_and_passwords_do_not_matter(tmp_path: Path) -> None:
    left(tmp_path / "here")
    left(tmp_path / "there", THERE)
    left(tmp_path / "secret", "postgresql://me:pw@db/runs")
    assert names(tmp_path, HERE) == ["here"]
    assert names(tmp_path, "postgresql://me:pw@db/runs") == ["secret"]
    assert names(tmp_path) == ["here", "secret", "there"]


def test_a_run_that_arrived_and_continued_is_found(tmp_path: Path) -> None:
    path = arrived(tmp_path / "a")
    start_in(RunDirectory.claim(path)).close("finished")
    assert names(tmp_path) == ["a"]


def test_a_run_that_is_still_recorded_is_found_as_alive(tmp_path: Path) -> None:
    recorder = start(tmp_path)
    note_destination(HERE, recorder.directory.path)
    left(tmp_path / "dead")
    assert {found.run.name: found.is_alive for found in unsynced(tmp_path)} == {
        recorder.directory.name: True,
        "dead": False,
    }
    recorder.close("finished")


@pytest.mark.parametrize(
    ("tracking", "goes_to"),
    [
        ({"enabled": True, "uri": HERE}, HERE),
        ({"enabled": True, "uri": "http://me:pw@127.0.0.1:1"}, "http://***@127.0.0.1:1"),
        ({"enabled": False, "uri": HERE}, None),
        ({"enabled": True, "uri": None}, None),
        ({"experiment": "of an earlier version"}, None),
    ],
)
def test_a_run_without_a_note_goes_where_its_config_says(
    tmp_path: Path, tracking: dict[str, object], goes_to: str | None
) -> None:
    path = left(tmp_path / "a", None)
    configured(path, **tracking)
    assert not (path / "mlflow.json").exists()
    assert destination(path) == goes_to
    assert names(tmp_path) == (["a"] if goes_to else [])


def test_a_config_as_nnlab_writes_it_is_understood(tmp_path: Path) -> None:
    path = left(tmp_path / "a", None)
    text = (path / "config.yaml").read_text()
    assert "tracking:\n  experiment: digits of mine\n" in text
    (path / "config.yaml").write_text(text.replace("tracking:\n", f"tracking:\n  enabled: true\n  uri: {HERE}\n"))
    assert destination(path) == HERE


def test_the_trials_of_a_study_go_where_it_goes_now(tmp_path: Path) -> None:
    study = left(tmp_path / "study")
    trial = arrived(study / "trials" / "t-1")
    assert names(tmp_path) == ["study"]
    note_destination(THERE, study)
    assert destination(trial) == THERE
    assert names(tmp_path, THERE) == ["study", "t-1"]
    note_destination(HERE, study)
    assert names(tmp_path) == ["study"], "what the first store has is remembered"


def test_damaged_runs_are_named_and_hold_nobody_back(tmp_path: Path) -> None:
    for number in range(11):
        left(tmp_path / f"run-{number:02}", None if number == 3 else HERE)
    (tmp_path / "run-01" / "mlflow.json").write_text("{")
    (tmp_path / "run-02" / "mlflow.json").write_bytes(b"\xff\xfe")
    (tmp_path / "run-03" / "config.yaml").write_text("tracking: [")
    (tmp_path / "run-04" / "mlflow.json").unlink()
    (tmp_path / "run-04" / "mlflow.json").mkdir()
    (tmp_path / "run-05" / JOURNAL).unlink()
    (tmp_path / "run-06" / JOURNAL).write_bytes(b"")
    (tmp_path / "run-09" / JOURNAL).unlink()
    (tmp_path / "run-09" / JOURNAL).mkdir()
    (tmp_path / "run-10" / JOURNAL).unlink()
    (tmp_path / "run-10" / JOURNAL).symlink_to("/etc/passwd")
    (tmp_path / "notes.txt").write_text("of the user")
    (tmp_path / "empty").mkdir()
    (tmp_path / "to nowhere").symlink_to(tmp_path / "gone")
    found = {entry.run.name: entry.damage for entry in unsynced(tmp_path)}
    assert sorted(found) == ["run-00", "run-01", "run-02", "run-03", "run-04", "run-07", "run-08", "run-09", "run-10"]
    assert {name for name, damage in found.items() if damage} == {
        "run-01",
        "run-02",
        "run-03",
        "run-04",
        "run-09",
        "run-10",
    }
    assert all(f"{tmp_path}/{name}" in damage for name, damage in found.items() if damage)


def test_a_destination_that_is_noted_before_a_run_starts_says_that_no_store_can_have_it(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.mkdir()
    note_destination(HERE, path)
    state = SyncState.of(path)
    assert state == SyncState(HERE, may_exist=False)
    left(tmp_path / "b", None)
    note_destination(HERE, tmp_path / "b")
    assert SyncState.of(tmp_path / "b") == SyncState(HERE, may_exist=True), "its note may have been deleted"


def test_each_store_has_a_state_of_its_own(tmp_path: Path) -> None:
    path = left(tmp_path / "a")
    copied = SyncState(THERE, "7", "b" * 32)
    copied.save(path, is_copy=True)
    assert SyncState.of(path) == SyncState(HERE)
    assert SyncState.of(path, HERE) == SyncState(HERE)
    assert SyncState.of(path, THERE) == copied
    assert SyncState.of(path, "http://127.0.0.1:3") is None
    SyncState(HERE, "1", "a" * 32).save(path, is_copy=True)
    assert SyncState.of(path) == SyncState(HERE, "1", "a" * 32), "a copy to where it goes anyway is no copy"


def test_a_copy_of_a_run_that_was_kept_out_of_mlflow_changes_nothing_of_that(tmp_path: Path) -> None:
    path = left(tmp_path / "a", None)
    SyncState(THERE, "7", "b" * 32).save(path, is_copy=True)
    assert SyncState.of(path) is None
    assert names(tmp_path) == []
