"""Scaling and standardizing: against NumPy on float copies, and laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnlab.core.rows import Rows, Scaling
from nnlab.data import DataSettings, SplitSettings, load
from nnlab.data.scaling import CHUNK, standardized  # type: ignore[attr-defined]
from nnlab.data.source import RawTable, assemble


def rows_of(x: np.ndarray) -> Rows:
    return Rows.whole(x, np.zeros(len(x), dtype=np.int64))


def test_unit_scaling_brings_the_largest_byte_to_one_and_zero_to_zero() -> None:
    dataset = load(DataSettings(name="mnist_5k"))
    assert dataset.train.x.dtype == np.uint8
    inputs = dataset.train.inputs()
    assert (inputs.min(), inputs.max()) == (0.0, 1.0)
    assert load(DataSettings(name="mnist_5k", scale="none")).train.inputs().max() == 255.0


def test_standardizing_gives_the_training_split_mean_zero_and_deviation_one() -> None:
    dataset = load(DataSettings(name="digits", standardize=True))
    inputs = dataset.train.inputs(np.float64)
    varied = inputs.std(axis=0) > 0
    assert 50 < varied.sum() < 64  # some border pixels of these digits are always 0
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(inputs[:, varied].std(axis=0), 1, atol=1e-12)


def test_standardizing_knows_nothing_of_the_other_splits_or_of_rows_beyond_the_limit() -> None:
    settings = DataSettings(name="digits", standardize=True, limit=300)
    dataset = load(settings)
    used = dataset.train.x[dataset.train.index] / 16
    assert used.shape == (300, 64)
    deviation = np.where(used.std(axis=0) > 0, used.std(axis=0), 1)
    for rows in (dataset.train, dataset.validation, dataset.test):
        expected = (rows.x[rows.index] / 16 - used.mean(axis=0)) / deviation
        np.testing.assert_allclose(rows.inputs(np.float64), expected, atol=1e-10)


def test_a_constant_feature_becomes_zero_even_where_its_mean_is_inexact() -> None:
    x = np.full((3 * CHUNK + 7, 2), 0.1, dtype=np.float32)
    x[:, 1] = np.arange(len(x))
    scaling = standardized(rows_of(x), Scaling())
    inputs = Rows(x, np.zeros(len(x)), np.arange(len(x)), scaling).inputs(np.float64)
    assert scaling.scale[0] == 1.0  # type: ignore[index]
    np.testing.assert_allclose(inputs[:, 0], 0, atol=1e-8)
    np.testing.assert_allclose(inputs[:, 1].std(), 1)


def test_a_large_offset_costs_no_digits() -> None:
    rng = np.random.default_rng(0)
    x = 1e9 + rng.normal(size=(500, 3))
    scaling = standardized(rows_of(x), Scaling())
    np.testing.assert_allclose(1 / scaling.scale, x.std(axis=0), rtol=1e-6)


def test_the_digest_depends_on_the_arrays_alone() -> None:
    same = {
        load(settings).sha256
        for settings in (
            DataSettings(name="digits"),
            DataSettings(name="digits", limit=50, scale="none", standardize=True),
            DataSettings(name="digits", split=SplitSettings(strategy="random", seed=3, test=0.5)),
        )
    }
    assert len(same) == 1
    assert load(DataSettings(name="mnist_5k")).sha256 not in same


def digest(x: np.ndarray, y: np.ndarray, part: str = "train") -> str:
    raw: dict[Any, RawTable] = {"train": RawTable(x, y, "rows")} | {part: RawTable(x, y, "rows")}
    return assemble(raw, class_names=("a", "b")).sha256


def test_the_digest_changes_with_any_value_shape_type_or_part() -> None:
    x, y = np.arange(12, dtype=np.uint8).reshape(4, 3), np.array([0, 1, 0, 1])
    other_pixel, other_label = x.copy(), y.copy()
    other_pixel[3, 2] += 1
    other_label[3] = 0
    variants = [
        digest(x, y),
        digest(other_pixel, y),
        digest(x, other_label),
        digest(x.astype(np.float32), y),
        digest(x[:3], y[:3]),
        digest(x[:, :2], y),
        digest(x, y, "test"),
        digest(x, y, "validation"),
    ]
    assert len(set(variants)) == len(variants)
    assert digest(x.copy(), y.astype(np.int8)) == variants[0]


def test_arrays_cannot_be_written_to() -> None:
    dataset = load(DataSettings(name="digits"))
    for array in (dataset.train.x, dataset.train.y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_settings_of_sources_are_checked() -> None:
    with pytest.raises(ValueError, match=r"`name` must be one of toy, .*Try mnist_5k\."):
        DataSettings(name="mnist_5")
    with pytest.raises(ValueError, match="`limit` must be at least 1 or null"):
        DataSettings(name="toy", limit=0)
