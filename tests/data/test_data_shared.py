"""Datasets shared through files: equal, mapped, stored once, and never half there."""

from __future__ import annotations

import json
import mmap
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlab.data import DataSettings, SplitSettings, load, open_shared, save_shared
from nnlab.errors import UserError

SETTINGS = {
    "digits": DataSettings(name="digits"),
    "standardized": DataSettings(name="digits", standardize=True, limit=50),
    "toy": DataSettings(name="toy"),
    "empty validation": DataSettings(name="digits", split=SplitSettings(validation=0)),
}


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    folder = tmp_path / "shared"
    save_shared(load(SETTINGS["digits"]), folder)
    return folder


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_what_is_opened_equals_what_was_saved(settings: Any, tmp_path: Path) -> None:
    dataset = load(settings)
    save_shared(dataset, tmp_path / "a" / "shared")
    opened = open_shared(tmp_path / "a" / "shared")
    for field in ("name", "class_names", "image_shape", "sha256", "features", "classes", "row_type", "notes"):
        assert getattr(opened, field) == getattr(dataset, field)
    for split in ("train", "validation", "test"):
        ours, theirs = getattr(dataset, split), getattr(opened, split)
        assert (theirs.x.dtype, theirs.y.dtype) == (ours.x.dtype, ours.y.dtype)
        np.testing.assert_array_equal(theirs.index, ours.index)
        np.testing.assert_array_equal(theirs.inputs(np.float64), ours.inputs(np.float64))
        np.testing.assert_array_equal(theirs.targets(), ours.targets())


def test_arrays_are_mapped_read_only_and_shared_by_the_splits(folder: Path) -> None:
    opened = open_shared(folder)
    base = opened.train.x
    while isinstance(base, np.ndarray):
        base = base.base  # type: ignore[assignment]
    assert isinstance(base, mmap.mmap)  # type: ignore[unreachable]
    assert opened.train.x is opened.validation.x is opened.test.x
    assert type(opened.train.x) is np.ndarray
    with pytest.raises(ValueError, match="read-only"):
        opened.train.x[0] = 1


def test_an_array_is_stored_once_though_three_splits_refer_to_it(folder: Path) -> None:
    stored = {file.name for file in folder.iterdir()}
    indices = {f"{split}_index.npy" for split in ("train", "validation", "test")}
    assert stored == {"dataset.json", "train_x.npy", "train_y.npy"} | indices


def test_another_process_sees_the_same_rows(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from nnlab.data import open_shared;"
        "rows = open_shared(Path(sys.argv[1])).test; print(int(rows.x[rows.index].sum()), int(rows.targets().sum()))"
    )
    done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=True)
    rows = load(SETTINGS["digits"]).test
    assert done.stdout.split() == [str(rows.x[rows.index].sum()), str(rows.targets().sum())]


def test_a_second_save_replaces_the_first_and_open_maps_stay_valid(folder: Path) -> None:
    before = open_shared(folder)
    total = int(before.train.x.sum())
    save_shared(load(SETTINGS["toy"]), folder)
    assert open_shared(folder).name == "toy"
    assert int(before.train.x.sum()) == total
    assert [entry.name for entry in folder.parent.iterdir()] == ["shared"]


def test_a_save_that_fails_leaves_what_was_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(UserError, match=r"cannot be written: No space left on device\. Name another folder"):
        save_shared(load(SETTINGS["toy"]), folder)
    monkeypatch.undo()
    assert open_shared(folder).name == "digits"
    assert [entry.name for entry in folder.parent.iterdir()] == ["shared"]


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(UserError, match=r"a folder of its own, but .* is something else"):
        save_shared(load(SETTINGS["toy"]), tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def edited(folder: Path, change: Any) -> None:
    description = json.loads((folder / "dataset.json").read_text())
    change(description)
    (folder / "dataset.json").write_text(json.dumps(description))


CORRUPTIONS = {
    "no folder": (lambda folder: folder.rename(folder.with_name("gone")), "No such file"),
    "no array": (lambda folder: (folder / "train_x.npy").unlink(), "train_x"),
    "array cut off": (
        lambda folder: (folder / "train_x.npy").write_bytes((folder / "train_x.npy").read_bytes()[:-9]),
        "",
    ),
    "array emptied": (lambda folder: (folder / "train_y.npy").write_bytes(b""), ""),
    "array of text": (lambda folder: (folder / "train_y.npy").write_bytes(b"hello " * 40), ""),
    "other rows": (lambda folder: np.save(folder / "train_y.npy", np.zeros(3)), "do not match"),
    "beyond": (lambda folder: np.save(folder / "test_index.npy", np.array([1797])), "do not match"),
    "not json": (lambda folder: (folder / "dataset.json").write_text("{"), "Expecting property name"),
    "not ours": (lambda folder: (folder / "dataset.json").write_text("[]"), ""),
    "no key": (lambda folder: edited(folder, lambda d: d.pop("splits")), "'splits'"),
    "format": (
        lambda folder: edited(folder, lambda d: d.update(format=9)),
        "its format is 9, this version reads 2",
    ),
}


@pytest.mark.parametrize(("corrupt", "fact"), CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_a_corrupt_folder_is_named_with_a_remedy(corrupt: Any, fact: str, folder: Path) -> None:
    corrupt(folder)
    message = rf"{folder} must hold a dataset that nnlab shared, .*: .*{fact}.*Remove the folder and start"
    with pytest.raises(UserError, match=message):
        open_shared(folder)
