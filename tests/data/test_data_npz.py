"""NumPy archives in Keras' form, and every way in which such a file can be wrong."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlab.data import DataSettings, SplitSettings, load
from nnlab.errors import UserError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (30, 4, 3), dtype=np.uint8)
LABELS = np.arange(30) % 3


def save(folder: Path, name: str = "data.npz", **arrays: Any) -> Path:
    np.savez_compressed(folder / name, **arrays)
    return folder / name


def load_npz(path: Path, **settings: Any) -> Any:
    return load(DataSettings(name="npz", root=str(path), **settings))


def test_keras_form_gives_training_and_test_images(tmp_path: Path) -> None:
    file = save(tmp_path, x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:5], y_test=LABELS[:5])
    dataset = load_npz(file)
    np.testing.assert_array_equal(dataset.train.x, IMAGES.reshape(30, 12))
    np.testing.assert_array_equal(dataset.test.y, LABELS[:5])
    assert (dataset.image_shape, dataset.train.x.dtype) == ((4, 3), np.uint8)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (26, 4, 5)
    assert load_npz(tmp_path).sha256 == dataset.sha256  # the folder that holds it alone


def test_a_validation_pair_is_the_validation_split(tmp_path: Path) -> None:
    file = save(tmp_path, x_train=IMAGES, y_train=LABELS, x_val=IMAGES[:7], y_val=LABELS[:7])
    dataset = load_npz(file, split=SplitSettings(validation=0.5, test=0.2))
    np.testing.assert_array_equal(dataset.validation.x, IMAGES[:7].reshape(7, 12))
    np.testing.assert_array_equal(dataset.validation.index, np.arange(7))
    assert (len(dataset.train), len(dataset.test)) == (24, 6)


def test_texts_as_labels_become_classes_in_their_order(tmp_path: Path) -> None:
    names = np.array(["dog", "cat", "eel"])[LABELS]
    dataset = load_npz(save(tmp_path, x_train=IMAGES, y_train=names))
    assert dataset.class_names == ("cat", "dog", "eel")
    np.testing.assert_array_equal(dataset.train.y[:3], [1, 0, 2])


@pytest.mark.parametrize(
    ("stored", "kept"),
    [
        (np.int64, np.uint8),
        (np.dtype(">i4"), np.uint8),
        (np.float16, np.float32),
        (np.float32, np.float32),
        (np.float64, np.float32),
        (np.dtype(">f8"), np.float32),
    ],
)
def test_numbers_are_kept_in_the_smallest_native_type_that_holds_them(stored: Any, kept: Any, tmp_path: Path) -> None:
    dataset = load_npz(save(tmp_path, x_train=IMAGES.astype(stored), y_train=LABELS[:, None].astype(stored)))
    assert dataset.train.x.dtype == np.dtype(kept)
    np.testing.assert_array_equal(dataset.train.x, IMAGES.reshape(30, 12))
    np.testing.assert_array_equal(dataset.train.y, LABELS)


def test_whole_numbers_beyond_a_byte_stay_exact_as_floats(tmp_path: Path) -> None:
    dataset = load_npz(save(tmp_path, x_train=np.array([[-5, 70_000]] * 9), y_train=np.arange(9) % 2))
    np.testing.assert_array_equal(dataset.train.inputs()[0], [-5, 70_000])


def test_truth_values_are_zeros_and_ones(tmp_path: Path) -> None:
    dataset = load_npz(save(tmp_path, x_train=IMAGES > 99, y_train=LABELS == 1))
    np.testing.assert_array_equal(np.unique(dataset.train.inputs()), [0, 1])
    assert dataset.class_names == ("0", "1")


def with_value(value: float) -> np.ndarray:
    x = IMAGES.reshape(30, 12).astype(np.float64)
    x[4, 7] = value
    return x


WRONG = {
    "no x_train": ({"images": IMAGES, "labels": LABELS}, "x_train is missing; it holds images, labels"),
    "no y_train": ({"x_train": IMAGES}, "y_train is missing; it holds x_train"),
    "half a test pair": ({"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES}, "y_test is missing"),
    "nan": ({"x_train": with_value(np.nan), "y_train": LABELS}, "has nan in row 4 at position 7"),
    "infinity": ({"x_train": with_value(-np.inf), "y_train": LABELS}, "has -inf in row 4 at position 7"),
    "fewer labels": ({"x_train": IMAGES, "y_train": LABELS[:9]}, "has 30 rows and 9 labels"),
    "one-hot": (
        {"x_train": IMAGES, "y_train": np.eye(3)[LABELS]},
        r"have \(30, 3\)\. .*`np\.argmax\(y, axis=1\)`",
    ),
    "four dimensions": ({"x_train": IMAGES[..., None], "y_train": LABELS}, r"have \(30, 4, 3, 1\)\. Reshape"),
    "real labels": (
        {"x_train": IMAGES, "y_train": LABELS + 0.5},
        r"Labels must be whole numbers, but .* has 0\.5 in row 0",
    ),
    "texts as rows": (
        {"x_train": np.full((30, 2), "a"), "y_train": LABELS},
        "Rows must be numbers, but .* type <U1",
    ),
    "dates as labels": ({"x_train": IMAGES, "y_train": LABELS.astype("M8[D]")}, r"are datetime64\[D\]"),
    "no rows": ({"x_train": IMAGES[:0], "y_train": LABELS[:0]}, "needs at least one row, but .* is empty"),
    "another width": (
        {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:, :2], "y_test": LABELS},
        r"has images of 4×3, .* has images of 2×3",
    ),
    "mixed labels": (
        {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS.astype(str)},
        "All splits need labels of one kind",
    ),
}


@pytest.mark.parametrize(("arrays", "message"), WRONG.values(), ids=WRONG)
def test_an_archive_with_wrong_arrays_is_named(arrays: Any, message: str, tmp_path: Path) -> None:
    file = save(tmp_path, **arrays)
    with pytest.raises(UserError, match=message) as raised:
        load_npz(file)
    assert str(file) in str(raised.value)


class Trap:
    """Reading it as a Python object makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self.file,)


