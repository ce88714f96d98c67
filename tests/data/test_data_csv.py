"""CSV files: Kaggle's form, variants of it, and every way in which such a file can be wrong."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from csv_samples import KAGGLE, load_csv, read
from csv_samples import write as write_into

from nnlab.data import DataSettings, load
from nnlab.errors import UserError


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(contents: Any, name: str = "data.csv") -> Any:
        return write_into(tmp_path, contents, name)

    return write


def test_kaggles_form_is_read_as_bytes(write: Callable[..., Path]) -> None:
    dataset = load_csv(write(KAGGLE))
    np.testing.assert_array_equal(dataset.train.x, [[0, 255, 3, 4], [9, 8, 7, 6], [0, 0, 0, 0], [1, 2, 3, 4]])
    np.testing.assert_array_equal(dataset.train.y, [1, 0, 1, 0])
    assert dataset.train.x.dtype == np.uint8
    assert dataset.train.x.flags.c_contiguous
    assert dataset.image_shape == (2, 2)
    assert dataset.train.inputs()[0, 1] == 1.0


@pytest.mark.parametrize(
    "contents",
    [
        KAGGLE.partition("\n")[2],
        KAGGLE.replace("\n", "\r\n"),
        "\ufeff" + KAGGLE.partition("\n")[2],
        KAGGLE + "\n\n",
        KAGGLE.replace("\n", "\n\n", 1),
        KAGGLE.rstrip("\n"),
        KAGGLE.replace("label,pixel0", '"label","pixel0"'),
        KAGGLE.replace("pixel", ""),
        KAGGLE.replace(",255,", ",2.55e2,"),
        KAGGLE.replace(",", " , "),
        gzip.compress(KAGGLE.encode()),
    ],
    ids=[
        "no header",
        "windows",
        "byte order mark",
        "blank lines",
        "a blank line after the header",
        "no last newline",
        "quotes",
        "numbers as names",
        "exponent",
        "spaces",
        "gzip",
    ],
)
def test_variants_of_the_form_hold_the_same_data(contents: Any, write: Callable[..., Path]) -> None:
    assert load_csv(write(contents)).sha256 == load_csv(write(KAGGLE, "kaggle.csv")).sha256


def test_the_label_may_be_in_another_column(write: Callable[..., Path]) -> None:
    dataset_file = write("a,b,label\n0.5,1.5,7\n-1,2,3\n")
    dataset = load_csv(dataset_file, label_column=2)
    np.testing.assert_array_equal(dataset.train.x, [[0.5, 1.5], [-1, 2]])
    np.testing.assert_array_equal(dataset.train.y, [1, 0])
    assert dataset.class_names == ("3", "7")
    assert load_csv(dataset_file, label_column=-1).sha256 == dataset.sha256
    assert dataset.image_shape is None
    np.testing.assert_array_equal(dataset.train.inputs(), dataset.train.x)  # floats are left alone


@pytest.mark.parametrize("number", ["256", "-1", "70000", "16777217", "9007199254740991", "-9007199254740991"])
def test_whole_numbers_beyond_a_byte_are_exact(number: Any, write: Callable[..., Path]) -> None:
    file = write(f"1,{number},7\n0,2,8\n")
    assert int(read(file).table[0, 1]) == int(load_csv(file).train.x[0, 0]) == int(number)


def test_labels_beyond_a_byte_leave_pixels_as_bytes(write: Callable[..., Path]) -> None:
    assert load_csv(write("300,255,0\n301,254,1\n")).train.x.dtype == np.uint8


def test_tables_of_bits_are_not_divided_by_255(write: Callable[..., Path]) -> None:
    dataset = load_csv(write("0,1,1\n1,1,0\n"))
    np.testing.assert_array_equal(dataset.train.inputs(), [[1, 1], [1, 0]])


@pytest.mark.parametrize("names", [("train.csv", "test.csv"), ("mnist_train.csv.gz", "mnist_test.csv.gz")])
def test_a_folder_gives_a_training_and_a_test_split(names: Any, write: Callable[..., Path], tmp_path: Path) -> None:
    for name, contents in zip(names, (KAGGLE, "0,1,1,1,1\n"), strict=True):
        write(gzip.compress(contents.encode()) if name.endswith(".gz") else contents, name)
    dataset = load_csv(tmp_path)
    assert (len(dataset.train), len(dataset.test)) == (4, 1)
    np.testing.assert_array_equal(dataset.test.x, [[1, 1, 1, 1]])


MALFORMED = {
    "empty": (b"", {}, "needs at least one row, but .* has none"),
    "header only": (b"label,pixel0\n", {}, "needs at least one row, but .* has none"),
    "ragged": (b"1,2,3\n0,2\n", {}, "line 2 of .* has 2 columns where line 1 has 3"),
    "word": (
        b"label,a,b\n1,2,3\n\n0,dog,3\n",
        {},
        r"line 4 of .* has 'dog' in column 1 \(counted from 0, 'a'\), which is not a",
    ),
    "word in first line": (
        b"1,dog,3\n0,2,3\n",
        {},
        r"line 1 of .* \(1, dog, 3\) could be either: .*`data\.header=yes`",
    ),
    "hole": (b"1,2,3\n0,,3\n", {}, "line 2 of .* has '' in column 1 .* missing value"),
    "nan": (b"1,2,3\n0,nan,3\n", {}, "line 2 of .* has 'nan' in column 1 .* missing value"),
    "infinity": (b"1,2,3\n0,4,inf\n", {}, "line 2 of .* has 'inf' in column 2 .* not a finite number"),
    "comment in a line": (b"1,2,3\n0,1,3 # here\n", {}, "line 2 of .* has '3 # here' in column 2"),
    "real label": (
        b"1,2,3\n0.5,1,3\n",
        {},
        "line 2 of .* has '0.5' in column 0 .* the label but not a whole number",
    ),
    "no such column": (KAGGLE.encode(), {"label_column": 5}, r"`data\.label_column=5` .* line 1 of .* has 5"),
    "header denied": (KAGGLE.encode(), {"header": "no"}, "line 1 of .* has 'label' in column 0"),
    "two headers": (b"label,a\nlabel,a\n1,2\n", {}, "line 2 of .* has 'label' in column 0"),
    "not text": (b"1,2\n" * 9000 + b"\xff\xfe", {}, "must be text in UTF-8, but its byte 36000 is not"),
    "wrong column": (
        b"0,2,3\n0,4,5\n",
        {},
        r"every label of .* is 0\. .*`data\.label_column=K`.* name that one",
    ),
    "gzip cut off": (gzip.compress(KAGGLE.encode() * 50)[:-9], {}, "gzip .* do not decompress"),
}


@pytest.mark.parametrize(("contents", "settings", "message"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_file_is_named_with_the_line(
    contents: Any, settings: Any, message: str, write: Callable[..., Path]
) -> None:
    file = write(contents)
    with pytest.raises(UserError, match=message) as raised:
        load_csv(file, **settings)
    assert str(file) in str(raised.value)


def test_the_columns_of_a_test_file_stand_in_the_same_order(write: Callable[..., Path], tmp_path: Path) -> None:
    write("label,a,b\n1,2,3\n0,3,2\n", "train.csv")
    write("label,b,a\n1,2,3\n0,3,2\n", "test.csv")
    with pytest.raises(UserError, match=r"column 1 is 'b' in .*test\.csv and 'a' in .*train\.csv"):
        load_csv(tmp_path)


def test_kaggles_test_file_without_labels_is_explained(write: Callable[..., Path], tmp_path: Path) -> None:
    write(KAGGLE, "train.csv")
    write("pixel0,pixel1,pixel2,pixel3\n1,2,3,4\n", "test.csv")
    with pytest.raises(UserError, match=r"has one fewer: .* no labels.*data\.root=.*train\.csv"):
        load_csv(tmp_path)


@pytest.mark.parametrize("label", [0, -1])
def test_a_test_file_of_another_width_is_refused(label: Any, write: Callable[..., Path], tmp_path: Path) -> None:
    write("1,2,3,4,1\n0,4,5,6,0\n", "train.csv")
    write("1,2,1\n", "test.csv")
    with pytest.raises(UserError, match=r"test\.csv has 3 and .*train\.csv has 5"):
        load_csv(tmp_path, label_column=label)


def test_a_folder_without_a_training_file_is_refused(write: Callable[..., Path], tmp_path: Path) -> None:
    write(KAGGLE, "digits.csv")
    with pytest.raises(UserError, match=r"needs train\.csv or mnist_train\.csv \(or \.gz\), but .* holds digits\.csv"):
        load_csv(tmp_path)


@pytest.mark.slow
def test_mnist_5k_written_as_csv_keeps_its_digest(tmp_path: Path) -> None:
    embedded = load(DataSettings(name="mnist_5k"))
    file = tmp_path / "mnist_train.csv.gz"
    np.savetxt(file, np.column_stack([embedded.train.y, embedded.train.x]), fmt="%d", delimiter=",")
    assert load(DataSettings(name="csv", root=str(file))).sha256 == embedded.sha256


def test_a_header_wider_than_the_rows_that_numpy_sees_is_told(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("a b c\n" + "0 \u00a0 1\n1 \u00a0 2\n" * 4, encoding="utf-8")
    with pytest.raises(UserError, match=r"line 2 of .*data\.csv has '' in column 1 .*'b'"):
        load_csv(file, label_column=-1)


@pytest.mark.parametrize("strange", ["\u3566", "\u0664", "\u01664", "\U0001f600"])
def test_characters_that_numpy_takes_for_digits_are_none(strange: str, tmp_path: Path) -> None:
    # np.loadtxt(["1\u3566"], dtype="u1") is 64: it asks the C library about characters of more than a byte.
    file = tmp_path / "data.csv"
    file.write_text(f"label,a\n0,1\n1,1{strange}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"line 3 of .* in column 1"):
        load_csv(file)


def test_a_header_in_any_script_leaves_the_numbers_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("label,Größe,\u6570\U0001f600\n" + "0,1,2\n1,3,4\n" * 3, encoding="utf-8")
    np.testing.assert_array_equal(load_csv(file).train.x[:2], [[1, 2], [3, 4]])
