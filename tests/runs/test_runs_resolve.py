"""A RUN_ID is the name of a run's directory, MLflow's id, or a path; whatever names no run, or several, is refused."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from nnlab.errors import UserError
from nnlab.runs.resolve import default_runs_dir, resolve, study_command
from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.resuming import study_directory

ID = "0123456789abcdef0123456789abcdef"
TRIAL_ID = "f" * 32


def made(path: Path, run_id: str | None = None) -> Path:
    path.mkdir(parents=True)
    (path / "metrics.jsonl").write_text('{"event": "start", "time": 1, "goes_on": false}\n')
    if run_id is not None:
        (path / "mlflow.json").write_text(json.dumps({"run_id": run_id}))
    return path


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run, a study with a trial, and what is no run; the current folder is above."""
    made(tmp_path / "runs" / "a-run", ID)
    made(tmp_path / "runs" / "study")
    made(tmp_path / "runs" / "study" / "trials" / "study-0000", TRIAL_ID)
    (tmp_path / "runs" / "artifacts").mkdir()
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "mlflow.json").write_text("{")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NNLAB_RUNS_DIR", raising=False)
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("run_id", "place"),
    [
        ("a-run", "a-run"),
        ("a-run/", "a-run"),
        (ID, "a-run"),
        ("runs/a-run", "a-run"),
        ("./runs/a-run", "a-run"),
        ("study", "study"),
        ("study-0000", "study/trials/study-0000"),
        ("study/trials/study-0000", "study/trials/study-0000"),
        (TRIAL_ID, "study/trials/study-0000"),
    ],
)
def test_every_name_of_a_run_leads_to_its_directory(run_id: str, place: str, runs_dir: Path) -> None:
    assert resolve(run_id).resolve() == runs_dir / place
    assert StoredRun.open(run_id).path.resolve() == runs_dir / place
    assert resolve(str(runs_dir / place)) == runs_dir / place


def test_a_study_is_resumed_by_what_is_told_from_any_folder(runs_dir: Path, tmp_path: Path) -> None:
    assert study_command(runs_dir / "study") == "python -m nnlab.sweep sweep.resume=study", "in the default folder"
    elsewhere = tmp_path / "my runs"
    *command, resumes, place = shlex.split(study_command(elsewhere / "study"))
    assert command == ["python", "-m", "nnlab.sweep"]
    assert study_directory("study", [resumes, place]) == elsewhere / "study"


def test_the_current_folder_and_the_one_above_are_runs_with_names(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (runs_dir / "a-run" / "plots").mkdir()
    for place, run_id in (("a-run", "."), ("a-run/plots", "..")):
        monkeypatch.chdir(runs_dir / place)
        assert resolve(run_id).name == "a-run"
        assert resolve(run_id, runs_dir).resolve() == runs_dir / "a-run"


def test_the_folder_of_the_runs_is_given_or_named_by_the_environment(
    runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert default_runs_dir() == Path("runs")
    elsewhere = made(tmp_path / "elsewhere" / "a-run")
    assert resolve("a-run", elsewhere.parent) == elsewhere
    monkeypatch.setenv("NNLAB_RUNS_DIR", str(elsewhere.parent))
    assert resolve("a-run") == elsewhere
    assert resolve("a-run", runs_dir) == runs_dir / "a-run"
    with pytest.raises(UserError, match=ID):
        resolve(ID)


def test_the_runs_whose_names_are_nearest_are_the_remedy(runs_dir: Path) -> None:
    for number in range(9):
        made(runs_dir / f"other-{number}")
    with pytest.raises(UserError, match=r"runs has no run 'a-rum'\. The nearest are: a-run, .*NNLAB_RUNS_DIR"):
        resolve("a-rum")
    with pytest.raises(UserError, match=r"none has no run 'x/y'\. There are no runs there"):
        resolve("x/y", Path("none"))


@pytest.mark.parametrize("run_id", ["artifacts", "broken", "", ".", "*", "a-run/metrics.jsonl", "0" * 32, "x" * 5000])
def test_what_is_no_run_is_refused(run_id: str, runs_dir: Path) -> None:
    with pytest.raises(UserError, match="A RUN_ID must be"):
        resolve(run_id)


def test_a_name_of_several_runs_is_refused_with_their_paths(runs_dir: Path) -> None:
    shutil.copytree(runs_dir / "study", runs_dir / "copy")
    paths = "runs/copy/trials/study-0000, runs/study/trials/study-0000"
    for run_id in ("study-0000", TRIAL_ID):
        with pytest.raises(UserError, match=rf"names 2\. Give a path: {paths}\."):
            resolve(run_id)
    assert resolve("runs/copy/trials/study-0000").exists()
