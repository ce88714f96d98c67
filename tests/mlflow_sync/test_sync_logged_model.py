"""The logged model, as somebody finds it who has MLflow and not nnlab."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml
from mlflow import MlflowClient
from recording import dataset, model, record

from nnlab.mlflow_sync.upload import upload
from nnlab.models import code as model_code

STRANGER = """
import json, sys
from importlib.machinery import PathFinder

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("hydra", "omegaconf", "optuna", "matplotlib"):
            raise ModuleNotFoundError(name)
        if name == "nnlab":  # wherever it is installed: only what travels with an old model counts
            spec = PathFinder.find_spec(name, [folder for folder in sys.path if folder.endswith("code")])
            if spec is None:
                raise ModuleNotFoundError(name)
            return spec

if sys.argv[1] == "without nnlab":
    sys.meta_path.insert(0, Absent())
    try:
        import nnlab
    except ModuleNotFoundError:
        pass
    else:
        raise SystemExit("nnlab is there")

import mlflow, numpy, pandas
rows = numpy.array(json.loads(sys.argv[2]), numpy.uint8)
for folder in sys.argv[3:]:
    loaded = mlflow.pyfunc.load_model(folder)
    print(json.dumps([loaded.predict(rows).tolist(), loaded.predict(pandas.DataFrame(rows)).tolist()]))
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules if name.startswith("nnlab")})))
if sys.argv[1] == "with nnlab":
    import nnlab.batch
    print(json.dumps(nnlab.batch.__file__))
