"""A network and its parameters: one vector, many views, and a description to build it from again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from nnlab.core import Activation, Dense, Dropout, Network
from nnlab.core.network import ROWS_AT_ONCE


def small(dtype: Any = np.float64, seed: int | None = 22, features: tuple[int, ...] = (4,)) -> Network:
    rng = None if seed is None else np.random.default_rng(seed)
    layers = [Dense(5), Activation("relu"), Dropout(0.5), Dense(3, use_bias=False), Activation("softmax")]
    return Network(layers, features=features, rng=rng, dtype=dtype)


def test_parameters_are_named_by_layer_and_role_and_stand_in_that_order() -> None:
    assert list(small().parameters) == ["dense_1.weight", "dense_1.bias", "dense_2.weight"]


def test_the_flat_vector_and_the_views_share_their_memory_with_biases_after_all_weights() -> None:
    parameters = small().parameters
    weight, bias, last = (parameters[name].value for name in parameters)
    assert parameters.values_vector.shape == parameters.gradients_vector.shape == (4 * 5 + 5 + 5 * 3,)
    np.testing.assert_array_equal(
        parameters.values_vector, np.concatenate([weight.reshape(-1), last.reshape(-1), bias])
    )
    parameters.values_vector[:20] = np.arange(20)
    np.testing.assert_array_equal(weight, np.arange(20).reshape(4, 5))
    parameters["dense_1.bias"].gradient[2] = 7.0
    assert parameters.gradients_vector[4 * 5 + 5 * 3 + 2] == 7.0
    assert parameters.named()["dense_2.weight"] is last


def test_a_prediction_follows_the_parameters_as_they_are_now() -> None:
    network, x = small(), np.ones((2, 4))
    before = network.predict(x)
    network.parameters.values_vector[...] = 0.0
    np.testing.assert_allclose(network.predict(x), np.full((2, 3), 1 / 3), rtol=1e-15)
    assert not np.array_equal(before, network.predict(x))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predictions_have_the_networks_dtype_and_are_copies(dtype: Any) -> None:
    network = small(dtype)
    first = network.predict(np.ones((2, 4)))
    kept = first.copy()
    network.predict(np.full((2, 4), -9.0))
    assert first.dtype == dtype
    np.testing.assert_array_equal(first, kept)


def test_predictions_of_many_rows_are_those_of_each_row() -> None:
    network = small()
    x = np.random.default_rng(23).normal(size=(2 * ROWS_AT_ONCE + 7, 4))
    together = network.predict(x)
    assert together.shape == (len(x), 3)
    for i in (0, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, len(x) - 1):
        np.testing.assert_allclose(together[i], network.predict(x[i : i + 1])[0], rtol=1e-13)


def test_a_prediction_of_no_rows_is_empty() -> None:
    assert small().predict(np.empty((0, 4))).shape == (0, 3)


def test_images_are_flattened_by_the_first_dense_layer() -> None:
    x = np.random.default_rng(24).normal(size=(6, 2, 2))
    np.testing.assert_array_equal(small(features=(2, 2)).predict(x), small().predict(x.reshape(6, 4)))


def test_rows_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"needs rows of shape \(4,\), but got \(2, 2\)"):
        small().predict(np.ones((3, 2, 2)))


def test_a_network_without_layers_is_refused() -> None:
    with pytest.raises(ValueError, match=r"needs at least one layer, but got none. Add a `Dense`"):
        Network([], features=(4,), rng=None)


@pytest.mark.parametrize("dtype", ["int32", "float16", "complex128"])
def test_a_dtype_other_than_the_two_is_refused(dtype: str) -> None:
    with pytest.raises(ValueError, match=dtype):
        small(dtype)


def test_a_network_comes_back_from_its_description_and_its_parameters() -> None:
    network, x = small(np.float32), np.random.default_rng(25).normal(size=(3, 4))
    description = json.loads(json.dumps(network.to_dict()))
    again = Network.from_dict(description)
    assert not again.parameters.values_vector.any()
    again.parameters.load(network.parameters.named())
    assert again.predict(x).tobytes() == network.predict(x).tobytes()
    assert again.to_dict() == network.to_dict()


def test_loading_copies() -> None:
    source, target = small(), small(seed=None)
    target.parameters.load(source.parameters.named())
    source.parameters.values_vector[...] = 0.0
    assert target.parameters.values_vector.any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("dense_1.bias"), r"has parameters .*'dense_1.bias'.*, but got \["),
        (lambda arrays: arrays.update(extra=np.zeros(3)), r"has parameters .*, but got .*'extra'"),
        (
            lambda arrays: arrays.update({"dense_2.weight": np.zeros((3, 5))}),
            r"`dense_2.weight` needs shape \(5, 3\), but got \(3, 5\)",
        ),
    ],
)
def test_parameters_that_do_not_fit_are_refused_and_nothing_is_loaded(change: Any, message: str) -> None:
    network = small()
    before = network.parameters.values_vector.copy()
    arrays = {name: np.zeros_like(value) for name, value in network.parameters.named().items()}
    change(arrays)
    with pytest.raises(ValueError, match=message):
        network.parameters.load(arrays)
    np.testing.assert_array_equal(network.parameters.values_vector, before)
