"""The logged model takes the rows of the file, in the file's own type: arrays, and data frames as pandas reads them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient

from nnlab.core import Activation, Dense, Network
from nnlab.data import Dataset, DataSettings, SplitSettings, load
from nnlab.mlflow_sync.logged_model import log_model
from nnlab.models.saved_model import Model, save_model

RNG = np.random.default_rng(0)
TIMES = 1_700_000_000_000 + RNG.integers(0, 60_000, 40)
COUNTS = RNG.integers(0, 9, 40)
LABELS = np.arange(40) % 2
COLUMNS = {
    "mixed columns": {"time": TIMES, "count": COUNTS, "noise": RNG.normal(size=40)},
    "whole numbers": {"time": TIMES, "count": COUNTS, "more": COUNTS + 1},
    "nanoseconds": {"time": TIMES * 1_000_000 + 1, "count": COUNTS},
    "small whole numbers": {"count": COUNTS, "more": COUNTS + 1},
    "large": {"size": RNG.normal(size=40) * 1e300, "noise": RNG.normal(size=40)},
}


def logged(dataset: Dataset, folder: Path, uri: str) -> tuple[mlflow.pyfunc.PyFuncModel, Network, str]:  # type: ignore[name-defined]
    """The model that MLflow loads, the network itself, and the type that the signature asks for."""
    layers = [Dense(4), Activation("tanh"), Dense(2), Activation("softmax")]
    network = Network(layers, features=(dataset.features,), rng=np.random.default_rng(1))
    model = Model(network, dataset.train.scaling, dataset.class_names, dataset.example(5))
    save_model(folder, model)
    client = MlflowClient(uri)
    experiment = client.create_experiment("types", (folder / "artifacts").as_uri())
    run = client.create_run(experiment).info.run_id
    log_model(model, folder, client, run, experiment)
    (found,) = client.search_logged_models([experiment])
    signature = yaml.safe_load(Path(found.artifact_location.removeprefix("file://"), "MLmodel").read_text())
    (inputs,) = json.loads(signature["signature"]["inputs"])
    mlflow.set_tracking_uri(uri)
    return mlflow.pyfunc.load_model(f"models:/{found.model_id}"), network, inputs["tensor-spec"]["dtype"]


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param(each, id=name, marks=() if name == "nanoseconds" else pytest.mark.slow)
        for name, each in COLUMNS.items()
    ],
)
def test_a_data_frame_gives_to_the_bit_what_the_network_gives_for_the_inputs_of_training(
    columns: dict[str, np.ndarray], tmp_path: Path, uri: str
) -> None:
    frame = pd.DataFrame(columns)
    text = frame.assign(label=LABELS).to_csv(index=False)
    (tmp_path / "table.csv").write_text(text)
    np.savez(tmp_path / "table.npz", x_train=frame.to_numpy(), y_train=LABELS)
    form = "csv" if "noise" in columns else "npz"
    split = SplitSettings(strategy="tail", test=0, validation=0)
    file = str(tmp_path / f"table.{form}")
    dataset = load(DataSettings(form, file, standardize=True, label_column=len(columns), split=split))
    model, network, _ = logged(dataset, tmp_path / "model", uri)
    expected = network.predict(dataset.train.inputs(np.float32))
    read = pd.read_csv(io.StringIO(text)).drop(columns="label")
    np.testing.assert_array_equal(model.predict(read), expected)
    np.testing.assert_array_equal(model.predict(read.to_numpy()), expected)


@pytest.mark.slow
@pytest.mark.parametrize("stored", ["u1", "?", "i2", "u8", "f2", ">f8", "i8"])
def test_an_array_of_the_files_type_is_what_the_signature_asks_for(stored: str, tmp_path: Path, uri: str) -> None:
    x = RNG.integers(0, 2, (40, 3)).astype(stored)
    np.savez(tmp_path / "table.npz", x_train=x, y_train=LABELS)
    dataset = load(DataSettings(name="npz", root=str(tmp_path / "table.npz"), standardize=True))
    model, network, asked = logged(dataset, tmp_path / "model", uri)
    assert asked == x.dtype.newbyteorder("=").name
    rows = x[dataset.train.index].astype(asked)
    np.testing.assert_array_equal(model.predict(rows), network.predict(dataset.train.inputs(np.float32)))