"""
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def logged(runs_dir: Path, uri: str) -> tuple[str, Path]:
    """The id of a run in MLflow, and the folder with its logged model."""
    state = upload(record(runs_dir), MlflowClient(uri))
    (found,) = MlflowClient(uri).search_logged_models([state.experiment_id])  # type: ignore[list-item]
    return str(state.run_id), Path(found.artifact_location.removeprefix("file://").replace("%20", " "))


def predicted(folder: Path, models: Sequence[Path], nnlab: str = "without nnlab") -> subprocess.CompletedProcess[str]:
    """What a process in `folder` gets from the models for the rows of `dataset()`, one after another."""
    rows = dataset().test
    path = {"PYTHONPATH": str(REPOSITORY)} if nnlab == "with nnlab" else {}
    arguments = [nnlab, json.dumps(rows.x[rows.index].tolist()), *map(str, models)]
    return subprocess.run(
        [sys.executable, "-P", "-c", STRANGER, *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", **path},
        capture_output=True,
        text=True,
    )


def code_of(model: Path) -> Path:
    """The package that travels with a model."""
    (found,) = (model / "code").iterdir()
    return found


def changed(model: Path, to: Path, name: str) -> Path:
    """A copy of a model whose package has another name."""
    shutil.copytree(model, to)
    old = code_of(to)
    for path in to.rglob("*.py"):
        path.write_text(path.read_text().replace(f"from {old.name}", f"from {name}"))
    old.rename(old.with_name(name))
    return to


@pytest.mark.slow
def test_it_predicts_where_nnlab_is_not_installed(logged: tuple[str, Path], tmp_path: Path) -> None:
    done = predicted(tmp_path, [logged[1]])
    assert done.returncode == 0, done.stderr
    assert "Add type hints" not in done.stderr
    outputs, modules = map(json.loads, done.stdout.splitlines())
    expected = model().network.predict(dataset().test.inputs())
    for form in outputs:
        np.testing.assert_array_equal(np.array(form, np.float32), expected)
    assert modules == [code_of(logged[1]).name]


@pytest.mark.slow
def test_models_leave_nnlab_and_each_other_alone(logged: tuple[str, Path], tmp_path: Path) -> None:
    """One of another version that gives other numbers, then ours, in a process that imports nnlab last of all."""
    other = changed(logged[1], tmp_path / "other", "nnlab_model_other")
    artifact = code_of(other) / "models" / "saved_model.py"
    artifact.write_text(artifact.read_text().replace("return self.network.predict(", "return -self.network.predict("))
    done = predicted(tmp_path, [other, logged[1]], "with nnlab")
    assert done.returncode == 0, done.stderr
    theirs, ours, modules, installed = map(json.loads, done.stdout.splitlines())
    expected = model().network.predict(dataset().test.inputs())
    np.testing.assert_array_equal(np.array(ours[0], np.float32), expected)
    np.testing.assert_array_equal(np.array(theirs[0], np.float32), -expected)
    assert modules == sorted(["nnlab_model_other", code_of(logged[1]).name])
    assert installed == str(REPOSITORY / "nnlab" / "batch.py")


@pytest.mark.slow
@pytest.mark.parametrize("nnlab", ["without nnlab", "with nnlab"])
def test_a_model_of_before_whose_package_is_called_nnlab_still_predicts(
    nnlab: str, logged: tuple[str, Path], tmp_path: Path
) -> None:
    old = changed(logged[1], tmp_path / "old", "nnlab")
    done = predicted(tmp_path, [logged[1], old], nnlab)
    outputs = [json.loads(line) for line in done.stdout.splitlines()[:2]]
    assert outputs[0] == outputs[1], done.stderr


@pytest.mark.slow
def test_it_refuses_weights_that_were_changed(logged: tuple[str, Path], tmp_path: Path) -> None:
    weights = logged[1] / "artifacts" / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    done = predicted(tmp_path, [logged[1]])
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
    code = code_of(logged[1])
    assert code.name.startswith("nnlab_model_")
    ground = {"check.py", "errors.py", "json_text.py", "plain.py", "redaction.py", "streams.py", "typed.py"}
    assert {path.name for path in code.iterdir()} == {"__init__.py", "core", "models", "typed_values.py"} | ground
    assert {path.name for path in (code / "models").iterdir()} == {"__init__.py", "saved_model.py", "stored_form.py"}


def test_its_code_imports_nothing_of_an_nnlab_that_is_installed(logged: tuple[str, Path]) -> None:
    code = code_of(logged[1])
    for path in [*code.rglob("*.py"), logged[1] / "predictor.py"]:
        for name in imports(path):
            top, *parts = name.split(".")
            assert top != "nnlab", f"{path} imports {name}"
            if top == code.name:  # a module of the package, or a name in one
                place = code.joinpath(*parts)
                assert place.is_dir() or any(each.with_suffix(".py").is_file() for each in (place, place.parent)), name


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_other_code_has_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def name() -> str:
        model_code._sources.cache_clear()
        return model_code.stage(tmp_path / "staged").name

    try:
        first = name()
        assert name() == first
        shutil.copytree(model_code.PACKAGE / "core", tmp_path / "nnlab" / "core")
        for place in model_code.NEEDED[1:]:
            (tmp_path / "nnlab" / place).parent.mkdir(exist_ok=True)
            shutil.copy(model_code.PACKAGE / place, tmp_path / "nnlab" / place)
        monkeypatch.setattr(model_code, "PACKAGE", tmp_path / "nnlab")
        assert name() == first, "wherever nnlab is"
        with (tmp_path / "nnlab" / "core" / "network.py").open("a") as file:
            file.write("# another version\n")
        assert name() != first
    finally:
        model_code._sources.cache_clear()


def test_logging_leaves_no_folder_in_the_search_path_of_modules(runs_dir: Path, uri: str) -> None:
    before = list(sys.path)
    upload(record(runs_dir), MlflowClient(uri))
    assert sys.path == before, "each trial of a study would make the next one's imports slower"


def test_it_is_ready_and_an_output_of_its_run(uri: str, logged: tuple[str, Path]) -> None:
    client = MlflowClient(uri)
    (output,) = client.get_run(logged[0]).outputs.model_outputs  # type: ignore[union-attr]
    model = client.get_logged_model(output.model_id)
    assert (model.name, model.status, model.source_run_id) == ("model", "READY", logged[0])
    written = yaml.safe_load((logged[1] / "MLmodel").read_text())
    assert (written["run_id"], written["model_id"]) == (logged[0], output.model_id)


def test_it_holds_no_pickle(logged: tuple[str, Path]) -> None:
    endings = {path.suffix for path in logged[1].rglob("*") if path.is_file()}
    assert endings <= {"", ".json", ".safetensors", ".py", ".yaml", ".txt"}
