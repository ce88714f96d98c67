from __future__ import annotations

import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nnlab.errors import UserError
from nnlab.runs import directory as run_directory
from nnlab.runs import journal
from nnlab.runs.directory import RunDirectory, end_if_dead, write_history
from nnlab.runs.journal import Journal


def test_a_directory_is_named_by_time_hint_and_chance(tmp_path: Path) -> None:
    directory = RunDirectory.create(tmp_path / "new" / "runs", "mnist_5k/mlp ..")
    assert re.fullmatch(r"\d{8}-\d{6}-mnist_5k-mlp-[0-9a-f]{6}", directory.name)
    assert directory.path == tmp_path / "new" / "runs" / directory.name
    assert directory.path.is_dir()
    directory.release()


def test_a_relative_folder_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    directory = RunDirectory.create(Path("runs"), "")
    assert directory.path.parent == tmp_path / "runs"
    assert "-run-" in directory.name
    directory.release()


def test_a_name_that_is_taken_is_never_reused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chances = iter(["aaaaaa", "aaaaaa", "bbbbbb"])
    monkeypatch.setattr(secrets, "token_hex", lambda size: next(chances))
    monkeypatch.setattr(time, "strftime", lambda form: "20260101-000000")
    first, second = (RunDirectory.create(tmp_path, "x") for _ in range(2))
    assert [first.name, second.name] == ["20260101-000000-x-aaaaaa", "20260101-000000-x-bbbbbb"]
    first.release()
    second.release()


def test_a_folder_that_cannot_be_made_is_the_users_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"folder of the runs must be writable.*Not a directory.*NNLAB_RUNS_DIR"):
        RunDirectory.create(tmp_path / "file" / "runs", "x")


def test_a_run_lives_as_long_as_its_process(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    code = (
        "import sys, time; from pathlib import Path; from nnlab.runs.directory import RunDirectory;"
        "run = RunDirectory.create(Path(sys.argv[1]), 'x'); print(run.path, flush=True); time.sleep(600)"
    )
    process = start("-c", code, str(tmp_path))
    assert process.stdout is not None
    path = Path(process.stdout.readline().strip())
    assert RunDirectory.is_alive(path)
    process.kill()
    process.wait()
    assert not RunDirectory.is_alive(path)


def test_a_claim_makes_exactly_the_directory_that_it_names(tmp_path: Path) -> None:
    directory = RunDirectory.claim(tmp_path / "study" / "trials" / "study-0001")
    assert directory.path == tmp_path / "study" / "trials" / "study-0001"
    assert RunDirectory.is_alive(directory.path)
    directory.release()


def test_a_claim_takes_over_from_a_dead_process_and_not_from_a_living_one(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_directory, "CLAIM_SECONDS", 0.1)
    code = (
        "import sys, time; from pathlib import Path; from nnlab.runs.directory import RunDirectory;"
        "run = RunDirectory.claim(Path(sys.argv[1])); print('claimed', flush=True); time.sleep(600)"
    )
    process = start("-c", code, str(tmp_path / "run"))
    assert process.stdout is not None
    assert process.stdout.readline() == "claimed\n"
    with pytest.raises(UserError, match=r"by one process at a time, but .*/run is still being .* Wait until"):
        RunDirectory.claim(tmp_path / "run")
    process.kill()
    process.wait()
    RunDirectory.claim(tmp_path / "run").release()


def test_a_claim_waits_for_a_lock_that_is_held_for_a_moment(tmp_path: Path) -> None:
    first = RunDirectory.claim(tmp_path / "run")
    with ThreadPoolExecutor(1) as background:
        second = background.submit(RunDirectory.claim, tmp_path / "run")
        time.sleep(0.2)
        assert not second.done()
        first.release()
        second.result(timeout=60).release()


def test_a_claim_of_a_directory_that_cannot_be_made_is_the_users_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"folder of the runs must be writable.*Not a directory.*NNLAB_RUNS_DIR"):
        RunDirectory.claim(tmp_path / "file" / "study")


def test_a_directory_that_is_no_run_is_not_alive(tmp_path: Path) -> None:
    assert not RunDirectory.is_alive(tmp_path)


def test_history_is_one_row_per_epoch_with_the_last_word_on_each(tmp_path: Path) -> None:
    writer = Journal(tmp_path / "metrics.jsonl")
    writer.append("epoch", epoch=1, metrics={"train/loss": 0.5})
    writer.append("epoch", epoch=2, metrics={"train/loss": 9.0})
    writer.append("epoch", epoch=2, metrics={"train/loss": float("nan"), "val/loss": 0.1})
    writer.append("test", epoch=2, metrics={"test/loss": 0.3})
    writer.close()
    write_history(tmp_path)
    assert (tmp_path / "history.csv").read_text() == "epoch,train/loss,val/loss\n1,0.5,\n2,nan,0.1\n"


def test_history_leaves_out_what_was_recorded_before_the_run_restarted(tmp_path: Path) -> None:
    writer = Journal(tmp_path / "metrics.jsonl")
    for goes_on, epochs in ((False, (1, 2, 3)), (False, (1, 2)), (True, (4,))):
        writer.append("start", goes_on=goes_on)
        for epoch in epochs:
            writer.append("epoch", epoch=epoch, metrics={"lr": 0.1})
    writer.close()
    write_history(tmp_path)
    assert (tmp_path / "history.csv").read_text() == "epoch,lr\n1,0.1\n2,0.1\n4,0.1\n"


def test_a_dead_run_without_an_end_gets_one_exactly_once(tmp_path: Path) -> None:
    directory = RunDirectory.create(tmp_path, "x")
    writer = Journal(directory.journal_path)
    writer.append("start")
    end_if_dead(directory.path)
    assert journal.end_of(journal.read(directory.journal_path)[0]) is None, "it lives"
    directory.release()
    for _ in range(2):
        end_if_dead(directory.path)
        start, end = journal.read(directory.journal_path)[0]
        assert (start["event"], end["event"], end["status"]) == ("start", "end", "killed")
    writer.close()


def test_recording_needs_neither_mlflow_nor_hydra_nor_optuna() -> None:
    imported = "import nnlab.runs.recorder, nnlab.runs.stored_run, sys"
    code = f"{imported}; print([m for m in ('mlflow', 'hydra', 'optuna') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
