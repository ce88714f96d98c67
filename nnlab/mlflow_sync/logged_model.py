"""Logs a run's model so that `mlflow.pyfunc.load_model` gives it back, from code and without pickle."""

from __future__ import annotations

import functools
from importlib import metadata
from pathlib import Path

import mlflow.pyfunc
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus
from mlflow.models import Model, infer_signature
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.utils import environment

from nnlab.mlflow_sync.asking import asked_once
from nnlab.mlflow_sync.places import check_links, may_be_there
from nnlab.models import saved_model
from nnlab.models.code import rename_imports, stage
from nnlab.runs.provenance import weights_sha256
from nnlab.runs.scratch import scratch
from nnlab.runs.tags import WEIGHTS_TAG

PREDICTOR = Path(__file__).resolve().parents[1] / "models" / "predictor.py"
REQUIREMENTS = ("numpy", "safetensors", "mlflow")

# MLflow would look at each file of each installed package, 0.3 s and more, to see whether a model's requirements are
# installed. Ours are read from what is.
environment.warn_dependency_requirement_mismatches = lambda _: None  # type: ignore[attr-defined, assignment]


def log_model(saved: saved_model.Model, folder: Path, client: MlflowClient, run_id: str, experiment_id: str) -> None:
    """Log a model as "model" of the run, once: a model of other weights that was there is replaced.

    Args:
        saved: the model.
        folder: with its files, which are sent.
        client: of the store.
        run_id: of MLflow.
        experiment_id: of MLflow.

    Raises:
        MlflowException: if MLflow does not take it.
    """
    architecture, weights = folder / saved_model.ARCHITECTURE, folder / saved_model.WEIGHTS
    digest = weights_sha256(saved.network.parameters.named().values())
    started = []
    for model in client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'"):
        if model.tags.get(WEIGHTS_TAG, digest) == digest:
            started.append(model)
        else:  # of a run that was restarted since
            client.delete_logged_model(model.model_id)
    if any(model.status == LoggedModelStatus.READY and has_its_files(model) for model in started):
        return
    if started:
        model = started[0]
        outputs = client.get_run(run_id).outputs
        is_noted = outputs is not None and any(output.model_id == model.model_id for output in outputs.model_outputs)
    else:
        with asked_once():
            model = client.create_logged_model(experiment_id, "model", run_id, {WEIGHTS_TAG: digest})
        is_noted = False
    check_links(model.artifact_location)
    mlflow.set_tracking_uri(client.tracking_uri)
    with scratch("mlflow") as work:
        place = work / "model"
        described = Model(model.artifact_location, run_id, model_uuid=model.model_id, model_id=model.model_id)
        # What `mlflow.pyfunc.log_model` does, without its trial load of what it saved: that takes long, and each
        # leaves a folder in `sys.path`, by which the next takes longer still: 0.6 s per model after 500 trials.
        mlflow.pyfunc.save_model(
            str(place),
            mlflow_model=described,
            python_model=str(PREDICTOR),
            artifacts={"architecture": architecture.as_uri(), "weights": weights.as_uri()},
            code_paths=[str(stage(work))],
            signature=infer_signature(saved.example, saved.predict(saved.example)),
            input_example=saved.example,
            pip_requirements=_requirements(),
        )
        # Not before: MLflow runs the file when it saves the model, and here it is nnlab itself that is there.
        described.model_size_bytes = (described.model_size_bytes or 0) + rename_imports(place / PREDICTOR.name)
        described.save(str(place / MLMODEL_FILE_NAME))
        if not is_noted:  # MLflow would note it twice
            with asked_once():
                client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        client.log_model_artifacts(model.model_id, str(place))
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)


def has_its_files(model: LoggedModel) -> bool:
    """Whether what MLflow loads is there, as far as it is on this machine."""
    return may_be_there(model.artifact_location, [MLMODEL_FILE_NAME])


@functools.cache
def _requirements() -> list[str]:
    return [f"{name}=={metadata.version(name)}" for name in REQUIREMENTS]
