"""Small files of every kind that nnlab writes of its own, written by nnlab's own code."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from nnlab.core import Activation, Dense, Dropout, Network, Rows, Scaling
from nnlab.data.dataset import Dataset
from nnlab.mlflow_sync.state import SyncState
from nnlab.models.saved_model import Model
from nnlab.runs.directory import RunDirectory
from nnlab.runs.predictions_file import Predictions, Split, write_predictions
from nnlab.runs.provenance import collect
from nnlab.runs.recorder import Recorder

CONFIG: dict[str, Any] = {
    "seed": 3,
    "model": {"name": "mlp", "hidden": [5], "dropout": 0.1},
    "optimizer": {"name": "adam", "lr": 1e-05},
    "trainer": {"patience": None, "restore_best": True},
    "tracking": {"experiment": "digits of mine", "uri": None},
}


def run_in(folder: Path) -> Path:
    """A finished run with every file that a run may have; its directory."""
    x, y = np.arange(48, dtype=np.uint8).reshape(12, 4), np.arange(12) % 3
    train, validation, test = (Rows(x, y, np.arange(*bounds), Scaling(1 / 255)) for bounds in ((0, 7), (7, 9), (9, 12)))
    dataset = Dataset("tiny", train, validation, test, ("a", "b", "é"), None, "d5" * 32)
    layers = [Dense(2, activation="relu"), Dropout(0.5), Dense(3, use_bias=False), Activation("softmax")]
    network = Network(layers, features=(4,), rng=np.random.default_rng(1))
    directory = RunDirectory.claim(folder / "run")
    provenance = collect(CONFIG, dataset, ["python", "-m", "nnlab.run", "seed=3"])
    provenance |= {"tags": {"nnlab.study": "a"}, "parent": "../a", "name": "trial 1"}
    with Recorder.open(directory, CONFIG, ["seed=3", "model.hidden=[5]"], provenance, None) as recorder:
        for epoch in (1, 2):
            recorder.epoch(epoch, {"train/loss": 1 / epoch, "val/loss": float("inf"), "time/epoch_seconds": 1e-3})
        recorder.kept(2, {"best/epoch": 2, "best/val/loss": 0.25})
        recorder.test(2, {"test/loss": 0.5})
        recorder.tag({"nnlab.epoch": "2"})
        weights = recorder.save_model(Model(network, Scaling(1 / 255), ("a", "b", "é"), x[:2]))
        predicted: dict[Split, Predictions] = {
            "validation": Predictions(validation.targets(), np.array([1, 1])),
            "test": Predictions(test.targets(), np.array([0, 2, 2])),
        }
        write_predictions(directory, predicted, weights)
    SyncState("sqlite:///mlflow.db", "1", "ab" * 16, offset=512, problem="the server is gone").save(directory.path)
    return directory.path


def study_in(folder: Path) -> Path:
    """A study of three trials: one finished, one that failed, and one that is running; its directory."""
    import optuna
    import yaml

    from nnlab.config.jobs import conf_dir
    from nnlab.tuning.manifest import Manifest, versions
    from nnlab.tuning.search.settings import read_sweep
    from nnlab.tuning.search.space import read_space
    from nnlab.tuning.storage import JOURNAL_FILE, open_storage
    from nnlab.tuning.study import Study
    from nnlab.tuning.trials import Outcome

    optuna.logging.set_verbosity(logging.ERROR)
    path = folder / "study"
    path.mkdir()
    written = yaml.safe_load((conf_dir() / "study.yaml").read_text(encoding="utf-8"))["sweep"] | {"pruner": "none"}
    written.pop("space")
    settings, _ = read_sweep(written)
    space, _ = read_space({"optimizer.lr": "tag(log, interval(1e-3, 1))", "model.activation": "choice(relu,tanh)"})
    assert settings is not None
    assert space is not None
    storage = open_storage(None, path / JOURNAL_FILE)
    study = Study("study", storage, settings, space, 7, 5)
    first, second, _ = (study.propose() for _ in range(3))
    storage.set_trial_intermediate_value(first._trial_id, 1, 0.5)
    study.tell(first, Outcome("finished", scores={"val/accuracy": 0.5, "val/loss": 0.7}, runs=["a"], parameters=3))
    study.tell(second, Outcome("failed", "ValueError: as arranged"))
    fingerprint = {"sweep.objective": "val/accuracy", "model.hidden": [5], "seed": 3, "trainer.patience": None}
    Manifest("study", ["model.hidden=[5]"], None, fingerprint, versions()).save(path)
    return path
