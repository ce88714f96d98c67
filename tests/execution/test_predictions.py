"""What a run keeps of its decisions: its model's, as many right as its accuracy says, whatever its life was."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.metrics import accuracy_score
from stopping import Hearing, at_epoch, small, stopped

from nnlab.data.loading import dataset_of
from nnlab.errors import UserError
from nnlab.execution.resume import resume
from nnlab.execution.run import run
from nnlab.runs.directory import JOURNAL, PREDICTIONS
from nnlab.runs.predictions import Split, predictions_of
from nnlab.runs.predictions_file import stored_predictions
from nnlab.runs.stored_config import config_of
from nnlab.runs.stored_run import StoredRun
from nnlab.training import Progress, Trainer

SPLITS: tuple[Split, ...] = ("validation", "test")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody disturbs."""
    return run(small(tmp_path_factory.mktemp("whole"))).directory


@pytest.fixture
def copied(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / whole.name))


def bytes_of(path: Path) -> bytes:
    return (path / PREDICTIONS).read_bytes()


def check_split(stored: StoredRun, split: Split, accuracy: float) -> None:
    """Held to the stored model, which is applied to the rows as they are stored, and to scikit-learn's accuracy."""
    config = config_of(stored)
    rows = getattr(dataset_of(config.data, seed=config.seed), split)
    outputs = stored.model().predict(rows.x[rows.index])
    expected = outputs.argmax(axis=1) if outputs.shape[1] > 1 else outputs[:, 0] > 0.5
    targets, predicted = predictions_of(stored, split)
    np.testing.assert_array_equal(targets, rows.y[rows.index])
    np.testing.assert_array_equal(predicted, expected)
    assert accuracy_score(targets, predicted) == accuracy


@pytest.mark.parametrize(
    "how",
    [
        (),
        ("data=toy", "model=toy", "data.limit=null", "trainer.batch_size=full"),
        ("data.split.seed=null", "seed=5", "model.output=sigmoid", "model.loss=half_squared_error", "dtype=float64"),
        ("trainer.restore_best=false",),
    ],
    ids=["softmax", "one output", "sigmoids, a split of its own", "the last weights"],
)
def test_they_are_the_models_and_agree_with_the_accuracies(how: tuple[str, ...], tmp_path: Path) -> None:
    stored = StoredRun.open(run(small(tmp_path, *how)).directory)
    check_split(stored, "validation", stored.kept["best/val/accuracy"])
    check_split(stored, "test", stored.test["test/accuracy"])
    assert len(load_file(stored.path / PREDICTIONS)) == 4
    assert {array.dtype for array in load_file(stored.path / PREDICTIONS).values()} == {np.dtype(np.uint8)}


def test_a_run_that_leaves_the_test_split_alone_has_none_of_it(tmp_path: Path) -> None:
    stored = StoredRun.open(run(small(tmp_path, "trainer.test=false")).directory)
    assert list(stored_predictions(stored)) == ["validation"]
    (stored.path / PREDICTIONS).unlink()
    with pytest.raises(UserError, match="not evaluated its test split"):
        predictions_of(stored, "test")


def test_without_a_validation_split_there_are_those_of_the_test_split(tmp_path: Path) -> None:
    stored = StoredRun.open(run(small(tmp_path, "data.split.validation=0")).directory)
    assert list(stored_predictions(stored)) == ["test"]
    with pytest.raises(UserError, match="no validation split"):
        predictions_of(stored, "validation")


def test_a_run_of_before_there_were_any_gets_the_same_from_its_model(whole: Path, copied: Path) -> None:
    (copied / PREDICTIONS).unlink()
    for split in SPLITS:
        np.testing.assert_array_equal(predictions_of(StoredRun(copied), split), predictions_of(StoredRun(whole), split))
    assert not (copied / PREDICTIONS).exists(), "reading writes nothing"


def test_a_stopped_run_has_those_of_its_best_epoch_and_in_the_end_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    path = stopped(small(tmp_path))
    stored = StoredRun(path)
    check_split(stored, "validation", stored.kept["best/val/accuracy"])
    with pytest.raises(UserError, match="not evaluated its test split"):
        predictions_of(stored, "test")
    with pytest.raises(KeyboardInterrupt):
        resume(path, listeners=[Hearing(signal.SIGTERM, at_epoch(5))])
    resume(path)
    assert bytes_of(path) == bytes_of(whole)


@pytest.mark.parametrize("is_kept", [True, False], ids=["it is there", "its writing was cut off"])
def test_a_kill_after_the_test_changes_no_byte(is_kept: bool, whole: Path, copied: Path) -> None:
    lines = (copied / JOURNAL).read_text().splitlines(keepends=True)
    tested = next(number for number, line in enumerate(lines) if json.loads(line)["event"] == "test")
    (copied / JOURNAL).write_text("".join(lines[: tested + 1]))
    if not is_kept:
        (copied / PREDICTIONS).unlink()
    resume(copied)
    assert bytes_of(copied) == bytes_of(whole)


def test_an_extended_run_has_those_of_a_longer_one(whole: Path, copied: Path, tmp_path: Path) -> None:
    resume(copied, epochs=9)
    longer = run(small(tmp_path / "longer", "trainer.epochs=9")).directory
    assert StoredRun(copied).kept["best/epoch"] > 6, "other weights are kept than before"
    assert bytes_of(copied) == bytes_of(longer) != bytes_of(whole)


