"""Worked examples of the published systems that the core has to be able to be."""

from __future__ import annotations

import numpy as np
import pytest

from nnlab.core import (
    SGD,
    Activation,
    Dense,
    HalfSquaredError,
    Input,
    MatMul,
    Network,
    Node,
    Normal,
    Sequential,
    Sigmoid,
    value_and_grad,
)
from nnlab.core.batches import BatchLoader
from nnlab.core.objective import Objective
from nnlab.core.rows import Rows

TRUTH_TABLE = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0], [1, 0, 1], [0, 0, 1], [1, 1, 1], [0, 1, 1]])
ANSWERS = np.array([1, 0, 1, 0, 0, 0, 1, 1])

# The document prints two digits of what it computes with sixteen: "0.3" is 0.304 here, since with 0.300 its own
# b2 would print as 0.57, not 0.58. With that every number below comes out as it is printed.
V = np.array([[0.36, 0.304, -0.63, -0.34], [-1.03, 1.26, 0.41, 1.2], [-1.07, -0.68, 0.08, 1.04]])
W = np.array([[-0.47], [0.94], [0.56], [-1.2]])


class WorkedExample:
    """The truth-table network (seeds/002) on x = [1 0 0], y = 1, node by node with the document's names."""

    def __init__(self) -> None:
        self.x, self.v, self.w, self.y = (Input(name) for name in ("x", "V", "W", "y"))
        self.a = MatMul(self.x, self.v)
        self.b = Sigmoid(self.a)
        self.c = MatMul(self.b, self.w)
        self.p = Sigmoid(self.c)
        self.loss = HalfSquaredError(self.p, self.y)
        self.feed = {self.x: [[1.0, 0.0, 0.0]], self.v: V, self.w: W, self.y: [[1.0]]}

    def value(self, node: Node) -> np.ndarray:
        return np.asarray(value_and_grad(node, self.feed, [])[0])  # type: ignore[arg-type]

    def derivative(self, of: Node, by: Node) -> np.ndarray:
        return np.asarray(value_and_grad(of, self.feed, [by])[1][0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("node", "printed"),
    [
        ("a", [[0.36, 0.3, -0.63, -0.34]]),
        ("b", [[0.59, 0.58, 0.35, 0.42]]),
        ("c", [[-0.04]]),
        ("p", [[0.49]]),
        ("loss", 0.13),
    ],
)
def test_the_worked_example_has_its_printed_values(node: str, printed: object) -> None:
    example = WorkedExample()
    np.testing.assert_allclose(np.round(example.value(getattr(example, node)), 2), printed, atol=1e-12)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("of", "by", "printed", "digits"),
    [
        ("loss", "p", [[-0.51]], 2),
        ("p", "c", [[0.25]], 2),
        ("c", "w", [[0.59], [0.58], [0.35], [0.42]], 2),
        ("loss", "w", [[-0.075], [-0.073], [-0.044], [-0.053]], 3),
        ("c", "b", [[-0.47, 0.94, 0.56, -1.2]], 2),
        ("b", "a", [[0.24, 0.24, 0.23, 0.24]], 2),
        ("a", "v", [[1.0] * 4, [0.0] * 4, [0.0] * 4], 2),  # the document's xᵀ, for each of the four columns
        ("loss", "v", [[0.01, -0.03, -0.02, 0.04], [0.0] * 4, [0.0] * 4], 2),
    ],
)
def test_the_worked_example_has_its_printed_derivatives(of: str, by: str, printed: object, digits: int) -> None:
    example = WorkedExample()
    derivative = example.derivative(getattr(example, of), getattr(example, by))
    np.testing.assert_allclose(np.round(derivative, digits), printed, atol=1e-12)  # type: ignore[call-overload]


def test_the_layer_stack_gives_the_worked_example_its_gradients() -> None:
    layers = [Dense(4, use_bias=False), Activation("sigmoid"), Dense(1, use_bias=False), Activation("sigmoid")]
    network = Network(layers, features=(3,), rng=None, dtype=np.float64)
    network.parameters.load({"dense_1.weight": V, "dense_2.weight": W})
    objective = Objective(network, "half_squared_error", dropout=np.random.default_rng(0))
    rows = Rows.whole(TRUTH_TABLE[:1], ANSWERS[:1])
    program, _ = BatchLoader(rows, objective, objective.training, 1).load(rows.index)
    program.forward()
    program.backward()
    gradients = network.parameters["dense_1.weight"].gradient, network.parameters["dense_2.weight"].gradient
    np.testing.assert_allclose(np.round(gradients[0][0], 2), [0.01, -0.03, -0.02, 0.04], atol=1e-12)
    np.testing.assert_allclose(np.round(gradients[1][:, 0], 3), [-0.075, -0.073, -0.044, -0.053], atol=1e-12)


def test_the_truth_table_is_learnt_in_the_published_way() -> None:
    """Published: loss .23 at the start and below .005 from epoch 300 on, and all eight rows right after 500."""
    layers = [
        Dense(4, use_bias=False, kernel_initializer=Normal()),
        Activation("sigmoid"),
        Dense(1, use_bias=False, kernel_initializer=Normal()),
        Activation("sigmoid"),
    ]
    model = Sequential(layers, seed=0)
    model.compile(SGD(lr=1.0), "half_squared_error")
    history = model.fit(TRUTH_TABLE, ANSWERS, epochs=500, batch_size=1, verbose=0).history
    assert history["loss"][0] > 0.1
    assert history["loss"][-1] < 0.005
    assert history["accuracy"][-1] == 1.0
    np.testing.assert_array_equal(np.round(model.predict(TRUTH_TABLE)[:, 0]), ANSWERS)


def test_rows_give_the_gradients_of_the_published_column_form() -> None:
    """Seeds/001 keeps examples in columns: Z = W A + b, dW = (1/m) dZ Aᵀ; its W is the transpose of nnlab's."""
    m = 11
    rng = np.random.default_rng(34)
    network = Network(
        [Dense(5, bias_initializer="normal"), Activation("relu"), Dense(3), Activation("softmax")],
        features=(7,),
        rng=rng,
        dtype=np.float64,
    )
    x, labels = rng.normal(size=(m, 7)), rng.integers(0, 3, m)
    objective = Objective(network, "cross_entropy", dropout=rng)
    rows = Rows.whole(x, labels)
    program, _ = BatchLoader(rows, objective, objective.training, m).load(rows.index)
    loss = float(program.forward())
    program.backward()

    X, Y = x.T, np.eye(3)[labels].T  # (7, m), (3, m)
    W1, W2 = (network.parameters[f"dense_{layer}.weight"].value.T for layer in (1, 2))
    b1, b2 = (network.parameters[f"dense_{layer}.bias"].value[:, None] for layer in (1, 2))
    Z1 = W1 @ X + b1
    A1 = np.where(Z1 > 0, Z1, 0)
    Z2 = W2 @ A1 + b2
    A2 = np.exp(Z2) / np.exp(Z2).sum(axis=0)
    cost = -(Y * np.log(A2)).sum() / m
    dZ2 = A2 - Y
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    expected = {
        "dense_1.weight": (dZ1 @ X.T / m).T,
        "dense_1.bias": dZ1.sum(axis=1) / m,
        "dense_2.weight": (dZ2 @ A1.T / m).T,
        "dense_2.bias": dZ2.sum(axis=1) / m,
    }

    assert loss == pytest.approx(cost, rel=1e-13)
    for name, gradient in expected.items():
        np.testing.assert_allclose(network.parameters[name].gradient, gradient, rtol=1e-11, atol=1e-15, err_msg=name)
