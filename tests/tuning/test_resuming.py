"""Finding a study again: by its name, with the command line that started it, and only as the same study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sweeping import finished, journal_storage, mixed, run_one, study_in, sweep_settings

from nnlab.config.problems import ConfigError
from nnlab.errors import UserError
from nnlab.runs.directory import RunDirectory
from nnlab.runs.tags import WINNER_RUNS_TAG
from nnlab.tuning.manifest import FILE, Manifest, versions
from nnlab.tuning.resuming import resumed_arguments, study_directory
from nnlab.tuning.stored_study import StoredStudy

FINGERPRINT: dict[str, Any] = {"seed": 0, "model.hidden": [64, 32], "sweep.objective": "val/loss", "data_sha256": "c0"}


def manifest(name: str = "a-study", overrides: tuple[str, ...] = (), storage: str | None = None) -> Manifest:
    return Manifest(name, list(overrides), storage, FINGERPRINT, versions())


def saved(runs_dir: Path, name: str = "a-study", **fields: Any) -> Path:
    folder = runs_dir / name
    folder.mkdir(parents=True)
    manifest(name, **fields).save(folder)
    return folder


def test_an_identity_reads_back(tmp_path: Path) -> None:
    folder = saved(tmp_path, overrides=("sweep=toy", "data.root='/a b'"), storage="sqlite:////a.db")
    assert Manifest.read(folder) == manifest(overrides=("sweep=toy", "data.root='/a b'"), storage="sqlite:////a.db")


def test_the_same_fingerprint_continues() -> None:
    manifest().check(dict(FINGERPRINT))


def test_every_difference_is_named_and_nothing_else() -> None:
    now = FINGERPRINT | {"seed": 1, "model.hidden": [64], "sweep.at": "best"}
    del now["data_sha256"]
    with pytest.raises(UserError, match="'a-study' can only be resumed as it was started") as caught:
        manifest().check(now)
    assert str(caught.value).splitlines()[1:-1] == [
        "  data_sha256: c0 in the study, absent now",
        "  model.hidden: [64,32] in the study, [64] now",
        "  seed: 0 in the study, 1 now",
        "  sweep.at: absent in the study, best now",
    ]


def test_what_changed_around_a_study_is_a_warning() -> None:
    assert manifest().changed_versions() == []
    older = Manifest("a-study", [], None, FINGERPRINT, versions() | {"optuna": "4.0.0"})
    (line,) = older.changed_versions()
    assert line.startswith("optuna was 4.0.0 ")


def test_a_wrong_name_lists_the_studies_that_there_are(tmp_path: Path) -> None:
    place = f"runs_dir='{tmp_path}'"
    with pytest.raises(UserError, match=r"none named 'a-study'. It has no studies"):
        resumed_arguments([place, "sweep.resume=a-study"])
    saved(tmp_path, "one")
    saved(tmp_path, "other")
    (tmp_path / "a-run").mkdir()
    with pytest.raises(UserError, match=r"none named 'a-study'. There are: one, other\. .* runs_dir or NNLAB_RUNS_DIR"):
        resumed_arguments([place, "sweep.resume=a-study"])
    with pytest.raises(UserError, match=r"There are: one, other\."):
        StoredStudy.open("a-study", [place])


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"name": "a-study"}', "\x00"])
def test_a_damaged_identity_is_reported_with_the_file(content: str, tmp_path: Path) -> None:
    (saved(tmp_path) / FILE).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"study\.json .* cannot be read"):
        Manifest.read(tmp_path / "a-study")


def test_a_command_line_that_names_no_study_is_left_alone() -> None:
    for arguments in ([], ["sweep=toy", "sweep.trials=3"], ["sweep.resume=null"]):
        assert resumed_arguments(arguments) == (arguments, None)


def test_what_started_the_study_counts_again_but_for_what_is_said_now(tmp_path: Path) -> None:
    overrides = ("sweep=toy", "sweep.trials=5", "optimizer.lr=interval(0.1, 1)", "model.name='a, b'")
    folder = saved(tmp_path, overrides=overrides)
    now = [f"runs_dir='{tmp_path}'", "sweep.resume=a-study", "sweep.trials=9"]
    assert resumed_arguments(now) == ([overrides[0], *overrides[2:], *now], folder)


def test_runs_are_looked_for_where_the_option_or_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert study_directory("a", []) == tmp_path / "runs" / "a"
    monkeypatch.setenv("NNLAB_RUNS_DIR", str(tmp_path / "by variable"))
    assert study_directory("a", ["sweep=toy"]) == tmp_path / "by variable" / "a"
    assert study_directory("a", ["runs_dir='by option'", "optimizer.lr=1"]) == tmp_path / "by option" / "a"


def test_a_storage_whose_password_is_not_kept_has_to_be_given_again(tmp_path: Path) -> None:
    place, url = f"runs_dir='{tmp_path}'", "sweep.storage='postgresql://me:hunter2@127.0.0.1:1/studies'"
    saved(tmp_path, storage="postgresql://***@127.0.0.1:1/studies")
    with pytest.raises(UserError, match=r"at postgresql://\*\*\*@.* password.*sweep\.storage=URL"):
        resumed_arguments([place, "sweep.resume=a-study"])
    with pytest.raises(UserError, match=r"password.*sweep\.storage=URL"):
        StoredStudy.open("a-study", [place])
    arguments, _ = resumed_arguments([place, "sweep.resume=a-study", url])
    assert url in arguments


def test_a_command_line_that_cannot_be_read_is_a_problem_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="Hydra's grammar"):
        resumed_arguments(["sweep.resume=["])


# Showing.


def with_trials(runs_dir: Path, trials: int = 6) -> Path:
    folder = saved(runs_dir)
    storage = journal_storage(folder)
    study = study_in(storage, sweep_settings())
    for _ in range(trials):
        run_one(study, storage, mixed)
    return folder


def write_journal(folder: Path, *events: dict[str, Any]) -> None:
    lines = [json.dumps({"time": 1_800_000_000_000} | event) for event in events]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


START: dict[str, Any] = {"event": "start", "goes_on": False}
TEST: dict[str, Any] = {"event": "test", "epoch": 6, "metrics": {"test/loss": 0.25, "test/accuracy": 0.875}}


def shown(runs_dir: Path) -> str:
    return StoredStudy.open("a-study", [f"runs_dir='{runs_dir}'"]).report(encoding="utf-8")


def test_a_running_study_is_shown_as_running_beside_the_process_that_does_it(tmp_path: Path) -> None:
    folder = with_trials(tmp_path)
    write_journal(folder, START)
    directory = RunDirectory.claim(folder)
    study = study_in(journal_storage(folder), sweep_settings())
    study.propose()
    try:
        text = shown(tmp_path)
    finally:
        directory.release()
    assert text.splitlines()[0] == "a-study"
    assert text.splitlines()[-1] == "running"
    assert len(study.unfinished()) == 1


def test_a_finished_study_is_shown_with_the_winner_s_test(tmp_path: Path) -> None:
    folder = with_trials(tmp_path)
    write_journal(folder, START, TEST, {"event": "end", "status": "finished", "reason": None})
    best = min(trial.value for trial in study_in(journal_storage(folder), sweep_settings()).trials if trial.value)
    text = shown(tmp_path)
    assert f"{best:.4f}" in text
    assert text.splitlines()[-1].startswith("finished")
    assert "test/accuracy 0.8750" in text


@pytest.mark.parametrize("is_tested", [True, False])
def test_the_test_of_an_earlier_winner_is_not_shown_as_that_of_one_that_was_not_tested(
    is_tested: bool, tmp_path: Path
) -> None:
    folder = with_trials(tmp_path)
    ended = {"event": "end", "status": "finished", "reason": None}
    winner = folder / "trials" / "a-study-0002"
    winner.mkdir(parents=True)
    write_journal(winner, START, *([TEST] if is_tested else []), ended)
    chosen = {"event": "note", "tags": {WINNER_RUNS_TAG: winner.name}}
    write_journal(folder, START, TEST, ended, START | {"goes_on": True}, chosen, ended)
    assert ("test/accuracy 0.8750" in shown(tmp_path).splitlines()[-1]) == is_tested


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ([], "killed"),
        ([{"event": "end", "status": "interrupted", "reason": "by the user"}], "interrupted"),
        ([{"event": "end", "status": "failed", "reason": "3 trials failed"}], "failed"),
    ],
)
def test_a_study_that_is_not_complete_says_how_to_resume(
    end: list[dict[str, Any]], status: str, tmp_path: Path
) -> None:
    write_journal(with_trials(tmp_path), START, *end)
    last = shown(tmp_path).splitlines()[-1]
    assert last.startswith(status)
    assert "sweep.resume=a-study" in last


def test_a_study_that_was_continued_is_shown_as_it_ended_last(tmp_path: Path) -> None:
    killed = {"event": "end", "status": "killed", "reason": None}
    ended = {"event": "end", "status": "finished", "reason": None}
    write_journal(with_trials(tmp_path), START, killed, START | {"goes_on": True}, TEST, ended)
    assert shown(tmp_path).splitlines()[-1].startswith("finished")


def test_showing_changes_nothing_of_the_study(tmp_path: Path) -> None:
    folder = with_trials(tmp_path)
    write_journal(folder, START)
    before = {path: path.read_bytes() for path in folder.rglob("*")}
    shown(tmp_path)
    assert {path: path.read_bytes() for path in folder.rglob("*")} == before


def test_a_study_that_its_storage_does_not_have_is_reported(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    with pytest.raises(UserError, match=r"'a-study' was started in .*, but its storage"):
        shown(tmp_path)
    study = study_in(journal_storage(folder), sweep_settings())
    run_one(study, study._storage, finished)
    write_journal(folder, START)
    assert shown(tmp_path)
