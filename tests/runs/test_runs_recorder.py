from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from recording import OVERRIDES, configuration, dataset, model, record, start, start_in

from nnlab.errors import RunFailedError, UserError
from nnlab.runs import journal
from nnlab.runs.directory import RunDirectory
from nnlab.runs.provenance import collect, weights_sha256
from nnlab.runs.recorder import Recorder


def ending(path: Path) -> tuple[str, str | None]:
    end = journal.end_of(journal.read(path / "metrics.jsonl")[0])
    assert end is not None
    return end["status"], end["reason"]


def test_a_run_directory_holds_everything(tmp_path: Path) -> None:
    path = record(tmp_path, epochs=2)
    assert {entry.name for entry in path.iterdir()} == {
        "config.yaml",
        "overrides.yaml",
        "provenance.json",
        "requirements.txt",
        "metrics.jsonl",
        "history.csv",
        "model",
        "plots",
        "lock",
    }
    assert yaml.safe_load((path / "config.yaml").read_text()) == configuration()
    assert yaml.safe_load((path / "overrides.yaml").read_text()) == OVERRIDES
    assert json.loads((path / "provenance.json").read_text())["dataset"]["name"] == "tiny"
    assert "numpy==" in (path / "requirements.txt").read_text()
    assert (path / "history.csv").read_text().splitlines() == [
        "epoch,train/loss,val/loss,lr",
        "1,1.0,2.0,0.1",
        "2,0.5,1.0,0.1",
    ]
    kinds = [event["event"] for event in journal.read(path / "metrics.jsonl")[0]]
    assert kinds == ["start", "epoch", "epoch", "test", "note", "end"]
    assert not RunDirectory.is_alive(path)


def test_the_tag_of_the_weights_is_their_digest(tmp_path: Path) -> None:
    with start(tmp_path) as recorder:
        digest = recorder.save_model(model())
    (note,) = [e for e in journal.read(recorder.directory.journal_path)[0] if e["event"] == "note"]
    assert note["tags"] == {"nnlab.weights_sha256": digest}
    assert digest == weights_sha256(model().network.parameters.named().values())


def test_the_scores_of_the_kept_epoch_are_no_row_of_the_history(tmp_path: Path) -> None:
    with start(tmp_path) as recorder:
        recorder.epoch(1, {"lr": 0.5})
        recorder.kept(1, {"best/epoch": 1, "best/val/loss": 0.25})
    path = recorder.directory.path
    (kept,) = [event for event in journal.read(path / "metrics.jsonl")[0] if event["event"] == "kept"]
    assert (kept["epoch"], kept["metrics"]) == (1, {"best/epoch": 1.0, "best/val/loss": 0.25})
    assert (path / "history.csv").read_text() == "epoch,lr\n1,0.5\n"


def test_history_can_be_asked_for_while_the_run_lives(tmp_path: Path) -> None:
    with start(tmp_path) as recorder:
        recorder.epoch(1, {"lr": 0.5})
        assert recorder.history() == [{"epoch": 1, "lr": 0.5}]
        assert RunDirectory.is_alive(recorder.directory.path)


def test_a_run_restarts_in_its_directory_with_nothing_left_of_its_results(tmp_path: Path) -> None:
    path = record(tmp_path)
    recorder = start_in(RunDirectory.claim(path), seed=8)
    assert json.loads((path / "provenance.json").read_text())["seed"] == 8
    assert {entry.name for entry in path.iterdir()} == {
        "config.yaml",
        "overrides.yaml",
        "provenance.json",
        "requirements.txt",
        "metrics.jsonl",
        "lock",
    }
    assert recorder.history() == []
    assert journal.end_of(journal.read(path / "metrics.jsonl")[0]) is None
    recorder.epoch(1, {"lr": 0.5})
    recorder.close("pruned", "worse than the median")
    assert ending(path) == ("pruned", "worse than the median")
    assert (path / "history.csv").read_text() == "epoch,lr\n1,0.5\n"


