"""The logged model, as somebody finds it who has MLflow and not nnlab."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from mlflow import MlflowClient
from recording import dataset, model, record

from nnlab.tracking.feed import feed

STRANGER = """
import json, sys
from importlib.machinery import PathFinder

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("hydra", "omegaconf", "optuna", "matplotlib"):
            raise ModuleNotFoundError(name)
        if name == "nnlab":  # wherever it is installed: only what travels with the model counts
            spec = PathFinder.find_spec(name, [folder for folder in sys.path if folder.endswith("code")])
            if spec is None:
                raise ModuleNotFoundError(name)
            return spec

sys.meta_path.insert(0, Absent())
try:
    import nnlab
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("nnlab is there")

import mlflow, numpy, pandas
mlflow.set_tracking_uri(sys.argv[1])
loaded = mlflow.pyfunc.load_model(sys.argv[2])
rows = numpy.array(json.loads(sys.argv[3]), numpy.uint8)
print(json.dumps([loaded.predict(rows).tolist(), loaded.predict(pandas.DataFrame(rows)).tolist()]))
print(sorted(name for name in sys.modules if name.startswith("nnlab.") and name.count(".") == 1))
"""


@pytest.fixture
def logged(runs_dir: Path, uri: str) -> tuple[str, Path]:
    """The id of a run in MLflow, and the folder with its logged model."""
    view = feed(record(runs_dir), MlflowClient(uri))
    (found,) = MlflowClient(uri).search_logged_models([view.experiment_id])
    return str(view.run_id), Path(found.artifact_location.removeprefix("file://").replace("%20", " "))


def predicted(uri: str, run_id: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    rows = dataset().test
    arguments = [uri, f"runs:/{run_id}/model", json.dumps(rows.x[rows.index].tolist())]
    return subprocess.run(
        [sys.executable, "-P", "-c", STRANGER, *arguments],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_it_predicts_where_nnlab_is_not_installed(uri: str, logged: tuple[str, Path], tmp_path: Path) -> None:
    done = predicted(uri, logged[0], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Add type hints" not in done.stderr
    outputs, modules = done.stdout.splitlines()
    expected = model().network.predict(dataset().test.inputs())
    for form in json.loads(outputs):
        np.testing.assert_array_equal(np.array(form, np.float32), expected)
    assert modules == "['nnlab.core', 'nnlab.errors', 'nnlab.tracking']"


def test_it_refuses_weights_that_were_changed(uri: str, logged: tuple[str, Path], tmp_path: Path) -> None:
    weights = logged[1] / "artifacts" / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    done = predicted(uri, logged[0], tmp_path)
    assert done.returncode != 0
    assert "The weights must be those that the model was saved with" in done.stderr


def test_it_states_requirements_signature_and_example(logged: tuple[str, Path]) -> None:
    _, folder = logged
    names = [line.split("==")[0] for line in (folder / "requirements.txt").read_text().split()]
    assert names == ["numpy", "safetensors", "mlflow"]
    signature = yaml.safe_load((folder / "MLmodel").read_text())["signature"]
    (inputs,), (outputs,) = (json.loads(signature[side]) for side in ("inputs", "outputs"))
    assert inputs["tensor-spec"] == {"dtype": "uint8", "shape": [-1, 4]}
    assert outputs["tensor-spec"] == {"dtype": "float32", "shape": [-1, 3]}
    example = json.loads((folder / "input_example.json").read_text())
    assert example == dataset().train.x[:2].tolist()


def test_it_carries_the_core_and_no_other_part_of_nnlab(logged: tuple[str, Path]) -> None:
    code = logged[1] / "code" / "nnlab"
    assert {path.name for path in code.iterdir()} == {"__init__.py", "core", "errors.py", "tracking"}
    assert {path.name for path in (code / "tracking").iterdir()} == {"__init__.py", "model_artifact.py"}


def test_logging_leaves_no_folder_in_the_search_path_of_modules(runs_dir: Path, uri: str) -> None:
    before = list(sys.path)
    feed(record(runs_dir), MlflowClient(uri))
    assert sys.path == before, "each trial of a study would make the next one's imports slower"


def test_it_is_ready_and_an_output_of_its_run(uri: str, logged: tuple[str, Path]) -> None:
    client = MlflowClient(uri)
    (output,) = client.get_run(logged[0]).outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert (model.name, model.status, model.source_run_id) == ("model", "READY", logged[0])
    written = yaml.safe_load((logged[1] / "MLmodel").read_text())
    assert (written["run_id"], written["model_id"]) == (logged[0], output.model_id)


def test_it_holds_no_pickle(logged: tuple[str, Path]) -> None:
    endings = {path.suffix for path in logged[1].rglob("*") if path.is_file()}
    assert endings <= {"", ".json", ".safetensors", ".py", ".yaml", ".txt"}
