"""Files as pandas, spreadsheets and R write them, held to what `pandas.read_csv` reads, to the last bit."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from csv_samples import as_pandas_reads, load_csv, read, write
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn import datasets

from nnlab.errors import UserError

HEAD = "label,a,b\n"
TABLE = HEAD + "1,2.5,-3\n0,0.1,4\n1,1e-3,5\n0,.5,6\n"

FAMILY = {
    "plain": (TABLE, {}),
    "semicolons": (TABLE.replace(",", ";"), {"sep": ";"}),
    "tabs": (TABLE.replace(",", "\t"), {"sep": "\t"}),
    "pipes": (TABLE.replace(",", "|"), {"sep": "|"}),
    "a space": (TABLE.replace(",", " "), {"sep": " "}),
    "runs of spaces": ("label a  b\n 1  2.5   -3 \n 0\t0.1 4\n", {"sep": r"\s+"}),
    "decimal commas": (TABLE.replace(",", ";").replace(".", ","), {"sep": ";", "decimal": ","}),
    "decimal commas, tabs": (TABLE.replace(",", "\t").replace(".", ","), {"sep": "\t", "decimal": ","}),
    "decimal commas, quoted": ('label,a,b\n1,"2,5",3\n0,"0,1",4\n', {"decimal": ","}),
    "all quoted": ('"label","a","b"\n"1","2.5","-3"\n"0","0.1","4"\n', {}),
    "names with delimiters, quotes and line breaks": ('"la,bel","a ""b""","c\nd"\n1,2.5,3\n0,4,5\n', {}),
    "windows": (TABLE.replace("\n", "\r\n"), {}),
    "old mac": (TABLE.replace("\n", "\r"), {}),
    "byte order mark": ("\ufeff" + TABLE, {}),
    "utf-16": (TABLE.encode("utf-16"), {"encoding": "utf-16"}),
    "a blank first line": ("\n  \n" + TABLE, {}),
    "blank lines": (TABLE.replace("\n", "\n\n"), {}),
    "comments": ("# by hand\n" + TABLE.replace("\n", "\n#,x\n", 2), {"comment": "#"}),
    "the first line of Excel": ("sep=;\n" + TABLE.replace(",", ";"), {"sep": ";", "skiprows": 1}),
    "spaces after commas": (TABLE.replace(",", ", "), {"skipinitialspace": True}),
    "signs": (HEAD + "+1,+2.,-0.0\n0,-.5,+3E+2\n", {}),
    "truth values": (HEAD + "1,True,-3\n0,False,4\n1,True,5\n", {}),
    "truth values as labels": (HEAD + "TRUE,1,-3\nFALSE,2,4\n", {}),
    "whole numbers of 2^53": (HEAD + "1,9007199254740992,-9007199254740991\n0,16777217,16777216\n", {}),
    "whole numbers beyond, and no others": (HEAD + "1,9007199254740993,-3\n0,1700000000000000001,16777216\n", {}),
    "whole numbers beyond, that float64 has": (HEAD + "1,9007199254740994,1\n0,1.2345678901234567e+20,2\n", {}),
    "digits beyond float64": (HEAD + "1,0.1234567890123456789,1\n0,2.2250738585072011e-308,2\n", {}),
}


