"""What MLflow shows of a run: the contract that users, dashboards and checks outside the repository rely on."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from commands import OVERRIDES, REPOSITORY, Done, environment, event, events, weights_sha256

HEX = re.compile(r"[0-9a-f]{64}")
BY_EPOCH = {
    "train/loss",
    "train/accuracy",
    "val/loss",
    "val/accuracy",
    "lr",
    "time/epoch_seconds",
}
BEST = {"best/epoch", "best/val/loss", "best/val/accuracy"}


def test_the_command_ends_well_and_says_where_the_run_is(done: Done) -> None:
    assert done.process.returncode == 0, done.process.stderr
    assert done.complaints == []
    (run,), (directory,) = done.runs, done.directories
    assert str(directory) in done.process.stdout
    assert run.info.run_id in done.process.stdout
    assert f"mlflow ui --backend-store-uri sqlite:///{done.store}" in done.process.stdout.replace("'", "")


def test_on_a_pipe_each_epoch_is_one_plain_line(done: Done) -> None:
    lines = [line for line in done.process.stdout.splitlines() if line.startswith("epoch")]
    assert [line.split()[1] for line in lines] == ["1/4", "2/4", "3/4", "4/4"]
    assert "\x1b" not in done.process.stdout
    assert "\r" not in done.process.stdout


def test_the_run_is_finished_in_the_experiment_that_was_asked_for(done: Done) -> None:
    (run,) = done.runs
    assert run.info.status == "FINISHED"
    assert done.client.get_experiment(run.info.experiment_id).name == "small digits"
    assert run.info.run_name == done.directories[0].name


def test_params_are_the_whole_resolved_config_flattened_with_dots(done: Done) -> None:
    (run,) = done.runs
    expected = {
        "seed": "0",
        "dtype": "float32",
        "model.name": "mlp",
        "model.hidden": "[24]",
        "model.bias": "true",
        "optimizer.name": "sgd",
        "optimizer.lr": "0.1",
        "regularizer.name": "none",
        "schedule.name": "constant",
        "data.name": "digits",
        "data.root": "null",
        "data.split.validation": "0.15",
        "data.split.strategy": "stratified",
        "trainer.epochs": "4",
        "trainer.batch_size": "32",
        "trainer.patience": "null",
        "tracking.experiment": "small digits",
        "tracking.uri": f"sqlite:///{done.store}",
        "runs_dir": str(done.runs_dir),
    }
    assert {key: run.data.params.get(key) for key in expected} == expected
    assert not [value for value in run.data.params.values() if "${" in value]


def test_metrics_have_one_value_per_epoch_from_1_on(done: Done) -> None:
    (run,) = done.runs
    journal = [each for each in events(done.directories[0]) if each["event"] == "epoch"]
    for name in BY_EPOCH:
        history = done.client.get_metric_history(run.info.run_id, name)
        assert [metric.step for metric in history] == [1, 2, 3, 4]
        assert [metric.value for metric in history] == [each["metrics"][name] for each in journal]
    assert set(run.data.metrics) == BY_EPOCH | BEST | {"test/loss", "test/accuracy"}


def test_the_scores_of_the_epoch_that_validation_chose_are_there_once(done: Done) -> None:
    (run,) = done.runs
    histories = {name: done.client.get_metric_history(run.info.run_id, name) for name in BY_EPOCH | BEST}
    best = min(histories["val/loss"], key=lambda metric: (metric.value, metric.step)).step
    assert [(only.step, only.value) for only in histories["best/epoch"]] == [(best, best)]
    for name in ("val/loss", "val/accuracy"):
        expected = [(metric.step, metric.value) for metric in histories[name] if metric.step == best]
        assert [(metric.step, metric.value) for metric in histories[f"best/{name}"]] == expected


def test_test_metrics_are_there_once_at_the_epoch_that_validation_chose(done: Done) -> None:
    (run,) = done.runs
    losses = done.client.get_metric_history(run.info.run_id, "val/loss")
    best = min(losses, key=lambda metric: (metric.value, metric.step))
    for name in ("test/loss", "test/accuracy"):
        (only,) = done.client.get_metric_history(run.info.run_id, name)
        assert only.step == best.step
    assert run.data.metrics["test/accuracy"] > 0.8


def test_tags_say_what_made_the_run(done: Done) -> None:
    tags = done.runs[0].data.tags
    for name in ("weights", "data", "config"):
        assert HEX.fullmatch(tags[f"nnlab.{name}_sha256"])
    assert tags["nnlab.status"] == "finished"
    assert tags["nnlab.numpy"] == np.__version__
    assert re.fullmatch(r"\S+ \S+( \S+)? threads=1", tags["nnlab.blas"])
    assert re.fullmatch(r"unknown|[0-9a-f]{40}", tags["nnlab.git_commit"])
    assert tags["nnlab.git_dirty"] in ("true", "false", "unknown")
    assert "nnlab.study" not in tags


def test_artifacts_are_all_there_and_none_is_a_pickle(done: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    # Listing a model's folder, MLflow forgets which client it was asked through.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{done.store}")
    (run,) = done.runs

    def paths(folder: str | None = None) -> list[str]:
        found = []
        for item in done.client.list_artifacts(run.info.run_id, folder):
            found += paths(item.path) if item.is_dir else [item.path]
        return found

    names = set(paths())
    assert {"config.yaml", "overrides.yaml", "history.csv", "requirements.txt"} <= names
    assert {"model/architecture.json", "model/weights.safetensors", "predictions.safetensors"} <= names
    assert {
        "plots/learning_curves.png",
        "plots/confusion_matrix.png",
        "plots/worst_mistakes.png",
        "plots/first_layer_weights.png",
    } <= names
    every_file = [path.name for path in done.folder.rglob("*") if path.is_file()]
    assert not [name for name in every_file if name.endswith((".pkl", ".pickle", ".joblib", ".npy"))]


def test_artifacts_say_what_was_asked_what_was_used_and_what_came_of_it(done: Done, tmp_path: Path) -> None:
    (run,) = done.runs
    folder = Path(done.client.download_artifacts(run.info.run_id, "", str(tmp_path)))
    assert yaml.safe_load((folder / "overrides.yaml").read_text()) == [
        *OVERRIDES,
        "tracking.experiment=small digits",
    ]
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["model"]["hidden"] == [24]
    assert config["tracking"]["uri"] == f"sqlite:///{done.store}"
    with (folder / "history.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["epoch"] for row in table] == ["1", "2", "3", "4"]
    assert float(table[-1]["val/accuracy"]) == run.data.metrics["val/accuracy"]
    requirements = (folder / "requirements.txt").read_text().splitlines()
    assert f"numpy=={np.__version__}" in requirements
    assert not [line for line in requirements if "/" in line]


def test_the_dataset_is_an_input_with_the_digest_of_its_tag(done: Done) -> None:
    (run,) = done.runs
    (used,) = run.inputs.dataset_inputs  # type: ignore[union-attr]
    assert used.dataset.name == "digits"
    assert run.data.tags["nnlab.data_sha256"].startswith(used.dataset.digest)
    assert json.loads(used.dataset.profile)["rows"] == {"train": 1168, "validation": 270, "test": 359}  # type: ignore[arg-type]


def test_the_weights_digest_is_that_of_the_weights_in_the_file(done: Done) -> None:
    from safetensors.numpy import load_file

    arrays = load_file(done.directories[0] / "model" / "weights.safetensors")
    inside = {name: array for name, array in arrays.items() if not name.startswith("input.")}
    in_order = [inside.pop(f"dense_{layer}.{role}") for layer in (1, 2) for role in ("weight", "bias")]
    assert inside == {}
    digest = hashlib.sha256(b"".join(array.astype("<f4").tobytes() for array in in_order)).hexdigest()
    assert done.runs[0].data.tags["nnlab.weights_sha256"] == digest


PREDICT = """
import sys, json
import numpy as np
import mlflow

