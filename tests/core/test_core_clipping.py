"""Clipping: what is within the limit keeps its bits, and what is beyond gets the limit's length, whatever its size."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlab.core.clipping import clip_global_norm

DTYPES = [np.float32, np.float64]


def exact_norm(gradient: np.ndarray) -> float:
    """The Euclidean norm from whole fractions, rounded once by the root; infinite where float64 has no number."""
    square = sum(Fraction(float(element)) ** 2 for element in gradient)
    shift = 2 ** max(0, (square.denominator.bit_length() - square.numerator.bit_length()) // 2 + 64)
    whole = math.isqrt(square.numerator * shift**2 // square.denominator)
    try:
        return float(Fraction(whole, shift))
    except OverflowError:
        return math.inf


def test_a_gradient_within_the_limit_is_not_clipped() -> None:
    gradient = np.array([3.0, -4.0])
    assert clip_global_norm(gradient, 5.0) == 5.0
    assert gradient.tolist() == [3.0, -4.0]


def test_a_gradient_over_the_limit_keeps_its_direction_and_gets_the_limits_length() -> None:
    gradient = np.array([30.0, -40.0])
    assert clip_global_norm(gradient, 5.0) == 50.0
    np.testing.assert_allclose(gradient, [3.0, -4.0], rtol=1e-15)


SIZES = {np.float32: [1e-42, 1e-38, 1e-30, 1e-20, 1e-9, 1.0, 1e10, 1e19, 1e25, 6e37], np.float64: [
    1e-320, 1e-307, 1e-200, 1e-155, 1e-20, 1.0, 1e20, 1e153, 1e200, 3e307]}  # fmt: skip


@pytest.mark.parametrize(("dtype", "size"), [(dtype, size) for dtype in DTYPES for size in SIZES[dtype]])
@pytest.mark.parametrize("above", [1.0 + 1e-6, 1.5, 1e3, 1e60])
def test_a_limit_above_the_norm_leaves_every_bit(dtype: Any, size: float, above: float) -> None:
    gradient = (size * np.array([3.0, -4.0, 0.0, 1e-3])).astype(dtype)
    before, norm = gradient.tobytes(), exact_norm(gradient)
    assert clip_global_norm(gradient, norm * above) == pytest.approx(norm, rel=1e-6)
    assert gradient.tobytes() == before


@pytest.mark.parametrize(("dtype", "size"), [(dtype, size) for dtype in DTYPES for size in SIZES[dtype][2:]])
@pytest.mark.parametrize("below", [1.0 - 1e-5, 0.5, 1e-3])
def test_a_limit_below_the_norm_is_the_length_afterwards(dtype: Any, size: float, below: float) -> None:
    gradient = (size * np.array([3.0, -4.0])).astype(dtype)
    limit = below * exact_norm(gradient)
    clip_global_norm(gradient, limit)
    np.testing.assert_allclose(gradient / limit, [0.6, -0.8], rtol=1e-6)


def test_a_limit_that_is_far_from_the_norm_is_reached_too() -> None:
    """Their quotient, 2e-55, is no number of float32."""
    gradient = np.array([3e25, -4e25], np.float32)
    clip_global_norm(gradient, 1e-29)
    np.testing.assert_allclose(gradient, [6e-30, -8e-30], rtol=1e-6)


def test_a_norm_that_no_float_can_hold_is_clipped() -> None:
    gradient = np.array([1.5e308, -1.5e308])
    with np.errstate(over="ignore"):
        assert clip_global_norm(gradient, 1e300) == math.inf
    np.testing.assert_allclose(gradient, [1e300 / math.sqrt(2), -1e300 / math.sqrt(2)], rtol=1e-15)


def test_where_the_norm_is_near_the_limit_float32_sums_do_not_decide() -> None:
    gradient = np.random.default_rng(0).normal(size=200_000).astype(np.float32)
    before, norm = gradient.tobytes(), math.sqrt(math.fsum(float(element) ** 2 for element in gradient))
    clip_global_norm(gradient, norm * (1.0 + 1e-9))
    assert gradient.tobytes() == before


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gradient", [[0.0, 0.0], [], [math.inf, 1.0], [math.nan, 1.0]], ids=str)
def test_nothing_to_scale_is_left_alone(gradient: list[float], dtype: Any) -> None:
    array = np.array(gradient, dtype)
    with np.errstate(all="ignore"):
        norm = clip_global_norm(array, 1e-3)
    np.testing.assert_array_equal(array, np.array(gradient, dtype))
    assert norm == 0.0 or not math.isfinite(norm)


@given(
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=6), st.floats(1e-40, 1e40)
)
def test_any_float32_gradient_ends_within_its_limit_or_as_it_was(values: list[float], limit: float) -> None:
    gradient = np.array(values, np.float32)
    before, norm = gradient.copy(), exact_norm(np.array(values, np.float32))
    with np.errstate(over="ignore"):
        clip_global_norm(gradient, limit)
    if norm <= limit:
        assert gradient.tobytes() == before.tobytes()
    else:
        expected = before.astype(np.float64) * (limit / norm)
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=3e-45)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("limit", [0.1, 3.0, 1e4])
def test_torch_clips_to_the_same(dtype: Any, limit: float) -> None:
    torch = pytest.importorskip("torch")
    gradient = np.random.default_rng(1).normal(size=1000).astype(dtype)
    theirs = torch.nn.Parameter(torch.zeros(1000, dtype=torch.from_numpy(gradient).dtype))
    theirs.grad = torch.from_numpy(gradient.copy())
    norm = torch.nn.utils.clip_grad_norm_([theirs], limit)
    # PyTorch divides by the norm plus 1e-6.
    assert clip_global_norm(gradient, limit) == pytest.approx(float(norm), rel=1e-6)
    np.testing.assert_allclose(gradient, theirs.grad.numpy(), rtol=2e-6)