@pytest.mark.parametrize(("contents", "options"), FAMILY.values(), ids=FAMILY)
def test_numbers_are_those_of_pandas(contents: Any, options: Any, tmp_path: Path) -> None:
    file = write(tmp_path, contents)
    expected = as_pandas_reads(file, **options)
    found = read(file)
    assert list(found.names) == list(expected.columns)  # type: ignore[arg-type]
    for column, name in enumerate(expected.columns):
        kind = np.int64 if found.table.dtype == np.int64 else np.float64
        np.testing.assert_array_equal(found.table[:, column].astype(kind), expected[name].to_numpy(dtype=kind))


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**53), 2**53).map(float),
    st.sampled_from([0.1, -0.0, 1e-300, 5e-324, 1.7976931348623157e308]),
)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(NUMBERS, NUMBERS, st.integers(-300, 300)), min_size=2, max_size=70),
    sep=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n"]),
    header=st.booleans(),
)
def test_any_frame_that_pandas_writes_is_read_back_bit_for_bit(
    rows: Any, sep: str, decimal: str, quoting: Any, end: str, header: Any, tmp_path: Path
) -> None:
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    frame.insert(0, "label", np.arange(len(rows)) % 2)
    form = {"sep": sep, "decimal": decimal}
    frame.to_csv(tmp_path / "x.csv", index=False, quoting=quoting, lineterminator=end, header=header, **form)  # type: ignore[call-overload]
    expected = as_pandas_reads(tmp_path / "x.csv", header=0 if header else None, **form)
    np.testing.assert_array_equal(expected.to_numpy(dtype=np.float64), frame.to_numpy(dtype=np.float64))
    found = read(tmp_path / "x.csv", header="yes" if header else "no", decimal="comma" if decimal == "," else "point")
    np.testing.assert_array_equal(found.table.astype(np.float64), frame.to_numpy(dtype=np.float64))


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits"])
@pytest.mark.parametrize("form", [{}, {"sep": ";", "decimal": ","}, {"sep": "\t"}], ids=["commas", "german", "tabs"])
def test_scikit_learns_sets_come_back_whole(name: str, form: Any, tmp_path: Path) -> None:
    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    bunch.frame.to_csv(tmp_path / "x.csv", index=False, **form)
    dataset = load_csv(tmp_path / "x.csv", label_column=-1)
    np.testing.assert_array_equal(dataset.train.x, bunch.data.to_numpy())
    np.testing.assert_array_equal(dataset.train.y, bunch.target.to_numpy())
    assert dataset.class_names == tuple(str(number) for number in np.unique(bunch.target))


@pytest.mark.parametrize("order", [1, -1], ids=["sorted", "reversed"])
def test_the_diabetes_target_is_a_number_to_predict(order: Any, tmp_path: Path) -> None:
    frame = datasets.load_diabetes(as_frame=True).frame[::order]
    frame.to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(UserError, match=r"214 distinct labels in 442 rows.*regression is not"):
        load_csv(tmp_path / "x.csv", label_column=-1)


@pytest.mark.parametrize(
    ("label", "rows"), [("age", range(20, 80)), ("price", range(199, 50_000, 997)), ("year", range(1990, 2024))]
)
def test_whole_numbers_to_predict_are_not_classes(label: Any, rows: Any, tmp_path: Path) -> None:
    values = np.repeat(list(rows), 6)
    pd.DataFrame({label: values, "x": np.linspace(0, 1, len(values))}).to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(UserError, match=rf"{len(rows)} distinct labels .*not numbered from 0.*regression is not"):
        load_csv(tmp_path / "x.csv")


def test_whole_labels_are_named_as_they_are_written(tmp_path: Path) -> None:
    file = write(tmp_path, "20240102.0,0.5\n20240101.0,1.5\n" * 2 + "9007199254740991,2\n9007199254740991,3\n")
    assert load_csv(file).class_names == ("20240101", "20240102", "9007199254740991")


@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet='0123 .,;\t|"#\r\n-eaN', max_size=60), header=st.sampled_from(["auto", "yes", "no"]))
def test_any_text_is_read_or_refused_with_one_message(text: Any, header: Any, tmp_path: Path) -> None:
    try:
        table = read(write(tmp_path, text), header=header).table
    except UserError:
        return
    assert np.isfinite(table).all()


