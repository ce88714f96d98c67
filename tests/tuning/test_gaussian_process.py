"""The Gaussian process beside scikit-learn's, and the expected improvement beside its integral."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from nnlab.tuning.search.gaussian_process import JITTER, Floats, GaussianProcess, Prior, log_expected_improvement


def made(count: int = 30, axes: int = 3, seed: int = 0) -> tuple[Floats, Floats]:
    """Points, and values that depend most on the first axis and on the last not at all."""
    rng = np.random.default_rng(seed)
    points = rng.random((count, axes))
    values = np.sin(6 * points[:, 0]) + points[:, 1] + 0.05 * rng.normal(size=count)
    return points, (values - values.mean()) / values.std()


def peer(process: GaussianProcess, points: Floats, values: Floats) -> GaussianProcessRegressor:
    """scikit-learn's process with the same numbers."""
    lengths = np.exp(-process.log_relevances / 2)
    noise = np.exp(process.log_noise) + JITTER
    kernel = ConstantKernel(np.exp(process.log_signal)) * Matern(lengths, nu=2.5) + WhiteKernel(noise)
    return GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(points, values)


def log_posterior(logs: Floats, points: Floats, values: Floats) -> float:
    """Of the fit, up to a constant, with scikit-learn's likelihood."""
    prior = Prior()
    means, deviations = np.array([*[prior.relevance] * points.shape[1], prior.signal, prior.noise]).T
    kernel = ConstantKernel(np.exp(logs[-2])) * Matern(np.exp(-logs[:-2] / 2), nu=2.5)
    kernel = kernel + WhiteKernel(np.exp(logs[-1]) + JITTER)
    likelihood = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(points, values)
    return float(likelihood.log_marginal_likelihood_value_) - 0.5 * float((((logs - means) / deviations) ** 2).sum())


def test_means_and_deviations_are_those_of_scikit_learn() -> None:
    points, values = made()
    process = GaussianProcess(points, values)
    new = np.random.default_rng(1).random((50, 3))
    means, deviations = process.predict(new)
    expected, spread = peer(process, points, values).predict(new, return_std=True)
    assert means == pytest.approx(expected, abs=1e-8)
    # Theirs is of a value that is seen, noise included; ours of the function.
    noise = np.exp(process.log_noise) + JITTER
    assert deviations**2 + noise == pytest.approx(spread**2, abs=1e-8)


def test_the_fit_is_a_maximum_of_the_posterior_and_finds_the_axis_without_effect() -> None:
    points, values = made()
    process = GaussianProcess(points, values)
    fitted = np.array([*process.log_relevances, process.log_signal, process.log_noise])
    top = log_posterior(fitted, points, values)
    for place in range(len(fitted)):
        for step in (-0.05, 0.05):
            moved = fitted.copy()
            moved[place] += step
            assert log_posterior(moved, points, values) < top + 1e-4
    assert process.log_relevances[0] > process.log_relevances[2] + 1


def test_a_mean_that_is_believed_changes_no_mean_and_leaves_less_to_learn_there() -> None:
    points, values = made()
    process = GaussianProcess(points, values)
    new = np.random.default_rng(1).random((20, 3))
    means, deviations = process.predict(new)
    process.believe(new[:1])
    after, smaller = process.predict(new)
    assert after == pytest.approx(means, abs=1e-6)
    assert (smaller <= deviations + 1e-9).all()
    assert smaller[0] < deviations[0] / 2


@pytest.mark.parametrize("mean", [-3.0, -0.5, 0.4, 2.0])
@pytest.mark.parametrize("deviation", [0.3, 1.0])
def test_the_expected_improvement_is_the_integral_over_the_normal_distribution(mean: float, deviation: float) -> None:
    best = 0.2
    expected, _ = quad(
        lambda value: (value - best) * norm.pdf(value, mean, deviation), best, best + 12, epsabs=0, epsrel=1e-9
    )
    found = log_expected_improvement(np.array([mean]), np.array([deviation]), best)
    assert np.exp(found[0]) == pytest.approx(expected, rel=1e-5)


def test_an_improvement_too_small_for_a_number_still_has_its_rank() -> None:
    # exp(-z²/2) is 0 in double precision beyond z = 39; the leading term of the logarithm is -z²/2 - 2 log z.
    z = np.array([-1000.0, -100.0, -50.0])
    found = log_expected_improvement(z, np.ones(3), 0.0)
    assert found == pytest.approx(-0.5 * z**2 - 2 * np.log(-z) - 0.5 * np.log(2 * np.pi), abs=1e-2)


def test_equal_points_with_different_values_are_noise() -> None:
    points = np.repeat(np.array([[0.2, 0.5], [0.8, 0.5]]), 3, axis=0)
    process = GaussianProcess(points, np.array([-1.2, -1.0, -0.8, 0.8, 1.0, 1.2]))
    means, _ = process.predict(points[[0, 3]])
    assert means == pytest.approx([-1, 1], abs=0.1)