@pytest.mark.parametrize("name", ["x_train", "y_train"])
def test_python_objects_are_refused_and_their_code_is_not_run(name: str, tmp_path: Path) -> None:
    trap = np.array([Trap(tmp_path / "sprung")] * 30, dtype=object)
    file = save(tmp_path, **{"x_train": IMAGES, "y_train": LABELS} | {name: trap})  # type: ignore[arg-type]
    with pytest.raises(UserError, match=f"{name} in .* Python objects"):
        load_npz(file)
    assert not (tmp_path / "sprung").exists()


def archive_bytes() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, x_train=IMAGES, y_train=LABELS)
    return stream.getvalue()


def npy_bytes() -> bytes:
    stream = io.BytesIO()
    np.save(stream, IMAGES)
    return stream.getvalue()


def zip_of_text() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("x_train", "hello")
        archive.writestr("y_train", "hello")
    return stream.getvalue()


BROKEN = {
    "empty": (b"", "complete .npz archive.* cut off or of another kind"),
    "cut off": (archive_bytes()[:-30], "complete .npz archive.* cut off or of another kind"),
    "text": (b"hello " * 30, "complete .npz archive.* cut off or of another kind"),
    "one array": (npy_bytes(), "complete .npz archive.* cut off or of another kind"),
    "changed byte": (
        archive_bytes()[:200] + b"\x00\xff\x00" + archive_bytes()[203:],
        "x_train in .* is damaged",
    ),
    "zip of texts": (zip_of_text(), "x_train in .* is not a NumPy array"),
}


@pytest.mark.parametrize(("contents", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_archive_is_named(contents: Any, message: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.npz"
    file.write_bytes(contents)
    with pytest.raises(UserError, match=message) as raised:
        load_npz(file)
    assert str(file) in str(raised.value)


def test_a_folder_with_several_archives_is_refused(tmp_path: Path) -> None:
    save(tmp_path, "a.npz", x_train=IMAGES, y_train=LABELS)
    save(tmp_path, "b.npz", x_train=IMAGES, y_train=LABELS)
    with pytest.raises(UserError, match=r"exactly one \.npz file, but .* holds a\.npz, b\.npz"):
        load_npz(tmp_path)