REFUSED = {
    "a missing value": (TABLE + "1,,2\n", "line 6 .* has '' in column 1 .*'a'.* missing value"),
    "NA": (TABLE + "1,2,NA\n", "line 6 .* has 'NA' in column 2 .*missing value"),
    "an error of a spreadsheet": (TABLE + "#N/A,2,3\n", "line 6 .* has '#N/A' .*missing value"),
    "infinity": (TABLE + "1,-inf,2\n", "'-inf' .* not a finite number"),
    "overflow": (TABLE + "1,1e400,2\n", "'1e400' .* beyond the largest float64"),
    "underscores": (TABLE + "1,1_000,2\n", "'1_000' in column 1"),
    "hexadecimal": (TABLE + "1,0x10,2\n", "'0x10' .* not a decimal number"),
    "thousands": (TABLE + '1,"1,000.5",2\n', "'1,000.5' .* thousands"),
    "thousands, perhaps": (HEAD.replace(",", ";") + "1;1,234;2\n0;5,678;3\n", "'1,234' .*`data.decimal=comma`"),
    "a whole number between floats": (TABLE + "1,9007199254740993,2\n", "'9007199254740993' .* cannot hold exactly"),
    "the same with a point": (TABLE + "1,9007199254740993.0,2\n", "cannot hold exactly"),
    "the same as a label": (TABLE + "9007199254740993,1,2\n", "cannot hold exactly"),
    "both marks": (HEAD.replace(",", ";") + "1;1.5;2\n0;2,5;3\n", "'1.5' .*decimal point, and line 3 .*'2,5'"),
    "truth values among numbers": (TABLE + "1,True,2\n", "'True' in column 1"),
    "a date": (TABLE + "1,2024-01-31,2\n", "is a date or a time"),
    "a unit": (TABLE + "1,5%,2\n", "is a number with a unit"),
    "a text as label": (TABLE + "cat,2,3\n", "'cat' in column 0 .*Number the classes"),
    "arabic digits": (TABLE + "1,٣,2\n", "'٣' in column 1 .* plain digits"),
    "an open quote": (TABLE + '1,"2,3\n0,1,2\n', "quote"),
    "utf-16 without a mark": (TABLE.encode("utf-16-le"), "NUL character .* UTF-16 without a mark"),
    "latin-1": (TABLE.replace("a", "ä").encode("latin-1"), "its byte 1 is not.*iconv -f WINDOWS-1252"),
    "a spreadsheet": (b"PK\x03\x04 and more", r"a ZIP archive, a spreadsheet \(\.xlsx\)"),
    "another delimiter": (TABLE.replace(",", ":"), "'label:a:b', is one cell.*comma, semicolon, tab, pipe, space"),
    "one column": ("label\n1\n0\n", "needs a label column and at least one more"),
    "names fewer than cells": ("a,b\n1,1,2\n2,0,3\n", "2 names where the line below has 3 cells"),
}


@pytest.mark.parametrize(("contents", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_plain_number_is_refused_with_its_place(contents: Any, message: str, tmp_path: Path) -> None:
    file = write(tmp_path, contents)
    with pytest.raises(UserError, match=message) as raised:
        read(file)
    assert str(file) in str(raised.value)


@pytest.mark.parametrize(
    ("contents", "choice", "found"),
    [
        ("1;1,234;2\n0;5,678;3\n", {"decimal": "comma"}, 1.234),
        ("1 7;2\n0 7;3\n", {"delimiter": "semicolon", "header": "no"}, None),
        ("1|2|3\n0|5|3\n", {"delimiter": "pipe"}, 2),
    ],
)
def test_the_form_can_be_told(contents: Any, choice: Any, found: Any, tmp_path: Path) -> None:
    file = write(tmp_path, contents)
    if found is None:
        with pytest.raises(UserError, match="'1 7' in column 0"):
            read(file, **choice)
    else:
        assert read(file, **choice).table[0, 1] == found


def test_lines_may_end_with_a_delimiter(tmp_path: Path) -> None:
    plain = read(write(tmp_path, TABLE)).table
    rows = TABLE.removeprefix(HEAD)
    for contents in (TABLE.replace("\n", ",\n"), HEAD + rows.replace("\n", ",\n"), rows.replace("\n", ",\n")):
        found = read(write(tmp_path, contents))
        np.testing.assert_array_equal(found.table, plain)
        assert any("delimiter at the end" in note for note in found.notes)
    with pytest.raises(UserError, match=r"in column 2 .*missing value"):
        read(write(tmp_path, HEAD + "1,2,\n0,3,\n"))