def test_weights_of_no_epochs_end_have_none(tmp_path: Path) -> None:
    slow = ("data.limit=1000", "trainer.batch_size=1", "trainer.restore_best=false")
    path = stopped(small(tmp_path, *slow), lambda event: isinstance(event, Progress) and event.epoch == 1)
    diverged = run(small(tmp_path, "optimizer=sgd", "optimizer.lr=1e30", "trainer.epochs=2")).directory
    for each in (path, diverged):
        assert not (each / PREDICTIONS).exists()
        with pytest.raises(UserError, match="with the weights of an epoch"):
            predictions_of(StoredRun(each), "validation")


def test_predictions_of_other_weights_do_not_count(whole: Path, copied: Path) -> None:
    """As a kill leaves them between a model and its predictions, when the run was extended."""
    tensors = load_file(copied / PREDICTIONS)
    about = json.dumps({"format": 1, "sha256": "0" * 64, "weights_sha256": "0" * 64})
    save_file({name: np.zeros_like(array) for name, array in tensors.items()}, copied / PREDICTIONS, {"nnlab": about})
    found, expected = predictions_of(StoredRun(copied), "test"), predictions_of(StoredRun(whole), "test")
    np.testing.assert_array_equal(found.predicted, expected.predicted)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-9],
        lambda data: data[:-1] + bytes([(data[-1] + 1) % 10]),
        lambda data: data.replace(b'"U8"', b'"I8"'),
        lambda data: data.replace(b"format", b"farmat"),
        lambda data: data.replace(b"test.targets", b"test.targats"),
        lambda data: b"",
        lambda data: b"\xff" * 8 + data[8:],
    ],
    ids=["cut off", "another target", "another type", "another key", "another array", "empty", "a huge header"],
)
def test_a_damaged_file_is_told_and_its_removal_helps(spoil: object, whole: Path, copied: Path) -> None:
    (copied / PREDICTIONS).write_bytes(spoil(bytes_of(whole)))  # type: ignore[operator]
    with pytest.raises(UserError, match=rf"{PREDICTIONS} in .* is damaged: .*\. Remove it"):
        predictions_of(StoredRun(copied), "validation")
    (copied / PREDICTIONS).unlink()
    found, expected = predictions_of(StoredRun(copied), "test"), predictions_of(StoredRun(whole), "test")
    np.testing.assert_array_equal(found.predicted, expected.predicted)


def test_what_is_computed_has_to_agree_with_what_was_recorded(copied: Path) -> None:
    (copied / PREDICTIONS).unlink()
    text = (copied / JOURNAL).read_text()
    accuracy = StoredRun(copied).kept["best/val/accuracy"]
    (copied / JOURNAL).write_text(text.replace(f'"best/val/accuracy": {accuracy}', '"best/val/accuracy": 0.5'))
    with pytest.raises(UserError, match=r"where it was 0\.5.*python -m nnlab\.run"):
        predictions_of(StoredRun(copied), "validation")


def test_computing_them_needs_the_data_and_the_config_as_they_were(copied: Path) -> None:
    (copied / PREDICTIONS).unlink()
    config = (copied / "config.yaml").read_text()
    (copied / "config.yaml").write_text(config.replace("seed: 0", "seed: 1"))
    with pytest.raises(UserError, match="was changed since"):
        predictions_of(StoredRun(copied), "validation")
    (copied / "config.yaml").write_text(config)
    facts = json.loads((copied / "provenance.json").read_text())
    facts["dataset"]["sha256"] = "0" * 64
    (copied / "provenance.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="has changed since"):
        predictions_of(StoredRun(copied), "validation")


def test_a_test_split_that_is_not_on_record_has_none(copied: Path) -> None:
    """As a kill leaves a winner between its predictions and the record of its test."""
    lines = (copied / JOURNAL).read_text().splitlines(keepends=True)
    (copied / JOURNAL).write_text("".join(line for line in lines if json.loads(line)["event"] != "test"))
    assert "test" in stored_predictions(StoredRun(copied))
    with pytest.raises(UserError, match="not evaluated its test split"):
        predictions_of(StoredRun(copied), "test")


def test_a_test_of_weights_that_the_run_no_longer_keeps_is_none_of_its_own(copied: Path) -> None:
    """As when a run that was tested was trained for longer, keeps another epoch, and was killed before its test."""
    events = [json.loads(line) for line in (copied / JOURNAL).read_text().splitlines()]
    for event in events:
        if event["event"] == "test":
            event["epoch"] -= 1
    (copied / JOURNAL).write_text("".join(json.dumps(event) + "\n" for event in events))
    with pytest.raises(UserError, match="not evaluated its test split"):
        predictions_of(StoredRun(copied), "test")


def test_a_repetition_names_the_trial_that_has_them(copied: Path) -> None:
    facts = json.loads((copied / "provenance.json").read_text())
    (copied / "provenance.json").write_text(json.dumps({**facts, "tags": {"nnlab.duplicate_of": "7"}}))
    with pytest.raises(UserError, match="repeats trial 7"):
        predictions_of(StoredRun(copied), "validation")


def test_nothing_looks_at_the_test_split_again(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "test", lambda trainer: pytest.fail("the test split was looked at again"))
    predictions_of(StoredRun(copied), "test")
    (copied / PREDICTIONS).unlink()
    predictions_of(StoredRun(copied), "test")
