"""Losses: derivatives by differences, values against the definition in arbitrary precision."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import assert_gradients_match_differences, exact_binary_cross_entropy, exact_cross_entropy

from nnlab.core import (
    BinaryCrossEntropyWithLogits,
    CrossEntropyWithSoftmax,
    HalfSquaredError,
    Input,
    MeanSquaredError,
    Node,
    value,
    value_and_grad,
)
from nnlab.core.graph import Graph


@pytest.mark.parametrize("loss", [HalfSquaredError, MeanSquaredError, BinaryCrossEntropyWithLogits])
@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (4, 3)])
def test_gradients_by_prediction_and_by_target_are_right(loss: type[Node], shape: tuple[int, int]) -> None:
    p, t = Input("p"), Input("t")
    rng = np.random.default_rng(7)
    feed = {p: rng.normal(size=shape), t: rng.uniform(size=shape)}
    assert_gradients_match_differences(loss(p, t), feed, [p, t])
    assert_gradients_match_differences(loss(p, t), feed, [t])


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (6, 3)])
def test_gradients_of_softmax_cross_entropy_are_right(shape: tuple[int, int]) -> None:
    z, labels = Input("z"), Input("labels")
    rng = np.random.default_rng(8)
    feed = {z: 3.0 * rng.normal(size=shape), labels: rng.integers(0, shape[1], shape[0])}
    assert_gradients_match_differences(CrossEntropyWithSoftmax(z, labels), feed, [z])


def test_the_squared_errors_have_their_worked_values() -> None:
    p, t = Input("p"), Input("t")
    # Differences 1, 2, 0, −4 in two rows of two: squares 1 + 4 + 0 + 16 = 21.
    feed = {p: [[1.0, 2.0], [3.0, 0.0]], t: [[0.0, 0.0], [3.0, 4.0]]}
    assert value(HalfSquaredError(p, t), feed) == 5.25  # 21 / (2 · 2 rows)
    assert value(MeanSquaredError(p, t), feed) == 5.25  # 21 / 4 elements: the two agree where rows have two
    single = {p: [[1.0], [3.0]], t: [[0.0], [5.0]]}  # squares 1 + 4
    assert value(HalfSquaredError(p, t), single) == 1.25  # 5 / (2 · 2)
    assert value(MeanSquaredError(p, t), single) == 2.5  # 5 / 2


@pytest.mark.parametrize(
    "row", [[1000.0, -1000.0, 0.0], [-1000.0, -1000.0, -1000.0], [0.5, 1.0, 1.5], [1000.0, 999.0, 998.0], [40.0, 0.0]]
)
def test_softmax_cross_entropy_has_its_value_in_sixty_digits(row: list[float]) -> None:
    z, labels = Input("z"), Input("labels")
    for label in range(len(row)):
        expected = exact_cross_entropy(row, label)
        result, (gradient,) = value_and_grad(
            CrossEntropyWithSoftmax(z, labels), {z: [row], labels: np.array([label])}, [z]
        )
        # Down to 1e-15: what 1 + exp(−40) loses of exp(−40) is not asked back.
        assert result == pytest.approx(expected, rel=1e-14, abs=1e-15)
        assert np.isfinite(gradient).all()


def test_softmax_cross_entropy_of_rows_is_the_mean_of_its_rows() -> None:
    z, labels = Input("z"), Input("labels")
    rows = np.random.default_rng(9).normal(scale=5.0, size=(7, 4))
    classes = np.array([0, 1, 2, 3, 0, 1, 2])
    expected = np.mean([exact_cross_entropy(row, label) for row, label in zip(rows.tolist(), classes, strict=True)])
    assert value(CrossEntropyWithSoftmax(z, labels), {z: rows, labels: classes}) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("logit", [-1000.0, -40.0, -1.5, 0.0, 1.5, 40.0, 1000.0])
@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_binary_cross_entropy_has_its_value_in_a_thousand_digits(logit: float, target: float) -> None:
    z, t = Input("z"), Input("t")
    loss = BinaryCrossEntropyWithLogits(z, t)
    expected = exact_binary_cross_entropy(logit, target)
    assert value(loss, {z: [[logit]], t: [[target]]}) == pytest.approx(expected, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(("logit", "probability"), [(-1000.0, 0.0), (1000.0, 1.0)])
def test_the_gradient_of_binary_cross_entropy_is_right_at_a_thousand(logit: float, probability: float) -> None:
    z, t = Input("z"), Input("t")
    _, (gradient,) = value_and_grad(BinaryCrossEntropyWithLogits(z, t), {z: [[logit]], t: [[0.25]]}, [z])
    assert gradient.tolist() == [[probability - 0.25]]


def test_binary_cross_entropy_is_summed_within_a_row_and_averaged_over_rows() -> None:
    z, t = Input("z"), Input("t")
    # Each element is log 2 at logit 0: three in a row, two rows.
    result = value(BinaryCrossEntropyWithLogits(z, t), {z: np.zeros((2, 3)), t: np.ones((2, 3))})
    assert result == pytest.approx(3.0 * 0.6931471805599453, rel=1e-15)


def test_binary_cross_entropy_of_sure_and_right_answers_is_never_negative_in_float32() -> None:
    """Every term is at least 0, so the sum is; a difference of two large sums need not be."""
    z, t = Input("z"), Input("t")
    graph = Graph(BinaryCrossEntropyWithLogits(z, t), dtype=np.float32)
    rng = np.random.default_rng(10)
    program = graph.program({z: (1000, 10), t: (1000, 10)})
    for _ in range(20):
        targets = rng.integers(0, 2, (1000, 10))
        program.values[t][...] = targets
        program.values[z][...] = (2 * targets - 1) * rng.uniform(15, 60, (1000, 10))
        # The exact value is at most 10 · exp(−15) = 3e-6.
        assert 0.0 <= float(program.forward()) <= 4e-6


@pytest.mark.parametrize("loss", [HalfSquaredError, MeanSquaredError, BinaryCrossEntropyWithLogits])
def test_a_prediction_and_a_target_of_different_shapes_are_refused(loss: type[Node]) -> None:
    p, t = Input("p"), Input("t")
    with pytest.raises(ValueError, match=rf"`{loss.__name__}` needs .* but got \(3, 1\) and \(3,\)"):
        value(loss(p, t), {p: np.zeros((3, 1)), t: np.zeros(3)})


def test_half_a_squared_error_of_plain_numbers_is_refused_since_it_averages_over_rows() -> None:
    p, t = Input("p"), Input("t")
    with pytest.raises(ValueError, match="`HalfSquaredError` needs"):
        value(HalfSquaredError(p, t), {p: 1.0, t: 2.0})


@pytest.mark.parametrize(("z_shape", "n"), [((3,), 3), ((2, 3), 3), ((2, 3, 1), 2)])
def test_logits_and_labels_that_do_not_fit_are_refused(z_shape: tuple[int, ...], n: int) -> None:
    z, labels = Input("z"), Input("labels")
    with pytest.raises(ValueError, match=r"needs logits of shape \(n, k\) and integer labels of shape \(n,\), but got"):
        value(CrossEntropyWithSoftmax(z, labels), {z: np.zeros(z_shape), labels: np.zeros(n, int)})
