"""A small run to record, for tests; as a program it records one in a process of its own.

python recording.py RUNS_DIR URI EPOCHS END
where END is a status to close with, "hang" to wait for a kill, or "vanish" to leave without a word.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from nnlab.core import Activation, Dense, Network, Rows, Scaling
from nnlab.data.dataset import Dataset
from nnlab.mlflow_sync.process import SyncProcess
from nnlab.models.saved_model import Model
from nnlab.runs.directory import RunDirectory
from nnlab.runs.provenance import collect
from nnlab.runs.recorder import Recorder

OVERRIDES = ["optimizer.lr=0.1", "model.hidden=[5]"]


def configuration() -> dict[str, Any]:
    return {
        "seed": 3,
        "model": {"hidden": [5], "bias": True},
        "optimizer": {"name": "momentum", "lr": 0.1},
        "trainer": {"patience": None},
        "tracking": {"experiment": "digits of mine", "diff": False},
        "runs_dir": "somewhere",
    }


def dataset() -> Dataset:
    """Twelve rows of four bytes in three classes."""
    x = np.arange(48, dtype=np.uint8).reshape(12, 4)
    y = np.arange(12) % 3
    scaling = Scaling(1 / 255)
    train, validation, test = (Rows(x, y, np.arange(*bounds), scaling) for bounds in ((0, 7), (7, 9), (9, 12)))
    return Dataset("tiny", train, validation, test, ("a", "b", "c"), None, "d5" * 32)


def model(seed: int = 11) -> Model:
    layers = [Dense(5), Activation("relu"), Dense(3), Activation("softmax")]
    network = Network(layers, features=(4,), rng=np.random.default_rng(seed))
    rows = dataset().train
    return Model(network, rows.scaling, ("a", "b", "c"), rows.x[rows.index[:2]])


def metrics(epoch: int) -> dict[str, float]:
    return {"train/loss": 1 / epoch, "val/loss": 2 / epoch, "lr": 0.1}


def syncing(uri: str, runs_dir: Path) -> SyncProcess:
    """A process that brings runs of this folder into MLflow at `uri`."""
    process = SyncProcess()
    process.assign(uri, runs_dir)
    return process


def start(runs_dir: Path, sync: SyncProcess | None = None, **provenance: Any) -> Recorder:
    return start_in(RunDirectory.create(runs_dir, "tiny"), sync, **provenance)


def start_in(directory: RunDirectory, sync: SyncProcess | None = None, **provenance: Any) -> Recorder:
    facts = collect(configuration(), dataset(), ["nnlab.run", *OVERRIDES]) | provenance
    return Recorder.open(directory, configuration(), OVERRIDES, facts, sync.add if sync else None)


def record(runs_dir: Path, sync: SyncProcess | None = None, epochs: int = 3, **provenance: Any) -> Path:
    """Record a whole run with a model and a plot; returns its directory."""
    with start(runs_dir, sync, **provenance) as recorder:
        for epoch in range(1, epochs + 1):
            recorder.epoch(epoch, metrics(epoch))
        recorder.test(2, {"test/loss": 0.5, "test/accuracy": 0.75})
        recorder.save_model(model())
        (recorder.directory.path / "plots").mkdir()
        (recorder.directory.path / "plots" / "curve.png").write_bytes(b"a picture")
    return recorder.directory.path


def main() -> None:
    runs_dir, uri, epochs, end = sys.argv[1:]
    sync = syncing(uri, Path(runs_dir))
    recorder = start(Path(runs_dir), sync)
    for epoch in range(1, int(epochs) + 1):
        recorder.epoch(epoch, metrics(epoch))
    print(recorder.directory.path, sync.pid, flush=True)
    if end == "hang":
        time.sleep(600)
    if end == "vanish":
        os._exit(9)
    recorder.close(end, "because")  # type: ignore[arg-type]
    print(sync.finish(60))


if __name__ == "__main__":
    main()