def test_a_run_continues_with_all_that_it_has(tmp_path: Path) -> None:
    path = record(tmp_path, epochs=2)
    before = {entry.name: entry.read_bytes() for entry in path.iterdir() if entry.is_file()}
    recorder = Recorder.reopen(path, None)
    assert RunDirectory.is_alive(path)
    assert [row["epoch"] for row in recorder.history()] == [1, 2]
    recorder.test(2, {"test/loss": 0.25})
    recorder.close("finished", "chosen")
    assert ending(path) == ("finished", "chosen")
    after = {entry.name: entry.read_bytes() for entry in path.iterdir() if entry.is_file()}
    assert after.pop("metrics.jsonl").startswith(before.pop("metrics.jsonl"))
    assert after == before
    assert not RunDirectory.is_alive(path)


def test_only_a_run_can_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Only a run that was started can be reopened, but .*/nothing holds none"):
        Recorder.reopen(tmp_path / "nothing", None)
    assert not (tmp_path / "nothing").exists()


def test_a_run_that_cannot_start_frees_its_directory(tmp_path: Path) -> None:
    directory = RunDirectory.claim(tmp_path / "run")
    (directory.path / "config.yaml").mkdir()
    with pytest.raises(RunFailedError, match=r"writing .*config\.yaml failed \(Is a directory\)"):
        start_in(directory)
    assert not RunDirectory.is_alive(directory.path)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (KeyboardInterrupt("^C"), ("interrupted", "interrupted by the user")),
        (ZeroDivisionError("by zero"), ("failed", "ZeroDivisionError: by zero")),
        (SystemExit(3), ("failed", "SystemExit: 3")),
    ],
)
def test_a_run_is_closed_by_how_its_block_ends(tmp_path: Path, error: BaseException, expected: tuple[str, str]) -> None:
    recorder = start(tmp_path)
    with pytest.raises(type(error), match=re.escape(str(error))), recorder:
        raise error
    assert ending(recorder.directory.path) == expected
    assert (recorder.directory.path / "history.csv").read_text() == "epoch\n"


def test_the_first_word_on_the_end_counts(tmp_path: Path) -> None:
    with start(tmp_path) as recorder:
        recorder.close("diverged", "the loss is NaN after epoch 3")
        recorder.close("finished")
    assert ending(recorder.directory.path) == ("diverged", "the loss is NaN after epoch 3")


def test_passwords_are_in_no_file_of_the_run(tmp_path: Path) -> None:
    uri = "postgresql://nnlab:s3cret@db/runs"
    config: dict[str, Any] = configuration() | {"tracking": {"uri": uri}}
    overrides = [f"tracking.uri={uri}"]
    facts = collect(config, dataset(), overrides)
    recorder = Recorder.open(RunDirectory.create(tmp_path, "x"), config, overrides, facts, None)
    recorder.tag({"where": uri})
    recorder.close("failed", f"no answer from {uri}")
    for path in recorder.directory.path.iterdir():
        assert b"s3cret" not in path.read_bytes(), path.name
    assert "postgresql://***@db/runs" in (recorder.directory.path / "config.yaml").read_text()


def test_a_model_that_cannot_be_written_fails_the_run_in_words(tmp_path: Path) -> None:
    with start(tmp_path) as recorder:
        (recorder.directory.path / "model").write_text("in the way")
        with pytest.raises(RunFailedError, match=r"writing .*model failed \(it must be a folder"):
            recorder.save_model(model())


def test_a_run_is_recorded_where_mlflow_is_not_even_installed(tmp_path: Path) -> None:
    here = str(Path(__file__).parents[1])
    code = (
        f"import sys; sys.modules['mlflow'] = None; sys.path.insert(0, {here!r});"
        "from pathlib import Path; from recording import record; print(record(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ending(Path(done.stdout.strip())) == ("finished", None)
