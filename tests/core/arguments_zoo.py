"""Right and wrong arguments for `Sequential`, as people's scripts give them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse

from nnlab.core import (
    L2,
    SGD,
    Activation,
    Adam,
    Constant,
    Cosine,
    Dense,
    Dropout,
    Exponential,
    HeNormal,
    Momentum,
    StepDecay,
    TimeDecay,
)
from nnlab.core import Input as GraphInput

ROWS = 8
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 4))
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1])
ONE_HOT = np.eye(3)[LABELS]
SEVERAL = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]] * 4)
NUMBERS = RNG.normal(size=(ROWS, 3))


def changed(array: np.ndarray, value: Any, dtype: Any = None) -> np.ndarray:
    """A copy with its second number another."""
    other = array.astype(array.dtype if dtype is None else dtype)
    other.reshape(-1)[1] = value
    return other


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    MATRIX = np.matrix(X)

Made = Callable[[], Any]
"""Values that are used up or changed are made anew for each use."""


def each(*values: Any) -> list[Made]:
    return [lambda value=value: value for value in values]  # type: ignore[misc]


RIGHT_X: list[Made] = [
    *each(X, X.astype(np.float32), X.tolist(), X.astype(object), np.asfortranarray(X), X[::-1], X.astype(">f4")),
    *each((X * 5).astype(np.int64), (X * 9).astype(np.int8), X > 0, X.astype(np.float16), X.astype(np.longdouble)),
    *each(pd.DataFrame(X), pd.DataFrame(X > 0), pd.DataFrame((X * 5).astype(int)).astype("Int64"), MATRIX),
    *each([[Decimal("0.5")] * 4] * ROWS, [[Fraction(1, 3)] * 4] * ROWS, np.ma.array(X), list(X), X.reshape(ROWS, 2, 2)),
]
WRONG_X: list[Made] = [
    *each(
        None, "rows", b"rows", 3, 1.5, True, {}, {"a": [1]}, {1, 2}, [], [[]], [[1, 2], [3]], object(), X[0], X[0, 0]
    ),
    *each(X[:0], X[:, :0], X[:3], X[:, :2], changed(X, np.nan), changed(X, np.inf), changed(X, -np.inf), X + 1j),
    *each(changed(X, None, object), changed(X, "a", object), changed(X, b"a", object), changed(X, pd.NA, object)),
    *each(changed(X, pd.NaT, object), changed(X, np.nan, object), changed(X, 1j, object), changed(X, 10**400, object)),
    *each(X.astype(str), X.astype("S4"), X.astype("datetime64[s]"), X.astype("timedelta64[s]"), changed(X, 1e300)),
    *each(1.7e12 + X, np.int64(2) ** 60 + np.arange(ROWS * 4).reshape(ROWS, 4), changed(X, [1, 2], object)),
    *each(np.zeros(ROWS, [("a", float)]), np.ma.masked_greater(X, 0), scipy.sparse.csr_matrix(X)),
    *each(scipy.sparse.coo_array(X), pd.DataFrame({"a": pd.array([1, None] * 4, dtype="Int64")})),
    *each(pd.DataFrame({"a": list("abababab")}), pd.DataFrame({"a": pd.Categorical(list("abababab"))})),
    *each(pd.DataFrame({"a": pd.date_range("2026", periods=ROWS)}), pd.DataFrame({"a": [1, "b"] * 4})),
    *each(pd.DataFrame({"a": pd.array(list("abababab"), dtype="string")}), pd.Series(LABELS, name="a"), pd.DataFrame()),
    lambda: (row for row in X),
    lambda: iter(X),
]
RIGHT_Y: list[Made] = [
    *each(
        LABELS, LABELS.tolist(), LABELS.astype(float), LABELS.astype(np.uint8), LABELS[:, None], ONE_HOT, ONE_HOT > 0
    ),
    *each(pd.Series(LABELS), pd.Series(LABELS).astype("Int64"), pd.DataFrame(ONE_HOT), LABELS.astype(object), SEVERAL),
    *each(NUMBERS, NUMBERS[:, 0], LABELS % 2, (LABELS % 2).astype(bool), pd.Series(LABELS).astype("category")),
]
WRONG_Y: list[Made] = [
    *each(None, "labels", 1, {}, [], [[1], [1, 2]], LABELS[:3], LABELS - 1, LABELS + 5, LABELS + 0.5, ONE_HOT[:, :2]),
    *each(ONE_HOT[:, :, None], ONE_HOT[:, None], LABELS.astype(str), changed(LABELS, np.nan, float), LABELS * 1j),
    *each(pd.Series(list("abababab")), pd.Series([1, None] * 4, dtype="Int64"), np.uint64(2**63) + LABELS.astype("u8")),
    *each(
        LABELS * 1e300,
        LABELS.astype("datetime64[D]"),
        NUMBERS * 1e300,
        np.zeros((ROWS, 0)),
        changed(LABELS, None, object),
    ),
    *each(LABELS[0], object(), scipy.sparse.csr_matrix(ONE_HOT), pd.Series(list("abababab")).astype("category")),
]
SCALARS: list[Made] = each(
    *(None, True, False, -1, 0, 1, 2, 3, 0.0, 0.2, 0.5, 1.0, 1.5, 2.0, -0.5, 1e-9, float("nan"), float("inf"), 2j),
    *(
        "",
        "auto",
        "full",
        "2",
        "batch",
        b"2",
        [],
        (),
        {},
        [2],
        (2,),
        object(),
        np.array(2),
        np.array([2]),
        np.array([]),
    ),
    *(
        np.int64(2),
        np.uint8(0),
        np.float32(0.25),
        np.float64("nan"),
        np.bool_(True),
        np.str_("2"),
        Decimal(2),
        int,
        SGD,
    ),
    *(Fraction(1, 4), pd.NA, pd.NaT, np.datetime64("2026"), np.timedelta64(1, "s")),
)
PAIRS: list[Made] = [
    *each((X, LABELS), [X[:3], LABELS[:3]], (X, ONE_HOT), (X[:1], LABELS[:1]), (X, SEVERAL), (X, LABELS, LABELS), (X,)),
    *each(X, X[:2], (X[:3], LABELS), (X, None), (None, LABELS), (X[:0], LABELS[:0]), {}, "xy", (X[:, :2], LABELS)),
    lambda: zip(X, LABELS, strict=True),
]
LAYERS: list[Made] = [
    *each([Dense(3), Activation("softmax")], [Dense(3, "relu"), Dense(3, activation="softmax")], [Dense(3)]),
    *each(
        [Dense(3, "sigmoid")], [Dense(1, "sigmoid")], [Dense(1)], [Dense(1, "softmax")], [Dense(1), Dense(3, "tanh")]
    ),
    *each([Dense(5, "relu", kernel_regularizer=L2(0.01)), Dropout(0.5), Dense(3, "softmax")], [Activation("softmax")]),
    *each((Dense(3, kernel_initializer=HeNormal()), Activation("softmax")), [Dense(2, "softmax"), Dropout(0.1)]),
    *each(
        [Dense(3, input_dim=4), Activation("softmax")],
        [Dense(3, input_dim=7)],
        [Dense(3, bias_initializer="he_normal")],
    ),
    *each(
        [], [Dense], [None], ["relu"], "relu", None, 3, Dense(3), [Dense(3), "softmax"], [GraphInput()], [[Dense(3)]]
    ),
]
OPTIMIZERS: list[Made] = each(
    *("sgd", "SGD", "adam", "momentum", "nesterov", "rmsprop", "", None, 3, SGD, {}, [], object()),
    *(SGD(0.1), Adam(), Momentum(np.float32(0.1)), SGD(1e30), SGD(np.float64(1e-30)), Adam(lr=1e300)),  # type: ignore[arg-type]
)
LOSSES: list[Made] = each(
    *(
        "cross_entropy",
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "binary_crossentropy",
        "bce",
        "mse",
    ),
    *(
        "mean_squared_error",
        "half_squared_error",
        "binary_cross_entropy",
        "hinge",
        "",
        None,
        3,
        [],
        {},
        ["mse"],
        object(),
    ),
)
METRICS: list[Made] = each(
    "accuracy", ["accuracy"], [], None, ("accuracy",), ["acc"], ["auc"], "auc", 3, [None], {}, [[]], {"accuracy"}, [X]
)
SCHEDULES: list[Made] = each(
    *(None, Constant(), Constant(warmup=2), Cosine(), Cosine(0.5, 0.1), StepDecay(every=1), Exponential(), TimeDecay()),
    *("cosine", Cosine, 3, {}, 0.1),
)
