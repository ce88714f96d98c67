"""From stored rows to inputs: against exact fractions, and the same bits wherever the inputs are needed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from nnlab.core import Activation, Dense, Network, Rows, Scaling
from nnlab.core.batches import BatchLoader
from nnlab.core.objective import Objective

MILLISECONDS = 1_700_000_000_000
NANOSECONDS = 1_700_000_000_000_000_001

SCALINGS = {
    "none": Scaling(),
    "pixels": Scaling(1 / 255),
    "pixels standardized": Scaling(np.array([0.02, 0.7]), np.array([-1.5, 3.0])),
    "standardized": Scaling(np.array([0.02, 0.7]), shift=np.array([77.3, -4.0])),
    "in float64": Scaling(np.array([0.02, 0.7]), shift=np.array([77.3, -4.0]), in_float64=True),
    "all three": Scaling(np.array([0.02, 0.7]), np.array([0.5, 0.25]), np.array([77.3, -4.0]), in_float64=True),
}
TYPES = ("u1", "i2", ">i4", "i8", "u8", "f4", "f8", ">f8", "g")


def fed(rows: Rows, dtype: type[np.floating]) -> np.ndarray:
    """What a network gets of the rows while it trains."""
    network = Network([Dense(2), Activation("softmax")], features=rows.x.shape[1:], rng=None, dtype=dtype)
    objective = Objective(network, "cross_entropy", dropout=np.random.default_rng(0))
    program, _ = BatchLoader(rows, objective, objective.training, len(rows)).load(rows.index)
    return program.values[network.x].copy()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scaling", SCALINGS.values(), ids=SCALINGS)
def test_equal_numbers_give_equal_bits_whatever_type_they_are_stored_in_and_wherever_they_are_scaled(
    scaling: Scaling, dtype: type[np.floating]
) -> None:
    numbers = np.random.default_rng(0).integers(0, 256, (40, 2))
    seen = set()
    for stored in TYPES:
        x = np.asfortranarray(numbers.astype(stored))
        rows = Rows(x, np.zeros(40, np.int64), np.arange(40)[::-1], scaling)
        for inputs in (fed(rows, dtype), rows.inputs(dtype), scaling.inputs(x[::-1], dtype)):
            assert inputs.dtype == dtype
            seen.add(np.ascontiguousarray(inputs).tobytes())
    assert len(seen) == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("numbers", "stored"),
    [
        ([[MILLISECONDS + 7, 3], [MILLISECONDS + 29_999, -5]], np.int64),
        ([[MILLISECONDS + 7, 3], [MILLISECONDS + 29_999, -5]], np.float64),
        ([[NANOSECONDS, 3], [NANOSECONDS + 2, -5]], np.int64),
    ],
)
def test_a_shift_is_subtracted_before_anything_is_narrowed(
    numbers: list[list[int]], stored: type, dtype: type[np.floating]
) -> None:
    shift, scale = np.array([float(numbers[0][0]), 0.5]), np.array([1 / 3, 2.0])
    scaling = Scaling(scale, shift=shift, in_float64=True)
    inputs = scaling.inputs(np.array(numbers, stored), dtype)
    exact = [
        [(Fraction(x) - Fraction(s)) * Fraction(k) for x, s, k in zip(row, shift, scale, strict=True)]
        for row in numbers
    ]
    np.testing.assert_allclose(inputs, np.array(exact, np.float64), rtol=2e-7 if dtype is np.float32 else 1e-15)


def test_whole_numbers_near_the_ends_of_int64_do_not_wrap_around() -> None:
    scaling = Scaling(shift=np.array([1e18]), in_float64=True)
    for stored, far in ((np.int64, -(2**63)), (np.int64, 2**63 - 1), (np.uint64, 2**64 - 1)):
        rows = np.array([[far]], stored)
        assert scaling.inputs(rows, np.float64)[0, 0] == pytest.approx(float(far - 10**18), rel=1e-15)


def test_rows_are_left_as_they_were() -> None:
    rows = np.array([[NANOSECONDS, 3]])
    Scaling(shift=np.array([1e18, 1.0]), in_float64=True).inputs(rows, np.float64)
    assert rows.tolist() == [[NANOSECONDS, 3]]
