"""A header is told from a row, or asked for; an index is neither a feature nor a label. No row is dropped or added."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from csv_samples import load_csv, read, write
from sklearn import datasets

from nnlab.data import DataSettings
from nnlab.data.loading import dataset_of
from nnlab.errors import UserError

RNG = np.random.default_rng(0)


def frame_of(kind: str, columns: int, rows: int = 40) -> pd.DataFrame:
    """A label of 0 or 1, and features, with pandas' own numbers as names."""
    values = {
        "reals": RNG.normal(size=(rows, columns - 1)),
        "digits": RNG.integers(0, 17, (rows, columns - 1)),
        "bits": RNG.integers(0, 2, (rows, columns - 1)),
    }[kind]
    frame = pd.DataFrame(values, columns=range(1, columns))
    frame.insert(0, 0, np.arange(rows) % 2)
    return frame


@pytest.mark.parametrize(("kind", "columns"), [("reals", 3), ("reals", 4), ("reals", 40), ("digits", 65), ("bits", 12)])
def test_numbers_that_pandas_gives_nameless_columns_are_no_row(kind: Any, columns: Any, tmp_path: Path) -> None:
    frame = frame_of(kind, columns)
    frame.to_csv(tmp_path / "x.csv", index=False)
    found = read(tmp_path / "x.csv")
    np.testing.assert_array_equal(found.table, frame.to_numpy())
    assert found.names == tuple(map(str, range(columns)))
    assert any(note.startswith("line 1 read as column names: 0, 1") for note in found.notes)


@pytest.mark.parametrize("kind", ["reals", "digits"])
@pytest.mark.parametrize("again", [False, True])
def test_labels_that_pandas_put_beside_the_features_have_a_number_too(kind: Any, again: Any, tmp_path: Path) -> None:
    frame = frame_of(kind, 40)
    labels, features = pd.Series(frame[0].to_numpy()), pd.DataFrame(frame.iloc[:, 1:].to_numpy())
    for label, parts in ((0, [labels, features]), (-1, [features, labels])):
        joined = pd.concat(parts, axis=1)  # type: ignore[call-overload]
        joined.to_csv(tmp_path / "x.csv", index=False)
        if again:
            pd.read_csv(tmp_path / "x.csv").to_csv(tmp_path / "x.csv", index=False)
        np.testing.assert_array_equal(read(tmp_path / "x.csv", label_column=label).table, joined.to_numpy())


def test_the_note_reaches_the_dataset(tmp_path: Path) -> None:
    frame_of("reals", 3).to_csv(tmp_path / "x.csv", index=False)
    assert "line 1 read as column names: 0, 1, 2" in load_csv(tmp_path / "x.csv").notes


@pytest.mark.parametrize("columns", [["target", 0, 1, 2], ["label", *range(1, 9)], ["y", *(400 + 2.5 * np.arange(20))]])
def test_numbers_after_a_word_for_the_label_are_names(columns: Any, tmp_path: Path) -> None:
    frame = pd.DataFrame(RNG.integers(0, 9, (20, len(columns))), columns=columns)
    frame.to_csv(tmp_path / "x.csv", index=False)
    np.testing.assert_array_equal(read(tmp_path / "x.csv").table, frame.to_numpy())


def test_numbers_before_a_word_for_the_label_are_names(tmp_path: Path) -> None:
    frame = frame_of("digits", 4).rename(columns={3: "target"})
    frame.to_csv(tmp_path / "x.csv", index=False)
    np.testing.assert_array_equal(read(tmp_path / "x.csv").table, frame.to_numpy())


def test_bits_are_rows(tmp_path: Path) -> None:
    file = write(tmp_path, "0,0,1\n0,1,0\n1,1,1\n1,0,0\n")
    assert len(read(file).table) == 4


@pytest.mark.parametrize("columns", [2, 5, 11])
@pytest.mark.parametrize("kind", ["reals", "digits", "bits"])
def test_a_file_without_names_keeps_its_first_row(kind: Any, columns: Any, tmp_path: Path) -> None:
    frame = frame_of(kind, columns)
    frame.iloc[0, 0] = 1  # so that it does not count from 0
    frame.to_csv(tmp_path / "x.csv", index=False, header=False)
    found = read(tmp_path / "x.csv")
    np.testing.assert_array_equal(found.table, frame.to_numpy())
    assert found.names is None


ASKED = {
    "whole numbers that pandas may have counted": "0,1,2\n1,0,2\n0,2,1\n1,1,1\n",
    "a truth table": "0,1\n1,0\n0,0\n1,1\n",
    "some of pandas' numbers": "0,2,5\n" + "1,0.5,0.25\n0,1.5,2.5\n" * 2,
    "one column of decimals": "0,1\n" + "1,0.5\n0,1.5\n" * 9,
    "few rows": "0,1,2\n1,0.5,1.5\n",
    "a label and whole numbers": "0,0,1,2\n" + "1,3,0,2\n0,1,2,2\n" * 9,
    "years": "2020,2021,2022\n" + "1,5,6\n0,7,8\n" * 6,
    "a word among numbers": "1,dog,3\n0,2,3\n1,5,4\n",
    "a word for the first label": "cat,5.1,3.5\n0,4.9,3.0\n1,5.5,2.5\n",
}


