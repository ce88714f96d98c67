"""What `Sequential` takes as rows and targets: all that holds numbers, read alike; the rest is refused by name."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from nnlab.core import Dense, Sequential

X = np.random.default_rng(51).integers(-8, 9, size=(12, 3)) / 4.0  # exact in float16
Y = np.random.default_rng(52).integers(0, 3, 12)


def classifier(dtype: Any = np.float32) -> Sequential:
    model = Sequential([Dense(4, "tanh"), Dense(3, "softmax")], dtype=dtype)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def trained(x: Any, y: Any, dtype: Any = np.float32) -> bytes:
    model = classifier(dtype)
    model.fit(x, y, epochs=2, verbose=0)
    return model.network.parameters.values_vector.tobytes()


SAME_X = {
    "float32": X.astype(np.float32),
    "float16": X.astype(np.float16),
    "longdouble": X.astype(np.longdouble),
    "big-endian": X.astype(">f8"),
    "Fortran's order": np.asfortranarray(X),
    "every second": np.repeat(X, 2, axis=0)[::2],
    "list": X.tolist(),
    "list of rows": list(X),
    "tuples": tuple(map(tuple, X.tolist())),
    "objects": X.astype(object),
    "decimals": [[Decimal(number) for number in row] for row in X.tolist()],
    "fractions": [[Fraction(number) for number in row] for row in X.tolist()],
    "DataFrame": pd.DataFrame(X, columns=list("abc"), index=range(100, 112)),
    "nullable DataFrame": pd.DataFrame(X).astype("Float64"),
    "DataFrame of objects": pd.DataFrame(X).astype(object),
    "unmasked": np.ma.array(X, mask=False),
    "dense from sparse": scipy.sparse.csr_matrix(X).toarray(),
}


@pytest.mark.parametrize("x", SAME_X.values(), ids=list(SAME_X))
def test_the_same_rows_train_alike_however_they_are_held(x: Any) -> None:
    assert trained(x, Y) == trained(X, Y)


SAME_Y = {
    "list": Y.tolist(),
    "column": Y[:, None],
    "floats": Y.astype(float),
    "bytes": Y.astype(np.uint8),
    "objects": Y.astype(object),
    "one-hot": np.eye(3)[Y],
    "one-hot booleans": np.eye(3)[Y] > 0,
    "dummies": pd.get_dummies(pd.Series(Y)),
    "Series": pd.Series(Y, index=range(50, 62)),
    "nullable Series": pd.Series(Y, dtype="Int64"),
    "DataFrame": pd.DataFrame({"label": Y}),
    "categories": pd.Series(Y).astype("category"),
}


@pytest.mark.parametrize("y", SAME_Y.values(), ids=list(SAME_Y))
def test_the_same_classes_train_alike_however_they_are_held(y: Any) -> None:
    assert trained(X, y) == trained(X, Y)


def with_one(value: Any) -> np.ndarray:
    x = X.astype(object)
    x[2, 1] = value
    return x


MILLISECONDS = 1.7e12 + 1000.0 * np.arange(12)
WRONG_X = {
    "None": (None, "must be an array, but got None"),
    "a text": ("rows", "must be an array, but got str"),
    "bytes": (b"rows", "must be an array, but got bytes"),
    "a number": (3.5, "must have one row per example"),
    "a row": (X[0], r"one row as \[x\]"),
    "no rows": (X[:0], "at least one row"),
    "no features": (X[:, :0], "at least one feature"),
    "an empty list": ([], "at least one feature"),
    "a dict": ({"a": [1]}, "got dict"),
    "a set": ({1, 2}, "got set"),
    "a generator": ((row for row in X), "got generator"),
    "rows of several lengths": ([[1, 2], [3]] * 6, "rows of one length"),
    "texts": (X.astype(str), "holds text"),
    "byte strings": (X.astype("S5"), "holds text"),
    "a text among numbers": (with_one("1.5"), r"x\[2, 1\] is '1.5'"),
    "None among numbers": (with_one(None), r"x\[2, 1\] is None. Leave such rows out"),
    "a gap of pandas": (with_one(pd.NA), r"x\[2, 1\] is <NA>. Leave such rows out"),
    "no time": (with_one(pd.NaT), r"x\[2, 1\] is NaT"),
    "NaN": (with_one(np.nan).astype(float), r"x\[2, 1\] is nan. Leave such rows out"),
    "infinity": (with_one(-np.inf).astype(float), r"x\[2, 1\] is -inf"),
    "a list among numbers": (with_one([1]), r"x\[2, 1\] is \[1\]"),
    "complex numbers": (X + 1j, "complex numbers.*as columns"),
    "dates": (X.astype("datetime64[s]"), "holds dates"),
    "time spans": (X.astype("timedelta64[s]"), "holds time spans"),
    "records": (np.zeros(12, [("a", float)]), "holds records"),
    "masked": (np.ma.masked_less(X, 0), "masked values"),
    "sparse": (scipy.sparse.csr_matrix(X), r"is sparse. Give `x.toarray\(\)`"),
    "a nullable column": (pd.DataFrame({"a": pd.array([1, None] * 6, dtype="Int64")}), "x.1, 0. is (nan|<NA>)"),
    "a column of text": (pd.DataFrame({"a": [1.0] * 12, "b": list("ab" * 6)}), r"x\[0, 1\] is 'a'"),
    "a column of categories": (pd.DataFrame({"a": pd.Categorical(list("ab" * 6))}), r"x\[0, 0\] is 'a'|holds text"),
    "a column of dates": (pd.DataFrame({"a": pd.date_range("2026-01-01", periods=12)}), "holds dates"),
    "beyond float32": (X * 1e200, "float32 ends at 3.40282e.38. Subtract the mean"),
    "milliseconds": (np.c_[X, MILLISECONDS], "which float32 cannot tell apart. Subtract the mean"),
    "whole milliseconds": (MILLISECONDS.astype(np.int64)[:, None], "which float32 cannot tell apart"),
}


@pytest.mark.parametrize(("x", "message"), WRONG_X.values(), ids=list(WRONG_X))
def test_rows_that_hold_no_numbers_are_refused_by_what_they_hold(x: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classifier().fit(x, Y, verbose=0)


WRONG_Y = {
    "None": (None, "`y` must be an array, but got None"),
    "texts": (Y.astype(str), "`y` must hold numbers, but holds text.*np.unique"),
    "names": (pd.Series(list("abc" * 4)), "`y` must hold numbers"),
    "categories": (pd.Series(list("abc" * 4)).astype("category"), "`y` must hold numbers"),
    "a nullable column": (pd.Series([1, None] * 6, dtype="Int64"), r"y\[1\] is (nan|<NA>)"),
    "NaN": (np.where(Y > 1, np.nan, Y), "is nan"),
    "three dimensions": (np.eye(3)[Y][:, :, None], r"but got \(12, 3, 1\). Give `y.reshape"),
    "no dimension": (np.array(1), "one row per example"),
    "more": (np.r_[Y, Y], "as many rows as each other, but got 12 and 24"),
    "probabilities": (np.full((12, 3), 1 / 3), "a class for each row"),
    "another width": (np.eye(4)[Y], "4 columns, but the network has 3 outputs"),
    "beyond whole numbers": (Y * 1e300, "Labels must be classes from 0 to 2"),
    "beyond signed numbers": (np.uint64(2**63) + Y.astype(np.uint64), "Labels must be classes from 0 to 2"),
    "negative": (Y - 1, "Labels must be classes from 0 to 2.* but got -1"),
    "complex": (Y + 1j, "complex numbers"),
}


@pytest.mark.parametrize(("y", "message"), WRONG_Y.values(), ids=list(WRONG_Y))
def test_targets_that_are_not_classes_are_refused_by_what_they_are(y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, y, verbose=0)
    with pytest.raises(ValueError):  # noqa: PT011
        classifier().fit(X, Y, validation_data=(X, y), verbose=0)
    with pytest.raises(ValueError, match=message):
        classifier().evaluate(X, y)


def test_numbers_far_from_zero_are_told_apart_by_float64() -> None:
    model = Sequential([Dense(1)], dtype=np.float64)
    model.compile("sgd", "mse")
    model.fit(MILLISECONDS[:, None], X[:, 0], epochs=0)
    outputs = model.predict(MILLISECONDS[:, None])[:, 0]
    np.testing.assert_allclose(np.diff(outputs), 1000.0 * model.network.parameters.values_vector[0], rtol=1e-3)


@pytest.mark.parametrize(
    "column", [np.arange(12) * 1e9, 1.0 + 1e-16 * np.arange(12), 2.0**24 + 2.0 * np.arange(12), np.arange(1990, 2002)]
)
def test_columns_that_lose_nothing_by_rounding_are_taken(column: np.ndarray) -> None:
    classifier().fit(np.c_[X, column], Y, verbose=0)


@pytest.mark.parametrize("data", [(X,), (X, Y, Y), X, {}, "xy", (), (X[:0], Y[:0]), (None, Y), zip(X, Y, strict=True)])
def test_validation_data_that_are_no_pair_of_arrays_are_refused(data: Any) -> None:
    with pytest.raises(ValueError, match=r"`validation_data"):
        classifier().fit(X, Y, validation_data=data, verbose=0)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "mse"])
def test_a_softmax_of_one_unit_is_refused_with_what_decides_between_two_classes(loss: str) -> None:
    for layers in ([Dense(1, "softmax")], [Dense(1, "softmax"), Dense(3, "softmax")]):
        model = Sequential(layers)
        model.compile(loss=loss)
        with pytest.raises(ValueError, match=r"A softmax of one unit is always 1.*Activation\('sigmoid'\)"):
            model.fit(X, Y % 2, verbose=0)


def test_diverged_weights_predict_without_a_warning() -> None:
    model = Sequential([Dense(4), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(1e18 * X, X[:, 0] + 1e18, epochs=20, verbose=0)
    assert not np.isfinite(model.evaluate(X, X[:, 0])[0])
    assert not np.isfinite(model.predict(X)).all()
