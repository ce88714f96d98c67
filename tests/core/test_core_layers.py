"""Layers: what they ask for, what they refuse, and dropout's promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnlab.core import Activation, Dense, Dropout, Graph, Input, Mul, Network, Sequential
from nnlab.core.activations import InvertedDropout
from nnlab.core.layers import layer_from_dict
from nnlab.core.learner import evaluate
from nnlab.core.objective import Objective
from nnlab.core.rows import Rows


def test_a_dense_layer_asks_for_a_weight_and_a_bias() -> None:
    specs = Dense(7).parameters((2, 3, 2))
    assert {name: spec.shape for name, spec in specs.items()} == {"weight": (12, 7), "bias": (7,)}
    assert set(Dense(7, use_bias=False).parameters((4,))) == {"weight"}


def test_a_dense_layer_is_x_times_weight_plus_bias() -> None:
    network = Network([Dense(2)], features=(3,), rng=None, dtype=np.float64)
    network.parameters.load(
        {"dense_1.weight": np.array([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]]), "dense_1.bias": np.array([10.0, 20.0])}
    )
    # [1 2 3]: 1 + 2·3 + 10 = 17 and 2 − 3 + 20 = 19.
    np.testing.assert_array_equal(network.predict(np.array([[1.0, 2.0, 3.0]])), [[17.0, 19.0]])


@pytest.mark.parametrize("units", [0, -3, 2.5, "4", True, None])
def test_units_that_are_no_positive_whole_number_are_refused(units: Any) -> None:
    with pytest.raises(ValueError, match=r"`units` must be a whole number of at least 1"):
        Dense(units)


def test_an_input_dim_that_the_layer_does_not_get_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`Dense\(input_dim=5\)` gets rows of 6 features. Leave `input_dim` out"):
        Network([Dense(4, input_dim=5)], features=(2, 3), rng=None)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("rellu", r"`Activation` must be one of identity, .*, but got 'rellu'. Did you mean 'relu'\?"),
        ("gelu", r"`Activation` must be one of .*, but got 'gelu'"),
        ("", r"`Activation` must be one of .*, but got ''\.$"),
    ],
)
def test_an_unknown_activation_is_refused_with_the_nearest_name(function: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Activation(function)


def test_an_unknown_initializer_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=r"but got 'glorot_unifrom'. Did you mean 'glorot_uniform'\?"):
        Dense(3, kernel_initializer="glorot_unifrom")


@pytest.mark.parametrize("layer", [Dense(3), Dense(4, use_bias=False), Activation("tanh"), Dropout(0.25)])
def test_a_layer_comes_back_from_its_description(layer: Any) -> None:
    assert layer_from_dict(layer.to_dict()).to_dict() == layer.to_dict()


def test_a_description_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be one of dense, activation, dropout, but got 'denze'. Did you mean"):
        layer_from_dict({"kind": "denze", "units": 3})


@pytest.mark.parametrize("rate", [1.0, -0.1, float("nan")])
def test_a_dropout_rate_outside_zero_to_one_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=r"`Dropout\(rate=.*\)`: `rate` must be"):
        Dropout(rate)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_dropout_zeroes_its_share_and_preserves_the_mean(rate: float, dtype: type[np.floating]) -> None:
    x = Input("x")
    n = 200_000
    program = Graph(InvertedDropout(x, rate, np.random.default_rng(16)), dtype=dtype).program({x: (n,)})
    program.values[x][...] = 3.0
    out = program.forward().astype(np.float64)
    kept = out != 0.0
    # The share kept has standard error √(rate (1 − rate) / n); five of them, with a fixed seed.
    bound = 5 * np.sqrt(rate * (1 - rate) / n)
    assert abs(kept.mean() - (1 - rate)) < bound
    assert abs(out.mean() / 3.0 - 1.0) < bound / (1 - rate)
    np.testing.assert_allclose(out[kept], 3.0 / (1 - rate), rtol=1e-6)


def test_the_backward_pass_uses_the_mask_of_the_forward_pass() -> None:
    x, r = Input("x"), Input("r")
    rng = np.random.default_rng(17)
    graph = Graph(Mul(InvertedDropout(x, 0.5, np.random.default_rng(18)), r), wrt=[x])
    program = graph.program({x: (20, 10), r: (20, 10)})
    program.values[x][...] = 1.0
    program.values[r][...] = upstream = rng.normal(size=(20, 10))
    out = program.forward().copy()
    program.backward()
    np.testing.assert_array_equal(program.gradients[x], out)  # at x = 1 both are mask · r
    assert 0 < np.count_nonzero(out) < out.size
    assert not np.array_equal(program.forward(), out)  # the next pass draws another mask
    np.testing.assert_array_equal(program.values[r], upstream)


def dropout_network(rate: float) -> Network:
    layers = [Dense(32), Activation("relu"), Dropout(rate), Dense(3), Activation("softmax")]
    return Network(layers, features=(4,), rng=np.random.default_rng(19), dtype=np.float64)


def test_dropout_is_off_in_evaluation_and_prediction() -> None:
    x = np.random.default_rng(20).normal(size=(50, 4))
    rows = Rows.whole(x, np.arange(50) % 3)
    with_dropout, without = dropout_network(0.5), dropout_network(0.0)
    np.testing.assert_array_equal(with_dropout.predict(x), without.predict(x))
    stream = np.random.default_rng(0)
    before = stream.bit_generator.state
    losses = [
        evaluate(Objective(network, "cross_entropy", dropout=stream), rows).loss for network in (with_dropout, without)
    ]
    assert losses[0] == losses[1]
    assert stream.bit_generator.state == before


def test_adding_dropout_changes_neither_the_first_weights_nor_the_shuffle() -> None:
    """A rate too small to drop anything: whatever else changed would show in the trained weights."""
    rng = np.random.default_rng(21)
    x, y = rng.normal(size=(64, 4)), rng.integers(0, 3, 64)

    def train(*extra: Dropout) -> bytes:
        layers = [Dense(8), Activation("tanh"), *extra, Dense(3), Activation("softmax")]
        model = Sequential(layers, seed=5, dtype=np.float64)
        model.compile("sgd")
        model.fit(x, y, epochs=3, batch_size=16, verbose=0)
        return model.network.parameters.values_vector.tobytes()

    # A float32 draw is a multiple of 2⁻²⁴: 1,536 of them are below 1e-12 only if one is exactly 0.
    reference, with_dropout = train(), train(Dropout(1e-12))
    np.testing.assert_allclose(np.frombuffer(with_dropout), np.frombuffer(reference), rtol=1e-8)
    assert train(Dropout(0.5)) != reference