@pytest.mark.parametrize("contents", ASKED.values(), ids=ASKED)
def test_where_it_cannot_be_told_the_user_is_asked(contents: Any, tmp_path: Path) -> None:
    file = write(tmp_path, contents)
    with pytest.raises(UserError, match=r"could be either: .*`data\.header=yes` .*`data\.header=no`"):
        read(file)
    rows = len(contents.splitlines())
    assert len(read(file, header="yes").table) == rows - 1
    if contents[0].isdigit() and "dog" not in contents:
        assert len(read(file, header="no").table) == rows


def test_a_header_that_is_a_comment_does_not_cost_the_first_row(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "x.csv", [[1, 0.5], [0, 1.5]], delimiter=",", header="label,a")
    found = read(tmp_path / "x.csv")
    np.testing.assert_array_equal(found.table, [[1, 0.5], [0, 1.5]])
    assert any("1 comment skipped, the first in line 1: # label,a" in note for note in found.notes)
    with pytest.raises(UserError, match=r"line 2, all numbers, and line 1 is a comment"):
        read(tmp_path / "x.csv", header="yes")


INDEXED = {
    "as pandas writes it": lambda frame: frame.to_csv(),
    "shuffled": lambda frame: frame.sample(frac=1, random_state=0).to_csv(),
    "some of the rows": lambda frame: frame.sample(frac=0.5, random_state=0).to_csv(),
    "written and read again": lambda frame: frame.rename_axis("Unnamed: 0").to_csv(),
    "reset": lambda frame: frame.reset_index().to_csv(index=False),
    "counted from 1": lambda frame: frame.set_axis(range(1, len(frame) + 1)).rename_axis("Id").to_csv(),
    "without names": lambda frame: frame.to_csv(header=False),
    "without names, shuffled": lambda frame: frame.sample(frac=1, random_state=0).to_csv(header=False),
    "nameless columns": lambda frame: frame.set_axis(range(frame.shape[1]), axis=1).to_csv(),
    "in R": lambda frame: frame.set_axis(range(1, len(frame) + 1)).to_csv(quoting=2),
}


@pytest.mark.parametrize("write_frame", INDEXED.values(), ids=INDEXED)
@pytest.mark.parametrize("name", ["iris", "wine"])
def test_an_index_is_refused_left_out_or_kept(name: str, write_frame: Any, tmp_path: Path) -> None:
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    file = write(tmp_path, write_frame(frame))
    for label in (0, -1):
        with pytest.raises(
            UserError, match=r"An index is neither .*`data\.index=drop`.*`df\.to_csv\(file, index=False\)`"
        ):
            load_csv(file, label_column=label)
    with pytest.raises(UserError, match=r"the label is read from it.*`data\.label_column="):
        load_csv(file, index="drop")
    dropped, kept = (load_csv(file, label_column=-1, index=index) for index in ("drop", "keep"))
    assert dropped.features + 1 == kept.features == frame.shape[1]
    assert dropped.classes == len(frame["target"].unique())
    assert any("index: column 0" in note for note in dropped.notes)
    chosen = kept.train.x[:, 0].astype(int)
    chosen -= chosen.max() == len(frame)  # where it counts from 1
    np.testing.assert_array_equal(dropped.train.x, frame.to_numpy(dtype=dropped.train.x.dtype)[chosen, :-1])


def test_how_a_file_is_read_reaches_the_run(tmp_path: Path) -> None:
    frame = datasets.load_iris(as_frame=True).frame
    frame.to_csv(tmp_path / "x.csv", sep=";", decimal=",")
    chosen: dict[str, Any] = {
        "label_column": -1,
        "index": "drop",
        "delimiter": "semicolon",
        "decimal": "comma",
        "header": "yes",
    }
    dataset = dataset_of(DataSettings("csv", str(tmp_path / "x.csv"), limit=60, **chosen), seed=0)
    assert (dataset.features, dataset.classes, len(dataset.train)) == (4, 3, 60)
    np.testing.assert_array_equal(np.bincount(dataset.train.targets()), [20, 20, 20])


def test_no_index_is_seen_where_none_is(tmp_path: Path) -> None:
    few = write(tmp_path, "x,label\n" + "".join(f"{row},{row % 2}\n" for row in range(8)))
    assert load_csv(few, label_column=1).features == 1
    with pytest.raises(UserError, match=r"`data\.index=drop` needs an index, but .* has none"):
        load_csv(few, label_column=1, index="drop")
