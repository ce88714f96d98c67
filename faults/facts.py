"""All of a run that has to be the same, whatever was done to its process."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faults.promise import BrokenPromiseError
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, PREDICTIONS
from nnlab.runs.stored_run import StoredRun


def facts_of(path: Path) -> dict[str, Any]:
    """Of the run in the directory `path`: every metric but times, tags, test, model, predictions and history."""
    run = StoredRun.open(path)
    events, _ = journal.read(path / JOURNAL)
    with (path / "history.csv").open(newline="", encoding="utf-8") as file:
        history = [_timeless(row) for row in csv.DictReader(file)]
    return {
        "status": run.status,
        "epochs": {epoch: _timeless(metrics) for epoch, metrics in run.epochs.items()},
        "epochs recorded": [event["epoch"] for event in events if event["event"] == "epoch"],
        "best": run.kept,
        "test": run.test,
        "tests recorded": run.evaluations,
        "tags": run.tags,
        "weights": _sha256(path / "model" / "weights.safetensors"),
        "architecture": _sha256(path / "model" / "architecture.json"),
        "predictions": _sha256(path / PREDICTIONS),
        "history.csv": history,
    }


def check_same(facts: Mapping[str, Any], undisturbed: Mapping[str, Any], what: str) -> None:
    """Compare.

    Raises:
        BrokenPromiseError: naming the first fact that differs.
    """
    for name, value in undisturbed.items():
        if facts[name] != value:
            raise BrokenPromiseError(f"{what}: {name} is {str(facts[name])[:600]}, undisturbed {str(value)[:600]}")


def _timeless(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metrics.items() if not name.startswith("time/")}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
