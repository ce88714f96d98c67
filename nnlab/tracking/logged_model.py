"""Logs a run's model so that `mlflow.pyfunc.load_model` gives it back, from code and without pickle."""

from __future__ import annotations

import shutil
import tempfile
from importlib import metadata
from pathlib import Path

import mlflow.pyfunc
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus
from mlflow.models import Model, infer_signature
from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

from nnlab.tracking import model_artifact

PACKAGE = Path(__file__).resolve().parents[1]
REQUIREMENTS = ("numpy", "safetensors", "mlflow")


def log_model(folder: Path, client: MlflowClient, run_id: str, experiment_id: str) -> None:
    """Log the model in `folder` as "model" of the run; a model that is there already stays.

    Raises:
        UserError: if the model's files are damaged.
        MlflowException: if MLflow does not take it.
    """
    architecture, weights = folder / model_artifact.ARCHITECTURE, folder / model_artifact.WEIGHTS
    saved = model_artifact.load_model(architecture, weights)

    begun = client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'")
    if any(model.status == LoggedModelStatus.READY for model in begun):
        return
    model = begun[0] if begun else client.create_logged_model(experiment_id, "model", run_id)
    mlflow.set_tracking_uri(client.tracking_uri)
    with tempfile.TemporaryDirectory() as scratch:
        Model.log(
            artifact_path=None,
            name="model",
            flavor=mlflow.pyfunc,
            run_id=run_id,
            model_id=model.model_id,
            python_model=str(Path(__file__).with_name("predictor.py")),
            artifacts={"architecture": str(architecture), "weights": str(weights)},
            code_paths=[str(_staged_code(Path(scratch)))],
            signature=infer_signature(saved.example, saved.predict(saved.example)),
            input_example=saved.example,
            pip_requirements=_requirements(),
        )


def prepare() -> None:
    """Do now what would take the first `log_model` a second: MLflow looks at every installed package once."""
    warn_dependency_requirement_mismatches(_requirements())


def _requirements() -> list[str]:
    return [f"{name}=={metadata.version(name)}" for name in REQUIREMENTS]


def _staged_code(scratch: Path) -> Path:
    """A package `nnlab` in `scratch` with what a prediction needs, and no more."""
    staged = scratch / "nnlab"
    shutil.copytree(PACKAGE / "core", staged / "core", ignore=shutil.ignore_patterns("__pycache__"))
    (staged / "tracking").mkdir()
    for place in (staged, staged / "tracking"):
        (place / "__init__.py").touch()
    for name in ("errors.py", "tracking/model_artifact.py"):
        shutil.copy(PACKAGE / name, staged / name)
    return staged
