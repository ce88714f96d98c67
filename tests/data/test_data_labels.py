"""What can be classes and what cannot, by one rule for every source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from nnlab.data import load
from nnlab.data.labels import to_classes
from nnlab.data.settings import DataSettings
from nnlab.errors import UserError

RNG = np.random.default_rng(0)


def classes_of(labels: Any) -> tuple[str, ...]:
    return to_classes({"train": (np.asarray(labels), "the rows")})[1]


CLASSES = {
    "a truth table": [0, 1, 1, 0],
    "two rows": [3, 7],
    "3 classes in 6 rows": [5, 6, 7, 5, 6, 7],
    "5 classes in 10 rows": np.arange(10) % 5,
    "10 digits": datasets.load_digits().target,
    "26 letters": RNG.permutation(np.repeat(np.arange(1, 27), 8)),
    "100 classes of 10 rows": RNG.permutation(np.repeat(np.arange(100), 10)),
    "a quality from 3 to 8": np.repeat(np.arange(3, 9), [1, 2, 80, 90, 30, 3]),
    "dates of two days": [20240101, 20240102] * 20,
    "minus and plus": [-1, 1] * 20,
    "as floats": np.repeat(np.arange(10.0), 5),
    "texts": ["cat", "dog"] * 9,
    "many texts": np.repeat([f"n{number}" for number in range(200)], 5),
    "long numbers": [2**60, 2**60 + 1] * 3,
    "bytes": np.array([250, 255] * 5, dtype=np.uint8),
}


@pytest.mark.parametrize("labels", CLASSES.values(), ids=CLASSES)
def test_classes_are_numbered_in_their_order_as_numpy_does(labels: Any) -> None:
    names, positions = np.unique(np.asarray(labels), return_inverse=True)
    found, found_names = to_classes({"train": (np.asarray(labels), "the rows")})
    np.testing.assert_array_equal(found["train"], positions)
    assert found_names == tuple(str(int(name)) if names.dtype.kind == "f" else str(name) for name in names)


NUMBERS = {
    "as many as rows": (np.arange(200), "200 distinct labels in 200 rows.*an index or numbers"),
    "three of three": ([0, 1, 2], "3 distinct labels in 3 rows, .*an index or numbers"),
    "diabetes": (datasets.load_diabetes().target, "214 distinct labels in 442 rows"),
    "house prices": (datasets.load_diabetes().target * 1000, "214 distinct"),
    "reals": (RNG.normal(size=50), "Labels must be whole numbers, but .* in row 0"),
    "ages": (RNG.integers(18, 90, 400), "not numbered from 0"),
    "ages of many": (RNG.integers(18, 90, 50_000), "72 distinct .* 50,000 rows, from 18 to 89.*not numbered"),
    "a count with gaps": (RNG.poisson(30, 3000), "not numbered from 0"),
    "few rows each": (RNG.integers(0, 60, 200), "distinct labels in 200 rows"),
    "few numbers in few rows": ([10, 12, 15, 17, 10], "4 distinct labels in 5 rows"),
}


@pytest.mark.parametrize(("labels", "message"), NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_an_index_and_a_number_to_predict_are_refused_as_such(labels: Any, message: str, dtype: Any) -> None:
    labels = np.asarray(labels)
    is_whole = (labels == np.trunc(labels)).all()
    with pytest.raises(UserError, match=message) as raised:
        classes_of(labels.astype(dtype) if is_whole else labels)
    assert "regression is not" in str(raised.value)


def test_the_remedy_for_classes_with_numbers_of_their_own_works() -> None:
    codes = np.repeat(np.arange(65, 91), 6)  # the letters' codes
    with pytest.raises(UserError, match=r"`np\.unique\(labels, return_inverse=True\)\[1\]`"):
        classes_of(codes)
    assert len(classes_of(np.unique(codes, return_inverse=True)[1])) == 26


@pytest.mark.parametrize(("dtype", "number"), [(np.float32, 2**24), (np.float64, 2**53), (np.float16, 2**11)])
def test_floats_beyond_what_their_type_counts_are_not_labels(dtype: Any, number: Any) -> None:
    assert classes_of(np.array([number - 1, number - 2] * 2, dtype=dtype)) == (str(number - 2), str(number - 1))
    with pytest.raises(UserError, match=f"below {number}, but the rows has {number} in row 0"):
        classes_of(np.array([number, 0] * 2, dtype=dtype))


def test_labels_beyond_int64_are_refused() -> None:
    with pytest.raises(UserError, match=r"below 2\^63, but the rows has 9223372036854775808"):
        classes_of(np.array([2**63, 1] * 2, dtype=np.uint64))


def test_published_classes_are_held_to_their_list_alone() -> None:
    labels = {"train": (np.arange(10), "the rows")}
    assert to_classes(labels, tuple("0123456789"))[1] == tuple("0123456789")
    with pytest.raises(UserError, match="Labels must be 0 to 8, but the rows has 9"):
        to_classes(labels, tuple("012345678"))


def test_the_title_says_how_many_classes_there_are_where_they_are_many(tmp_path: Path) -> None:
    for count, words in ((100, ["labels: 100 classes, 0 to 99"]), (10, [])):
        np.savez(tmp_path / "y.npz", x_train=np.ones((1000, 2)), y_train=np.arange(1000) % count)
        dataset = load(DataSettings("npz", root=str(tmp_path / "y.npz")))
        assert [note for note in dataset.notes if note.startswith("labels")] == words
