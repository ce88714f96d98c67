"""A Gaussian process: what is known of a function after some of its values, as a mean and a deviation at every point.

The covariance of two points is Matérn's with ν = 5/2 and a length for each axis, C. Rasmussen and C. Williams,
Gaussian Processes for Machine Learning, MIT Press 2006, equation 4.17; the fit maximizes equation 5.8 plus the log of
a prior, without which a handful of points would be explained by any lengths. scikit-learn's
`GaussianProcessRegressor` computes the same, and is the oracle of the tests; it takes four times as long for a fit,
which the workers of a study would wait for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]

MOST_ITERATIONS = 40
"""Of the fit: further ones change a proposal's rank among candidates less than the noise does."""
JITTER = 1e-6
"""Added to the noise, so that equal points do not make the covariance singular."""
LOG_BOUNDS = {"relevance": (-6.0, 6.0), "signal": (-4.0, 4.0), "noise": (-12.0, 1.0)}


@dataclass(frozen=True)
class Prior:
    """Normal distributions of the logarithms of what is fitted: their means and standard deviations.

    Attributes:
        relevance: of an axis, 1 / length²: at first a length is 0.6 of the unit cube's side.
        signal: the variance of the function.
        noise: the variance of what is seen beside the function.
    """

    relevance: tuple[float, float] = (float(np.log(3.0)), 1.5)
    signal: tuple[float, float] = (0.0, 1.0)
    noise: tuple[float, float] = (float(np.log(1e-3)), 1.5)


class GaussianProcess:
    """A process fitted to values, which should have mean 0 and variance 1.

    Args:
        points: (n, d), in the unit cube.
        values: (n,).
        prior: of the fit.

    Attributes:
        log_relevances: (d,) as fitted.
        log_signal: as fitted.
        log_noise: as fitted.
    """

    def __init__(self, points: Floats, values: Floats, prior: Prior | None = None) -> None:
        fitted = _fitted(points, values, prior or Prior())
        self.log_relevances, self.log_signal, self.log_noise = fitted[:-2], float(fitted[-2]), float(fitted[-1])
        self._condition(points, values)

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the function at points.

        Args:
            points: (m, d).
        """
        covariance = self._covariance(points, self._points)
        explained = covariance @ self._whitening.T
        variance = np.exp(self.log_signal) - (explained * explained).sum(1)
        return covariance @ self._weights, np.sqrt(np.maximum(variance, 1e-10))

    def believe(self, points: Floats) -> None:
        """Take the means at points for values seen there: what is under way will not be proposed again.

        Reference: D. Ginsbourger et al., Kriging Is Well-Suited to Parallelize Optimization, 2010, "kriging believer".
        """
        means, _ = self.predict(points)
        self._condition(np.vstack([self._points, points]), np.concatenate([self._values, means]))

    def _condition(self, points: Floats, values: Floats) -> None:
        self._points, self._values = points, values
        covariance = self._covariance(points, points)
        covariance.flat[:: len(points) + 1] += np.exp(self.log_noise) + JITTER
        self._whitening = np.linalg.inv(np.linalg.cholesky(covariance))
        self._weights = self._whitening.T @ (self._whitening @ values)

    def _covariance(self, left: Floats, right: Floats) -> Floats:
        scale = np.exp(self.log_relevances / 2)
        left, right = left * scale, right * scale
        squares = (left * left).sum(1)[:, None] + (right * right).sum(1) - 2 * left @ right.T
        covariance: Floats = np.exp(self.log_signal) * _matern(np.sqrt(5 * np.maximum(squares, 0.0)))
        return covariance


def _matern(distances: Floats) -> Floats:
    """The correlation at distances times √5."""
    correlation: Floats = (1 + distances + distances * distances / 3) * np.exp(-distances)
    return correlation


def _fitted(points: Floats, values: Floats, prior: Prior) -> Floats:
    """The logarithms of relevances, signal and noise with the highest posterior density."""
    from scipy.optimize import minimize  # here, as it takes time to load; its BLAS, a second one, is not used

    count, axes = points.shape
    squares = (points.T[:, :, None] - points.T[:, None, :]).reshape(axes, -1) ** 2
    means, deviations = np.array([*[prior.relevance] * axes, prior.signal, prior.noise]).T
    bounds = [*[LOG_BOUNDS["relevance"]] * axes, LOG_BOUNDS["signal"], LOG_BOUNDS["noise"]]

    def loss(logs: Floats) -> tuple[float, Floats]:
        """Minus the log posterior, and its gradient."""
        relevances, signal, noise = np.exp(logs[:-2]), np.exp(logs[-2]), np.exp(logs[-1])
        distances = np.sqrt(5 * (relevances @ squares)).reshape(count, count)
        correlation = _matern(distances)
        covariance = signal * correlation
        covariance.flat[:: count + 1] += noise + JITTER
        root = np.linalg.cholesky(covariance)
        whitening = np.linalg.inv(root)
        inverse = whitening.T @ whitening
        weights = inverse @ values
        by_covariance = 0.5 * (inverse - np.outer(weights, weights))
        # d matern(r) / d relevance = -5/6 (1 + r) exp(-r) · square, with r² = 5 Σ relevance · square.
        slope = by_covariance * (-5 / 6 * signal * (1 + distances) * np.exp(-distances))
        gradient = np.empty_like(logs)
        gradient[:-2] = squares @ slope.ravel() * relevances
        gradient[-2] = signal * (by_covariance * correlation).sum()
        gradient[-1] = noise * np.trace(by_covariance)
        strayed = (logs - means) / deviations
        fit = 0.5 * values @ weights + np.log(np.diag(root)).sum()
        return float(fit + 0.5 * strayed @ strayed), gradient + strayed / deviations

    found = minimize(loss, means, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": MOST_ITERATIONS})
    logs: Floats = found.x
    return logs


def log_expected_improvement(means: Floats, deviations: Floats, best: float) -> Floats:
    """The logarithm of how far above `best` a value will be on average, where being below counts as 0.

    Far below, the density and the tail of the normal distribution cancel; there it is computed from the scaled
    complementary error function: S. Ament et al., Unexpected Improvements to Expected Improvement, NeurIPS 2023,
    https://arxiv.org/abs/2310.20708, equation 9.
    """
    from scipy.special import erfcx, ndtr

    z = (means - best) / deviations
    near = np.maximum(z, -1.0)
    far = np.minimum(z, -1.0)
    close = np.log(np.exp(-0.5 * near * near) / np.sqrt(2 * np.pi) + near * ndtr(near))
    rest = np.maximum(1 + far * np.sqrt(np.pi / 2) * erfcx(-far / np.sqrt(2)), 1e-300)
    tail = -0.5 * far * far - 0.5 * np.log(2 * np.pi) + np.log(rest)
    improvement: Floats = np.where(z > -1, close, tail) + np.log(deviations)
    return improvement
