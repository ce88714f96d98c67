"""The document's network in its own form: one example per column, gradients over the whole batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def forward(X: Matrix, W: Sequence[Matrix], b: Sequence[Matrix]) -> tuple[list[Matrix], list[Matrix]]:
    """All Z and A, layer by layer: Z = W A + b; ReLU, softmax at the end. X is (features, m), W (units, inputs)."""
    Z: list[Matrix] = []
    A = [X]
    for weights, biases in zip(W, b, strict=True):
        Z.append(weights @ A[-1] + biases)
        A.append(np.maximum(Z[-1], 0))
    exponentials = np.exp(Z[-1] - Z[-1].max(axis=0))
    A[-1] = exponentials / exponentials.sum(axis=0)
    return Z, A


def cost(Y: Matrix, A: Matrix) -> float:
    """−Σ y log ŷ, averaged over the examples; Y and A are (classes, m)."""
    return float(-(Y * np.log(A)).sum() / Y.shape[1])


def backward(Y: Matrix, Z: list[Matrix], A: list[Matrix], W: Sequence[Matrix]) -> tuple[list[Matrix], list[Matrix]]:
    """All dW = (1/m) dZ Aᵀ and db = (1/m) Σ dZ, layer by layer."""
    m = Y.shape[1]
    dZ = [A[-1] - Y]
    for layer in range(len(W) - 1, 0, -1):
        dZ.insert(0, (W[layer].T @ dZ[0]) * (Z[layer - 1] >= 0))
    dW = [(1 / m) * each @ inputs.T for each, inputs in zip(dZ, A, strict=False)]
    db = [(1 / m) * each.sum(axis=1, keepdims=True) for each in dZ]
    return dW, db
