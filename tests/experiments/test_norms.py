"""Norms of signal and gradients by layer, against a forward and a backward pass written in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.initialization import norms
from nnlab.batch import compose
from nnlab.config.build import build_trainer
from nnlab.data.loading import dataset_of


def rms(values: np.ndarray) -> float:
    return float(np.linalg.norm(values) / np.sqrt(values.size))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_norms_are_those_of_a_pass_written_out(activation: str) -> None:
    overrides = ("data=digits", "dtype=float64", "model.hidden=[7,5,6]", f"model.activation={activation}", "seed=3")
    config = compose(*overrides, "tracking.enabled=false").config
    data = dataset_of(config.data, seed=3)
    parameters = build_trainer(config, data).objective.network.parameters
    weights = [parameters[f"dense_{layer}.weight"].value for layer in range(1, 5)]

    batch = data.train.first(norms.ROWS)
    signals = [batch.inputs(np.float64)]
    for weight in weights[:-1]:
        z = signals[-1] @ weight  # biases begin as zeros
        signals.append(np.tanh(z) if activation == "tanh" else z * (z > 0))
    logits = signals[-1] @ weights[-1]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    delta = (p - np.eye(10)[batch.targets()]) / len(batch)
    expected: list[tuple[float, float, float]] = []
    for layer in (3, 2, 1):
        signal = signals[layer]
        gradient = delta @ weights[layer].T
        delta = gradient * (1 - signal**2 if activation == "tanh" else signal > 0)
        expected.insert(0, (rms(signal), rms(gradient), rms(signals[layer - 1].T @ delta)))

    measured = norms.norms(config)
    assert list(measured.index) == [1, 2, 3]
    np.testing.assert_allclose(measured[[norms.SIGNAL, norms.GRADIENT, norms.WEIGHTS]], expected, rtol=1e-6)
