"""Standardizing what is large, tiny, nearly constant or exact in int64 alone: against fractions, and scikit-learn."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from nnlab.core.rows import Rows, Scaling
from nnlab.data import DataSettings, load
from nnlab.data.scaling import standardized
from nnlab.data.source import RawTable, Source, assemble
from nnlab.errors import UserError

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 600)
NOISE = RNG.normal(size=600)
MILLISECONDS = 1.7e12 + LABELS * 30_000 + RNG.integers(0, 30_000, 600)
NANOSECONDS = MILLISECONDS.astype(np.int64) * 10**6 + RNG.integers(0, 10**6, 600)

FEATURES = {
    "milliseconds": MILLISECONDS,
    "milliseconds as integers": MILLISECONDS.astype(np.int64),
    "nanoseconds": NANOSECONDS,
    "neighbours at 2^60": 2**60 + 100 + LABELS,
    "neighbours at 2^24": 2**24 + LABELS,
    "neighbours in float32": (2.0**24 + 2 * LABELS).astype(np.float32),
    "ulps apart": 1.0 + LABELS * 2.0**-52,
    "identifiers": RNG.integers(-(2**61), 2**61, 600),
    "cents": RNG.integers(0, 10**11, 600),
    "1e200": NOISE * 1e200,
    "1e300": (NOISE + 5) * 1e300,
    "1e39": NOISE * 1e39,
    "1e-300": NOISE * 1e-300,
    "small": NOISE.astype(np.float32),
    "half": NOISE.astype(np.float16),
    "bytes": RNG.integers(0, 256, 600).astype(np.uint8),
    "truth values": LABELS == 1,
}


def exactly(x: np.ndarray, training: np.ndarray) -> np.ndarray:
    """(x - mean) / deviation in fractions of Python integers, but for the root."""
    numbers = [Fraction(number) for number in x.tolist()]
    chosen = [numbers[position] for position in training]
    mean = sum(chosen, Fraction(0)) / len(chosen)
    variance = sum(((number - mean) ** 2 for number in chosen), Fraction(0)) / len(chosen)
    unit = max(abs(number - mean) for number in chosen)
    root = float(variance / unit**2) ** 0.5
    return np.array([float((number - mean) / unit) for number in numbers]) / root  # type: ignore[no-any-return]


def source_of(x: np.ndarray, labels: np.ndarray = LABELS) -> Source:
    return assemble({"train": RawTable(x, labels, "rows")})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("feature", FEATURES.values(), ids=FEATURES)
def test_inputs_are_those_of_exact_arithmetic(feature: np.ndarray, dtype: type[np.floating]) -> None:
    settings = DataSettings(name="npz", standardize=True)
    dataset = load(settings, source=source_of(feature[:, None]))
    expected = exactly(feature, dataset.train.index)
    for rows in (dataset.train, dataset.validation, dataset.test):
        inputs = rows.inputs(dtype)[:, 0]
        np.testing.assert_allclose(inputs, expected[rows.index], rtol=1e-5, atol=5e-6 if dtype is np.float32 else 1e-6)


@pytest.mark.parametrize("name", ["milliseconds", "cents", "small", "half", "bytes", "truth values"])
def test_inputs_are_those_of_scikit_learn(name: str) -> None:
    x = np.column_stack([FEATURES[name].astype(np.float64), NOISE])
    dataset = load(DataSettings(name="npz", standardize=True), source=source_of(x))
    scaler = StandardScaler().fit(x[dataset.train.index])
    for rows in (dataset.train, dataset.test):
        np.testing.assert_allclose(rows.inputs(np.float64), scaler.transform(x[rows.index]), rtol=1e-9, atol=1e-9)


def test_a_constant_feature_is_zero_in_training_and_elsewhere_the_difference() -> None:
    training = np.array([[1e12 + 0.1, -3], [1e12 + 0.1, 5]])
    scaling = standardized(Rows.whole(training, np.array([0, 1])), Scaling())
    inputs = scaling.inputs(np.vstack([training, [[1e12 + 4.1, 1]]]), np.float64)
    np.testing.assert_allclose(inputs, [[0, -1], [0, 1], [4, 0]], atol=1e-3)
    assert inputs[0, 0] == inputs[1, 0] == 0


@pytest.mark.parametrize("feature", [np.where(LABELS, 1.7e308, -1.7e308), NOISE * 1e-310])
def test_what_float64_cannot_standardize_is_refused_with_a_remedy(feature: np.ndarray) -> None:
    with pytest.raises(UserError, match=r"position 0 .* goes from .*another unit"):
        load(DataSettings(name="npz", standardize=True), source=source_of(feature[:, None]))