uri, model, rows = sys.argv[1:]
mlflow.set_tracking_uri(uri)
loaded = mlflow.pyfunc.load_model(model)
arrays = np.load(rows, allow_pickle=False)
outputs = np.asarray(loaded.predict(arrays["x"]))
training_parts = [name for name in sys.modules if name.startswith(("nnlab.training", "nnlab.config", "hydra"))]
print(json.dumps([float((outputs.argmax(axis=1) == arrays["y"]).mean()), list(outputs.shape), training_parts]))
"""


@pytest.mark.slow
def test_the_model_loads_from_mlflow_and_predicts_what_the_test_accuracy_says(done: Done, tmp_path: Path) -> None:
    from nnlab.data import DataSettings, load

    (run,) = done.runs
    test = load(DataSettings("digits")).test
    np.savez(tmp_path / "rows.npz", x=test.x[test.index], y=test.targets())
    arguments = [f"sqlite:///{done.store}", f"runs:/{run.info.run_id}/model", str(tmp_path / "rows.npz")]
    finished = subprocess.run(
        [sys.executable, "-c", PREDICT, *arguments],
        cwd=tmp_path,
        env={**environment(), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    accuracy, shape, training_parts = json.loads(finished.stdout.splitlines()[-1])
    assert accuracy == pytest.approx(run.data.metrics["test/accuracy"], abs=1e-12)
    assert shape == [359, 10]
    assert training_parts == []


def test_nothing_is_left_but_the_runs_and_the_store(done: Done) -> None:
    assert {path.name for path in done.folder.iterdir()} <= {
        "my runs",
        "other store.db",
        "other store.db.lock",
    }
    assert {path.name for path in done.runs_dir.iterdir()} == {
        "artifacts",
        "mirror.log",
        done.directories[0].name,
    }


def test_a_multirun_makes_one_run_per_value_and_leaves_nothing_else(pair: Done) -> None:
    assert pair.process.returncode == 0, pair.process.stderr
    assert [run.data.params["optimizer.lr"] for run in pair.runs] == ["0.1", "0.01"]
    assert [run.info.status for run in pair.runs] == ["FINISHED", "FINISHED"]
    assert [path.name for path in pair.folder.iterdir()] == ["runs"]


def test_the_same_command_gives_the_same_weights_wherever_it_runs(done: Done, pair: Done) -> None:
    digests = [run.data.tags["nnlab.weights_sha256"] for run in (*done.runs, *pair.runs)]
    assert digests[0] == digests[1] != digests[2]
    configs = [run.data.tags["nnlab.config_sha256"] for run in (*done.runs, *pair.runs)]
    assert configs[0] == configs[1] != configs[2]
    assert len({run.data.tags["nnlab.data_sha256"] for run in (*done.runs, *pair.runs)}) == 1


def test_the_run_directory_and_mlflow_tell_the_same(pair: Done) -> None:
    for run, directory in zip(pair.runs, pair.directories, strict=True):
        assert run.info.run_name == directory.name
        assert run.data.tags["nnlab.weights_sha256"] == weights_sha256(directory)
        assert event(directory, "end")["status"] == "finished"
        last = [each for each in events(directory) if each["event"] == "epoch"][-1]
        assert last["metrics"]["val/loss"] == run.data.metrics["val/loss"]


def test_runs_that_are_compared_leave_the_test_split_alone(pair: Done) -> None:
    for run, directory in zip(pair.runs, pair.directories, strict=True):
        assert not [name for name in run.data.metrics if name.startswith("test/")]
        assert not [each for each in events(directory) if each["event"] == "test"]
        assert run.data.params["trainer.test"] == "false"
    assert "trainer.test=false" in pair.process.stdout.partition("test split")[2]


def test_no_artifact_of_a_run_speaks_of_the_repository(done: Done) -> None:
    for name in ("config.yaml", "overrides.yaml", "requirements.txt", "model/architecture.json"):
        assert str(REPOSITORY) not in (done.directories[0] / name).read_text(encoding="utf-8")
