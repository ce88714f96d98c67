"""Fixtures of the tests that keep runs and bring them into MLflow: a fresh store takes seconds, so one is copied."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

with warnings.catch_warnings(action="ignore"):  # importing it warns of MLflow's own type hints
    import mlflow.pyfunc

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MLFLOW_HTTP") or name.endswith("_RUNS_DIR")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "so that what a test sets is undone")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    places = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(places))


@pytest.fixture
def runs_dir(tmp_path: Path, template_store: Path) -> Path:
    """A folder of runs, with a space in its name, that has a store already."""
    folder = tmp_path / "my runs"
    folder.mkdir()
    shutil.copy(template_store, folder / "mlflow.db")
    return folder


@pytest.fixture
def uri(runs_dir: Path) -> str:
    return f"sqlite:///{runs_dir}/mlflow.db"


@pytest.fixture
def client(uri: str) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(uri)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a Python process and ends it, if the test does not."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
