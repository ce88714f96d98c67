"""MNIST's file format: small files written by its description, damaged ones, and the real ones."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from idx_samples import idx_bytes, tiny_digits, write_idx_folder

from nnlab.data import DataSettings, SplitSettings, load
from nnlab.errors import UserError

REAL_MNIST = Path(__file__).parents[2].parent / "shared" / "data" / "mnist"
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def load_idx(folder: Path) -> Any:
    return load(DataSettings(name="idx", root=str(folder)))


def test_the_rows_are_those_that_were_written(idx_folder: Path) -> None:
    dataset = load_idx(idx_folder)
    images, labels = tiny_digits(40, seed=0)
    np.testing.assert_array_equal(dataset.train.x, images.reshape(40, 12))
    np.testing.assert_array_equal(dataset.train.y, labels)
    np.testing.assert_allclose(dataset.test.inputs() * 255, tiny_digits(20, seed=1)[0].reshape(20, 12), rtol=1e-6)
    assert dataset.image_shape == (4, 3)
    assert dataset.class_names == tuple("0123456789")
    assert (dataset.train.x.dtype, dataset.train.y.dtype) == (np.uint8, np.int64)
    assert dataset.train.x.flags.c_contiguous
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (34, 6, 20)


def test_plain_gzip_and_dotted_names_hold_the_same_data(tmp_path: Path) -> None:
    packed = write_idx_folder(tmp_path / "packed")
    plain = write_idx_folder(tmp_path / "plain", ending="")
    dotted = write_idx_folder(tmp_path / "dotted", ending="")
    for file in list(dotted.iterdir()):
        file.rename(dotted / file.name.replace("-idx", ".idx"))
    mislabelled = write_idx_folder(tmp_path / "mislabelled", ending="")
    for file in list(mislabelled.iterdir()):
        file.rename(mislabelled / (file.name + ".gz"))  # as browsers leave them that decompress on the way
    assert len({load_idx(folder).sha256 for folder in (packed, plain, dotted, mislabelled)}) == 1


def test_without_the_test_pair_the_test_fraction_applies(tmp_path: Path) -> None:
    dataset = load_idx(write_idx_folder(tmp_path, test=False))
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (26, 6, 8)


def test_pooled_splits_both_pairs_together(idx_folder: Path) -> None:
    settings = DataSettings(name="idx", root=str(idx_folder), split=SplitSettings(pooled=True, validation=0, test=0.1))
    dataset = load(settings)
    assert (len(dataset.train), len(dataset.test), len(dataset.train.x)) == (54, 6, 60)
    assert dataset.sha256 == load_idx(idx_folder).sha256


def test_labels_that_do_not_start_at_zero_become_classes_named_by_them(idx_folder: Path) -> None:
    for prefix, n in (("train", 40), ("t10k", 20)):
        labels = np.resize(np.array([3, 26], dtype=np.uint8), n)
        (idx_folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels)))
    dataset = load_idx(idx_folder)
    assert dataset.class_names == ("3", "26")
    np.testing.assert_array_equal(dataset.train.y, np.resize([0, 1], 40))


def test_a_relative_root_starts_from_the_current_folder(idx_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(idx_folder.parent)
    assert load(DataSettings(name="idx", root="idx")).sha256 == load_idx(idx_folder).sha256


def images_of(n: int) -> bytes:
    return idx_bytes(tiny_digits(n, seed=0)[0])


WHOLE = gzip.compress(images_of(40), mtime=0)

DAMAGED = {
    "gzip cut off": (
        TRAIN_IMAGES,
        WHOLE[:-20],
        r"gzip .* \d+ bytes do not decompress",
    ),
    "gzip changed": (TRAIN_IMAGES, WHOLE[:60] + b"\0" * 9 + WHOLE[69:], "gzip .* do not decompress"),
    "body cut off": (
        TRAIN_IMAGES,
        images_of(40)[:-1],
        r"must have 496 bytes, .* images of shape \(40, 4, 3\), but has 495",
    ),
    "body too long": (
        TRAIN_IMAGES,
        images_of(40) + b"x",
        r"must have 496 bytes, .* but has 497\. Copy or download",
    ),
    "header cut off": (
        TRAIN_IMAGES,
        images_of(40)[:10],
        "IDX header of 16 bytes, but has 10 bytes",
    ),
    "empty": (TRAIN_LABELS, b"", "IDX header of 8 bytes, but has 0 bytes"),
    "labels for images": (
        TRAIN_IMAGES,
        idx_bytes(np.zeros(40, dtype=np.uint8)),
        r"must hold images \(magic number 2051\), but its magic number is 2049: it is a file of labels",
    ),
    "images for labels": (
        TRAIN_LABELS,
        images_of(40),
        r"must hold labels \(magic number 2049\), .* file of images",
    ),
    "web page": (TRAIN_LABELS, b"<html>Not found</html>", r"magic number 2049\), but its magic number is 1013478509"),
    "too few images": (TRAIN_IMAGES, images_of(39), r"has 39 rows and 40 labels\. Give the two arrays"),
    "no images": (TRAIN_IMAGES, idx_bytes(np.zeros((0, 4, 3), dtype=np.uint8)), "has 0 rows and 40 labels"),
    "another image size": (
        TRAIN_IMAGES,
        idx_bytes(np.zeros((40, 5, 5), dtype=np.uint8)),
        r"All splits need rows of the same shape, but .*train-images.* has images of 5×5, .*t10k.* of 4×3",
    ),
}


@pytest.mark.parametrize(("name", "contents", "message"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_named_with_what_was_found_and_expected(
    name: str, contents: Any, message: str, idx_folder: Path
) -> None:
    (idx_folder / f"{name}.gz").write_bytes(contents)
    with pytest.raises(UserError, match=message) as raised:
        load_idx(idx_folder)
    assert name in str(raised.value)


def test_missing_files_folders_and_roots_are_named(idx_folder: Path) -> None:
    with pytest.raises(UserError, match=r"`data\.root` is not set\. Add `data\.root=PATH`"):
        load(DataSettings(name="idx"))
    with pytest.raises(UserError, match=r"absent` must be .* No such file or directory\. Relative paths start"):
        load_idx(idx_folder / "absent")
    for impossible in ("~nobody-of-this-name/mnist", "a\0b"):
        with pytest.raises(UserError, match=r"must be a path that can be read, but: .*(home folder|null byte)"):
            load(DataSettings(name="idx", root=impossible))
    with pytest.raises(UserError, match=r"needs a folder as `data\.root`, but .* is a file"):
        load_idx(idx_folder / f"{TRAIN_IMAGES}.gz")
    (idx_folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(UserError, match=r"needs t10k-labels-idx1-ubyte \(or .*holds t10k-images-idx3-ubyte\.gz, train"):
        load_idx(idx_folder)
    empty = idx_folder / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match=r"needs train-images-idx3-ubyte .* holds nothing"):
        load_idx(empty)


def test_a_file_that_may_not_be_read_is_named(idx_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    original = Path.open

    def refuse(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self.name.startswith(TRAIN_LABELS):
            raise PermissionError(13, os.strerror(13), str(self))
        return original(self, *args, **kwargs)

    # Not by chmod: tests may run as root, who may read everything.
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match=r"train-labels.* Permission denied"):
        load_idx(idx_folder)


def test_a_root_is_refused_by_sources_that_do_not_read_it(idx_folder: Path) -> None:
    with pytest.raises(UserError, match=r"is for idx, csv, npz, .*`data=digits` does not read it\. Leave it out"):
        load(DataSettings(name="digits", root=str(idx_folder)))


@pytest.mark.skipif(not REAL_MNIST.is_dir(), reason="the real MNIST files are not beside the repository")
def test_real_mnist_has_its_published_counts() -> None:
    dataset = load(DataSettings(name="idx", root=str(REAL_MNIST), split=SplitSettings(strategy="tail", validation=0.2)))
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (48_000, 12_000, 10_000)
    assert (dataset.features, dataset.classes, dataset.image_shape) == (784, 10, (28, 28))
    # Digits by class in the two sets, as often published (for example in Keras' and TFDS' statistics).
    np.testing.assert_array_equal(
        np.bincount(dataset.train.y), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    )
    np.testing.assert_array_equal(np.bincount(dataset.test.y), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
    # The first training labels, as everybody's first look at MNIST shows them.
    np.testing.assert_array_equal(dataset.train.y[:10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
    assert dataset.train.x.base is not None
    assert dataset.validation.x is dataset.train.x
