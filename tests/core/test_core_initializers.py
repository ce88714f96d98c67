"""Initializers: moments and bounds of large samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nnlab.core import (
    Activation,
    Dense,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Network,
    Normal,
    Zeros,
)
from nnlab.core.initializers import INITIALIZERS, Initializer

FAN_IN, FAN_OUT = 400, 600
COUNT = FAN_IN * FAN_OUT

NORMAL = [
    (Normal(std=0.05), 0.05),
    (Normal(), 1.0),
    (GlorotNormal(), math.sqrt(2 / 1000)),
    (HeNormal(), math.sqrt(2 / 400)),
]
UNIFORM = [(GlorotUniform(), math.sqrt(6 / 1000)), (HeUniform(), math.sqrt(6 / 400))]


def sample(initializer: Initializer) -> np.ndarray:
    return initializer.sample((FAN_IN, FAN_OUT), np.random.default_rng(13))


@pytest.mark.parametrize(("initializer", "std"), NORMAL)
def test_normal_samples_have_their_mean_variance_and_tails(initializer: Initializer, std: float) -> None:
    """Bounds of five standard errors: each is missed once in 1.7 million seeds, and the seed is fixed."""
    z = sample(initializer) / std
    assert abs(z.mean()) < 5 / math.sqrt(COUNT)  # the mean of n draws has standard error 1 / √n,
    assert abs(z.var() - 1) < 5 * math.sqrt(2 / COUNT)  # the variance √(2 / n),
    beyond_two = 0.04550026  # P(|z| > 2); a share p has standard error √(p (1 − p) / n). Truncated draws have none.
    assert abs(np.mean(np.abs(z) > 2) - beyond_two) < 5 * math.sqrt(beyond_two * (1 - beyond_two) / COUNT)


@pytest.mark.parametrize(("initializer", "limit"), UNIFORM)
def test_uniform_samples_have_their_mean_variance_and_bounds(initializer: Initializer, limit: float) -> None:
    u = sample(initializer) / limit
    assert np.abs(u).max() <= 1.0
    assert np.abs(u).max() > 0.999  # missed with probability 0.999^240,000 = e^−240
    assert abs(u.mean()) < 5 / math.sqrt(3 * COUNT)  # U(−1, 1) has variance 1/3,
    assert abs(u.var() - 1 / 3) < 5 * math.sqrt(4 / 45 / COUNT)  # and its square variance 1/5 − 1/9 = 4/45


@pytest.mark.parametrize(("uniform", "normal"), [(GlorotUniform(), GlorotNormal()), (HeUniform(), HeNormal())])
def test_the_uniform_and_the_normal_form_have_the_same_variance(uniform: Initializer, normal: Initializer) -> None:
    assert sample(uniform).var() == pytest.approx(sample(normal).var(), rel=0.02)


def test_zeros_are_zero_and_draw_nothing() -> None:
    rng = np.random.default_rng(1)
    before = rng.bit_generator.state
    assert not Zeros().sample((3, 4), rng).any()
    assert rng.bit_generator.state == before


@pytest.mark.parametrize("name", INITIALIZERS)
def test_samples_have_their_shape_and_come_from_the_stream_alone(name: str) -> None:
    first, second = (INITIALIZERS[name]().sample((3, 5), np.random.default_rng(2)) for _ in range(2))
    assert first.shape == (3, 5)
    assert first.dtype == np.float64
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("name", ["glorot_uniform", "glorot_normal", "he_normal", "he_uniform"])
def test_glorot_and_he_are_refused_for_a_bias(name: str) -> None:
    with pytest.raises(ValueError, match=r"need a weight of shape \(features, units\), but got \(7,\). Use Zeros or"):
        INITIALIZERS[name]().sample((7,), np.random.default_rng(0))
    with pytest.raises(ValueError, match="Use Zeros or Normal for a bias"):
        Network([Dense(7, bias_initializer=name)], features=(3,), rng=np.random.default_rng(0))


def test_networks_of_both_dtypes_start_from_the_same_draws() -> None:
    def start(dtype: type[np.floating]) -> np.ndarray:
        layers = [Dense(8, kernel_initializer="he_normal"), Activation("relu"), Dense(3, bias_initializer="normal")]
        network = Network(layers, features=(5,), rng=np.random.default_rng(3), dtype=dtype)
        return network.parameters.values_vector

    assert start(np.float32).dtype == np.float32
    np.testing.assert_array_equal(start(np.float32), start(np.float64).astype(np.float32))


def test_a_standard_deviation_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`Normal\(std=0.0\)`: `std` must be above 0"):
        Normal(std=0.0)


def test_the_initializers_known_by_name_are_those_that_the_documentation_lists() -> None:
    assert set(INITIALIZERS) == {"zeros", "normal", "glorot_uniform", "glorot_normal", "he_normal", "he_uniform"}
