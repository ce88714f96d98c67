"""What is scaled as an image, and what never is: a table, whatever its numbers are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlab.data import Dataset, DataSettings, SplitSettings, load
from nnlab.errors import UserError

RNG = np.random.default_rng(0)
NINE = RNG.integers(1, 11, (60, 9))
IMAGES = RNG.integers(0, 256, (60, 8, 8)).astype(np.uint8)
BITS = (IMAGES > 127).astype(np.uint8)
LABELS = np.arange(60) % 2


def load_npz(folder: Path, x: np.ndarray, *, test: np.ndarray | None = None, **settings: Any) -> Dataset:
    more: dict[str, Any] = {} if test is None else {"x_test": test, "y_test": LABELS[: len(test)]}
    np.savez(folder / "data.npz", x_train=x, y_train=LABELS, **more)
    return load(DataSettings(name="npz", root=str(folder / "data.npz"), **settings))


def changed(x: np.ndarray, value: float) -> np.ndarray:
    copy = x.astype(np.result_type(x, type(value)))
    copy.reshape(len(x), -1)[5, 5] = value
    return copy


@pytest.mark.parametrize("stored", ["u1", "i8", "f4", "f8", ">i2", "u8"])
def test_nine_columns_of_whole_numbers_stay_as_they_are_whatever_their_type(stored: str, tmp_path: Path) -> None:
    dataset = load_npz(tmp_path, NINE.astype(stored))
    np.testing.assert_array_equal(dataset.train.inputs(np.float64), NINE[dataset.train.index])
    assert dataset.notes[-1].startswith("inputs: a table")
    assert dataset.image_shape is None


@pytest.mark.parametrize("value", [10.5, 300, -1, 2**53 + 1, 1e30])
@pytest.mark.parametrize("settings", [{}, {"standardize": True}], ids=["as they are", "standardized"])
def test_no_cell_elsewhere_changes_the_inputs_of_a_training_row(
    value: float, settings: dict[str, bool], tmp_path: Path
) -> None:
    before = load_npz(tmp_path, NINE, test=NINE[:9], **settings)
    after = load_npz(tmp_path, NINE, test=changed(NINE[:9], value), **settings)
    for dtype in (np.float32, np.float64):
        np.testing.assert_array_equal(after.train.inputs(dtype), before.train.inputs(dtype))


@pytest.mark.parametrize("x", [IMAGES, IMAGES.reshape(60, 64), np.asfortranarray(IMAGES)])
def test_bytes_of_the_form_of_an_image_are_divided_by_255(x: np.ndarray, tmp_path: Path) -> None:
    dataset = load_npz(tmp_path, x)
    expected = IMAGES.reshape(60, 64)[dataset.train.index] / 255
    np.testing.assert_allclose(dataset.train.inputs(np.float64), expected, rtol=1e-15)
    assert dataset.notes[-1] == "inputs: images of 8×8, pixels / 255"


@pytest.mark.parametrize("stored", ["i8", "f4", "u2"])
def test_numbers_of_another_type_are_not_bytes(stored: str, tmp_path: Path) -> None:
    dataset = load_npz(tmp_path, IMAGES.astype(stored))
    assert dataset.train.inputs().max() == 255


def test_the_inputs_of_images_can_be_left_as_they_are(tmp_path: Path) -> None:
    assert load_npz(tmp_path, IMAGES, scale="none").train.inputs().max() == 255


def test_images_of_bits_stay_bits_and_no_test_pixel_changes_that(tmp_path: Path) -> None:
    dataset = load_npz(tmp_path, BITS, test=changed(BITS, 255).astype(np.uint8))
    assert set(np.unique(dataset.train.inputs())) == {0.0, 1.0}


@pytest.mark.parametrize("x", [changed(BITS, 2), changed(BITS, 255), BITS * 16])
def test_bytes_that_may_be_bits_or_pixels_are_refused_with_a_remedy(x: np.ndarray, tmp_path: Path) -> None:
    everything = SplitSettings(strategy="tail", test=0, validation=0)
    with pytest.raises(UserError, match=r"largest is \d+: .*`data\.scale=none`"):
        load_npz(tmp_path, x.astype(np.uint8), split=everything)
    dataset = load_npz(tmp_path, x.astype(np.uint8), split=everything, scale="none")
    assert dataset.train.inputs().max() == x.max()


def test_test_images_that_are_not_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Pixels must be whole numbers from 0 to 255, .* \(x_test .* in row 0"):
        load_npz(tmp_path, IMAGES, test=(IMAGES[:9] / 255 + 0.001))


@pytest.mark.parametrize(
    ("header", "is_image"),
    [
        ("label,pixel0,pixel1,pixel2,pixel3", True),
        ("label,1x1,1x2,2x1,2x2", True),
        ('"label","pixel0","pixel1","pixel2","pixel3"', True),
        ("label,a,b,c,d", False),
        ("label,pixel0,pixel1,pixel2,age", False),
        ("", False),
    ],
)
def test_columns_of_a_csv_file_are_pixels_if_they_are_called_so(header: str, is_image: bool, tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text(f"{header}\n".lstrip() + "1,0,51,102,255\n0,255,102,51,0\n" * 5)
    split = SplitSettings(strategy="tail", test=0, validation=0)
    dataset = load(DataSettings(name="csv", root=str(file), split=split))
    expected = np.array([0, 51, 102, 255]) / (255 if is_image else 1)
    np.testing.assert_allclose(dataset.train.inputs(np.float64)[0], expected, rtol=1e-15)
