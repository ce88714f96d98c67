from __future__ import annotations

import json
import os
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recording import dataset, model

from nnlab.core import Activation, Dense, Network, Scaling
from nnlab.errors import UserError
from nnlab.models.saved_model import Model, load_model, save_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tmp_path / "model", model())
    return tmp_path / "model"


def load(folder: Path) -> Model:
    return load_model(folder / "architecture.json", folder / "weights.safetensors")


def test_a_model_is_two_files_and_comes_back_with_the_same_outputs(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["architecture.json", "weights.safetensors"]
    rows = dataset().test
    outputs = load(folder).predict(rows.x[rows.index])
    # The network itself on scaled inputs: what evaluation during training uses.
    np.testing.assert_array_equal(outputs, model().network.predict(rows.inputs()))
    assert (outputs.shape, outputs.dtype) == ((3, 3), np.float32)  # type: ignore[comparison-overlap]


def test_a_model_takes_rows_as_they_are_stored() -> None:
    # One weight of 2 on (row / 2 + 1): rows 4 and 6 give 2 * 3 and 2 * 4.
    network = Network([Dense(1, use_bias=False)], features=(1,), rng=None, dtype=np.float64)
    network.parameters.values_vector[:] = 2.0
    rows = np.array([[4], [6]], np.uint8)
    np.testing.assert_array_equal(Model(network, Scaling(0.5, 1.0), ("y",), rows).predict(rows), [[6.0], [8.0]])


def test_scaling_per_feature_names_and_example_come_back(tmp_path: Path) -> None:
    scaling = Scaling(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, -1.0, 0.5, 8.0]))
    saved = replace(model(), scaling=scaling)
    save_model(tmp_path, saved)
    loaded = load(tmp_path)
    rows = dataset().train.x
    np.testing.assert_array_equal(loaded.predict(rows), saved.predict(rows))
    np.testing.assert_array_equal(loaded.example, saved.example)
    assert loaded.example.dtype == np.uint8
    assert loaded.class_names == ("a", "b", "c")


def test_the_scaling_is_stored_in_full(tmp_path: Path) -> None:
    scaling = Scaling(np.array([1 / 3, 1, 1, 1]), 0.1, np.array([1.7e12 + 1, 0, 0, 0]), in_float64=True)
    save_model(tmp_path, replace(model(), scaling=scaling))
    loaded = load(tmp_path).scaling
    np.testing.assert_array_equal(loaded.scale, scaling.scale)
    np.testing.assert_array_equal(loaded.shift, scaling.shift)
    assert (loaded.offset.item(), loaded.in_float64) == (0.1, True)  # type: ignore[union-attr]


@pytest.mark.parametrize("written_by", ["format_1", "format_2"])
def test_models_that_earlier_versions_wrote_are_read(written_by: str) -> None:
    """The files, and what they predicted then, are of the commits dd1431c~1 and f1df599."""
    rows = np.array([[0, 128, 255], [1, 2, 3], [250, 250, 0]], np.uint8)
    then = [[0.5189699, 0.4810301], [0.50729495, 0.49270508], [0.4453185, 0.5546815]]
    loaded = load(Path(__file__).parent / "stored" / written_by)
    np.testing.assert_allclose(loaded.predict(rows), then, rtol=1e-6)
    np.testing.assert_array_equal(loaded.example, rows)
    assert loaded.class_names == ("no", "yes")


@pytest.mark.parametrize("rows", [np.zeros((2, 3)), np.zeros(4), np.array([["a"] * 4]), np.full((2, 4), None)])
def test_rows_that_do_not_fit_are_refused(rows: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"`rows` must be numbers of shape \(n, 4\), but are"):
        model().predict(rows)


def test_the_architecture_is_json_that_states_input_classes_and_digest(folder: Path) -> None:
    fields = json.loads((folder / "architecture.json").read_text())
    assert fields["format"] == 2
    assert fields["input"] == {"features": 4, "dtype": "uint8", "in_float64": False}
    assert fields["classes"] == ["a", "b", "c"]
    assert fields["network"]["features"] == [4]
    assert len(fields["weights"]["sha256"]) == 64


def test_changed_weights_are_refused(folder: Path) -> None:
    weights = folder / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(UserError, match=r"must be those that the model was saved with .*weights\.safetensors"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda fields: fields | {"format": 3}, "`format` must be one of 1, 2, but is 3"),
        (lambda fields: {"format": 1}, "must describe a model as nnlab does: it must have the key 'classes'"),
        (lambda fields: [], "must describe a model as nnlab does: it must be a mapping"),
        (lambda fields: fields | {"network": {}}, "`network` must have the key 'dtype'"),
        (
            lambda fields: fields | {"network": fields["network"] | {"features": [9]}},
            r"do not make a network: .*shape",
        ),
    ],
)
def test_an_architecture_of_another_kind_is_refused(folder: Path, change: object, message: str) -> None:
    path = folder / "architecture.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))  # type: ignore[operator]
    with pytest.raises(UserError, match=message):
        load(folder)


def test_a_model_of_several_layers_and_of_double_precision_comes_back(tmp_path: Path) -> None:
    layers = [Dense(6), Activation("tanh"), Dense(5), Activation("sigmoid"), Dense(2)]
    network = Network(layers, features=(4,), rng=np.random.default_rng(1), dtype=np.float64)
    saved = Model(network, Scaling(), ("a", "b"), np.array([[0.5, -1.0, 2.0, 1e-3]]))
    save_model(tmp_path, saved)
    outputs = load(tmp_path).predict(saved.example)
    assert outputs.dtype == np.float64
    np.testing.assert_array_equal(outputs, network.predict(saved.example))


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ("network", "features", [2**31]),
        ("network", "features", [100_000_000]),
        ("network", "features", [True]),
        ("network", "dtype", "float16"),
        ("network", "layers", []),
        ("network", "layers", [{"kind": "dense", "units": 2**31, "use_bias": True}]),
        ("network", "layers", [{"kind": "dense", "units": 3, "use_bias": 1}]),
        ("network", "layers", [{"kind": "dropout", "rate": -0.5}]),
        ("network", "layers", [{"kind": "os.system", "units": 3}]),
        ("network", "layers", [{"kind": "dropout", "rate": 0.5}] * 10_001),
        ("input", "features", 2**31),
        ("input", "dtype", "object"),
        ("weights", "sha256", None),
    ],
)
def test_an_architecture_that_is_none_or_too_large_is_refused_before_memory_is_taken(
    folder: Path, place: str, key: str, value: object
) -> None:
    path = folder / "architecture.json"
    fields = json.loads(path.read_text())
    fields[place][key] = value
    path.write_text(json.dumps(fields))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match=r"architecture\.json"):
        load(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_weights_beyond_their_architecture_are_refused_unread(folder: Path) -> None:
    os.truncate(folder / "weights.safetensors", 10 * 2**30)  # of zeros that take no room
    with pytest.raises(UserError, match=r"weights\.safetensors must have at most"):
        load(folder)
