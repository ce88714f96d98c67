"""Logs a run's model so that `mlflow.pyfunc.load_model` gives it back, from code and without pickle."""

from __future__ import annotations

import functools
import tempfile
from importlib import metadata
from pathlib import Path

import mlflow.pyfunc
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, LoggedModelStatus
from mlflow.models import Model, infer_signature
from mlflow.utils import environment

from nnlab.tracking import model_artifact
from nnlab.tracking.provenance import WEIGHTS_TAG, weights_sha256

PACKAGE = Path(__file__).resolve().parents[1]
REQUIREMENTS = ("numpy", "safetensors", "mlflow")

# MLflow would look at each file of each installed package, 0.3 s and more, to see whether a model's requirements are
# installed. Ours are read from what is.
environment.warn_dependency_requirement_mismatches = lambda _: None  # type: ignore[attr-defined, assignment]


def log_model(folder: Path, client: MlflowClient, run_id: str, experiment_id: str) -> None:
    """Log the model in `folder` as "model" of the run, once: a model of other weights that was there is replaced.

    Raises:
        UserError: if the model's files are damaged.
        MlflowException: if MLflow does not take it.
    """
    architecture, weights = folder / model_artifact.ARCHITECTURE, folder / model_artifact.WEIGHTS
    saved = model_artifact.load_model(architecture, weights)

    digest = weights_sha256(saved.network.parameters.named().values())
    begun = []
    for model in client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'"):
        if model.tags.get(WEIGHTS_TAG, digest) == digest:
            begun.append(model)
        else:  # of a run that has begun again since
            client.delete_logged_model(model.model_id)
    if any(model.status == LoggedModelStatus.READY for model in begun):
        return
    model = begun[0] if begun else client.create_logged_model(experiment_id, "model", run_id, {WEIGHTS_TAG: digest})
    mlflow.set_tracking_uri(client.tracking_uri)
    with tempfile.TemporaryDirectory() as scratch:
        # What `mlflow.pyfunc.log_model` does, without its trial load of what it saved: that takes long, and each
        # leaves a folder in `sys.path`, by which the next takes longer still: 0.6 s a model after 500 trials.
        mlflow.pyfunc.save_model(
            f"{scratch}/model",
            mlflow_model=Model(model.artifact_location, run_id, model_uuid=model.model_id, model_id=model.model_id),
            python_model=str(Path(__file__).with_name("predictor.py")),
            artifacts={"architecture": architecture.as_uri(), "weights": weights.as_uri()},
            code_paths=[str(_staged_code(Path(scratch)))],
            signature=infer_signature(saved.example, saved.predict(saved.example)),
            input_example=saved.example,
            pip_requirements=_requirements(),
        )
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        client.log_model_artifacts(model.model_id, f"{scratch}/model")
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)


@functools.cache
def _requirements() -> list[str]:
    return [f"{name}=={metadata.version(name)}" for name in REQUIREMENTS]


def _staged_code(scratch: Path) -> Path:
    """A package `nnlab` in `scratch` with what a prediction needs, and no more: links, which MLflow copies."""
    staged = scratch / "nnlab"
    (staged / "tracking").mkdir(parents=True)
    for place in (staged, staged / "tracking"):
        (place / "__init__.py").touch()
    for name in ("core", "errors.py", "tracking/model_artifact.py"):
        (staged / name).symlink_to(PACKAGE / name)
    return staged
