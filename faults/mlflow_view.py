"""All that a store of MLflow says of its runs, so that two can be compared, and what is there twice is seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

IDS = ("mlflow.parentRunId", "mlflow.log-model.history", "mlflow.runName")


@dataclass(frozen=True)
class View:
    """One run of MLflow.

    Args:
        status: of MLflow.
        times: start and end.
        shown_name: in MLflow.
        parent: the name of the directory of its study.
        params: of the run.
        tags: but for MLflow's ids.
        points: each metric's steps, values and times, as often as they are there.
        datasets: names and digests.
        models: logged models, by the digest of their weights and status.
        outputs: how many models are noted as the run's.
        files: of the run.
    """

    status: str
    times: tuple[int, int]
    shown_name: str
    parent: str | None
    params: dict[str, str]
    tags: dict[str, str]
    points: Counter[tuple[Any, ...]]
    datasets: list[tuple[str, str]]
    models: list[tuple[str, str]]
    outputs: int
    files: list[str]


def views(uri: str) -> dict[str, list[View]]:
    """The runs of a store that are not deleted, by the names of their directories."""
    import mlflow
    from mlflow import MlflowClient
    from mlflow.entities import ViewType

    mlflow.set_tracking_uri(uri)  # the client looks models up there, whatever its own address
    client = MlflowClient(uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments(view_type=ViewType.ALL)]
    runs: list[Any] = []
    token = None
    while experiments:
        page = client.search_runs(experiments, max_results=500, page_token=token)
        runs += page
        token = page.token
        if not token:
            break
    names = {run.info.run_id: run.data.tags["nnlab.run"] for run in runs}
    found: dict[str, list[View]] = {}
    for run in runs:
        found.setdefault(names[run.info.run_id], []).append(_view(client, run, names))
    return found


def doubled(found: dict[str, list[View]]) -> list[str]:
    """What is there twice, in words."""
    said = [f"{name}: {len(runs)} runs" for name, runs in found.items() if len(runs) > 1]
    for name, runs in found.items():
        for run in runs:
            said += [f"{name}: {point} is there {count} times" for point, count in run.points.items() if count > 1]
            said += [f"{name}: {len(run.datasets)} datasets"] * (len(run.datasets) > 1)
            said += [f"{name}: {len(run.models)} models, {run.outputs} noted"] * (max(len(run.models), run.outputs) > 1)
    return said


def _view(client: MlflowClient, run: Any, names: dict[str, str]) -> View:
    tags, run_id = run.data.tags, run.info.run_id
    models = client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run_id}'")
    return View(
        status=run.info.status,
        times=(run.info.start_time, run.info.end_time),
        shown_name=run.info.run_name,
        parent=names.get(tags.get("mlflow.parentRunId", "")),
        params=dict(run.data.params),
        tags={key: value for key, value in tags.items() if key not in IDS},
        # The place of a step in a history is not its step: what is there twice has the same step.
        points=Counter(
            (name, point.step, point.value, point.timestamp)
            for name in run.data.metrics
            for point in client.get_metric_history(run_id, name)
        ),
        datasets=sorted((given.dataset.name, given.dataset.digest) for given in run.inputs.dataset_inputs),
        models=sorted((model.tags["nnlab.weights_sha256"], str(model.status)) for model in models),
        outputs=len(run.outputs.model_outputs) if run.outputs else 0,
        files=sorted(_files(client, run_id)),
    )


def _files(client: MlflowClient, run_id: str, folder: str | None = None) -> list[str]:
    found = []
    for entry in client.list_artifacts(run_id, folder):
        found += _files(client, run_id, entry.path) if entry.is_dir else [entry.path]
    return found
