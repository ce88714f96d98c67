"""MLflow's experiments, found by their names and created where they are missing."""

from __future__ import annotations

import re
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from nnlab.errors import UserError


def ensure_experiment(client: MlflowClient, name: str, artifact_root: Path) -> str:
    """The id of the experiment of that name.

    Args:
        client: of a store that exists.
        name: of the experiment.
        artifact_root: the folder of the files of all experiments, where the store is no server.

    Raises:
        UserError: if it is deleted in MLflow.
        MlflowException: if it cannot be created.
    """
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        is_server = client.tracking_uri.startswith("http")  # which has a place of its own for files
        folder = artifact_root / re.sub(r"[^\w-]+", "_", name)
        try:
            return str(client.create_experiment(name, None if is_server else folder.as_uri()))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            # Another process made it just now.
            experiment = client.get_experiment_by_name(name)
    if experiment is None or experiment.lifecycle_stage != "active":
        raise UserError(
            f"MLflow's experiment must not be deleted, but {name!r} is. "
            "Restore it (mlflow experiments restore), or choose another by tracking.experiment."
        )
    return str(experiment.experiment_id)
