"""A copy of MNIST that has lost something says so; other data say nothing."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from experiments import facts
from experiments.facts import differences
from nnlab.data.source import Source, Table

LABELS = np.arange(20) % 10


def source(train: np.ndarray, test: np.ndarray | None, labels: np.ndarray = LABELS) -> Source:
    parts = {"train": Table(train, labels)} | ({"test": Table(test, labels)} if test is not None else {})
    return Source(parts, tuple("0123456789"), (2, 2), 255, np.dtype(np.uint8))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def small_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """MNIST with twenty digits of four pixels."""
    monkeypatch.setattr(facts, "TRAINING_LABELS", hashlib.sha256(bytes(LABELS.tolist())).hexdigest())


def test_a_copy_without_ones_is_told_apart() -> None:
    whole = np.arange(80, dtype=np.uint8).reshape(20, 4)
    lost = np.where(whole == 1, 0, whole).astype(np.uint8)
    (difference,) = differences(source(lost, whole))
    assert "1.25%" in difference, "one of 80 pixels of the test images is 1"
    assert differences(source(whole, whole)) == []
    assert differences(source(lost, lost)) == [], "perhaps it never had any"
    assert differences(source(lost, None)) == []
    assert differences(source(lost, whole, LABELS[::-1])) == [], "some other digits"
