"""A comparison as a run of MLflow: its table as the description, its files, its numbers.

No run directory holds it: it is made again from the runs, and takes the place of what it was before.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnlab.analysis.comparison.answer import Answer
from nnlab.errors import RunFailedError, UserError
from nnlab.mlflow_sync.launch import prepare_this_process
from nnlab.redaction import redacted
from nnlab.runs.files import write_atomically
from nnlab.runs.provenance import user
from nnlab.runs.tags import COMMAND_TAG, COMPARISON_TAG, KIND_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import RunInfo

KIND = "comparison"
LONGEST_NAME = 100
"""Characters of the run's name; MLflow takes 250."""
LONGEST_METRIC = 240
"""Of a metric's name, likewise."""


@dataclass(frozen=True)
class Logged:
    """Where a comparison is in MLflow.

    Attributes:
        run_id: of MLflow.
        experiment: its name.
        replaced: how many runs of earlier answers to the same question were removed.
    """

    run_id: str
    experiment: str
    replaced: int


def log_comparison(
    comparison: Answer,
    files: Mapping[str, str | bytes],
    *,
    uri: str,
    runs_dir: Path,
    question: Any,
    command: Sequence[str],
) -> Logged:
    """Bring a comparison into MLflow; what was logged for the same question is removed once the new run is whole.

    Args:
        comparison: the answer.
        files: that the run gets, by their names; `comparison.md` is its description too.
        uri: of the store, resolved.
        runs_dir: the folder of the runs.
        question: what was asked, as JSON can hold it; in an experiment, it is answered by one run.
        command: that asks it.

    Raises:
        RunFailedError: if MLflow does not take it all; it then has what it had before.
        UserError: if the experiment is deleted in MLflow.
    """
    prepare_this_process()
    from nnlab.mlflow_sync.experiments import ensure_experiment
    from nnlab.mlflow_sync.store import connect
    from nnlab.mlflow_sync.trouble import trouble

    artifact_root = runs_dir.absolute() / "artifacts"
    key = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
    name = experiment_of(comparison)
    started = int(time.time() * 1000)
    left = "Nothing of it is left there."
    try:
        client = connect(uri, artifact_root)
        experiment_id = ensure_experiment(client, name, artifact_root)
        left = "An unfinished run may be left there, which the next --log removes."
        try:
            run_id = _created(client, experiment_id, started, comparison, _tags(files, key, command))
            _fill(client, run_id, comparison, files)
        except BaseException:  # also if only the answer to its creation was lost
            _remove(client, [each for each in _same(client, experiment_id, key) if each.start_time == started])
            left = "Nothing of it is left there."
            raise
        left = f"All of it is there ({run_id}), but so is an earlier answer, which the next --log removes."
        # Of two that are logged at once, the later stays.
        earlier = [each for each in _same(client, experiment_id, key) if _order(each) < (started, run_id)]
        _remove(client, earlier)
        return Logged(run_id, name, len(earlier))
    except UserError:
        raise
    except Exception as error:  # whatever MLflow and its drivers raise
        raise RunFailedError(
            f"MLflow must take a comparison whole, but {redacted(uri)} did not: {trouble(error).text} {left} "
            "Once it takes runs, say --log again."
        ) from error


def experiment_of(comparison: Answer) -> str:
    """The experiment that all groups are in; the usual one if there is none."""
    names = {group.keys.get("tracking.experiment") for group in comparison.groups}
    name = names.pop()
    return name if isinstance(name, str) and not names else "nnlab"


def metrics_of(comparison: Answer) -> dict[str, float]:
    """The numbers by their names in MLflow: of each group `mean/NAME` and so on, of each pair `difference/A - B`."""
    found: dict[str, float] = {}
    for group in comparison.groups:
        sample = group.sample
        numbers = {"mean": sample.mean, "sd": sample.sd, "low": sample.interval.low, "high": sample.interval.high}
        _add(found, group.name, {**numbers, "n": float(sample.n)})
    for a, b, judged in comparison.judged:
        low, high = judged.difference.interval
        numbers = {"difference": judged.difference.mean, "difference_low": low, "difference_high": high}
        _add(found, f"{a} - {b}", {**numbers, "p_corrected": judged.p_corrected})
    return found


def _add(found: dict[str, float], name: str, numbers: Mapping[str, float]) -> None:
    """Under a name that MLflow takes and no other has; what is not finite is left out, for MLflow keeps no infinity."""
    allowed = posixpath.normpath(re.sub(r"[^\w\-. ]", "_", name)).strip(". ")[: LONGEST_METRIC - 20] or "_"
    used = {key.partition("/")[2] for key in found}
    unique, count = allowed, 1
    while unique in used:
        count += 1
        unique = f"{allowed} {count}"
    found |= {f"{kind}/{unique}": value for kind, value in numbers.items() if abs(value) < float("inf")}


def _tags(files: Mapping[str, str | bytes], key: str, command: Sequence[str]) -> dict[str, str]:
    from nnlab.mlflow_sync.contents import NOTE_TAG

    return {
        KIND_TAG: KIND,
        COMPARISON_TAG: key,
        COMMAND_TAG: redacted(shlex.join(command)),
        NOTE_TAG: _note(files),
        "mlflow.user": user(),
        "mlflow.source.name": "nnlab.compare",
        "mlflow.source.type": "LOCAL",
    }


def _note(files: Mapping[str, str | bytes]) -> str:
    """The table, or as many of its lines as MLflow takes."""
    from nnlab.mlflow_sync.fields import TAG_LENGTH

    text = str(files["comparison.md"])
    return text if len(text) <= TAG_LENGTH else text[: TAG_LENGTH - 40].rpartition("\n")[0] + "\n\n... (comparison.md)"


def _created(client: MlflowClient, experiment_id: str, started: int, comparison: Answer, tags: dict[str, str]) -> str:
    from nnlab.mlflow_sync.asking import asked_once
    from nnlab.mlflow_sync.fields import TAG_LENGTH

    name = " or ".join(group.name for group in comparison.groups)
    shown = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    with asked_once():
        run = client.create_run(
            experiment_id, started, run_name=shown, tags={name: text[:TAG_LENGTH] for name, text in tags.items()}
        )
    return str(run.info.run_id)


def _fill(client: MlflowClient, run_id: str, comparison: Answer, files: Mapping[str, str | bytes]) -> None:
    from mlflow.entities import Metric, Param

    from nnlab.mlflow_sync.fields import PARAM_LENGTH
    from nnlab.mlflow_sync.places import check_links
    from nnlab.runs.scratch import scratch

    with scratch("mlflow") as folder:
        for name, content in files.items():
            write_atomically(folder / name, content, is_synced=False)
        check_links(client.get_run(run_id).info.artifact_uri)
        client.log_artifacts(run_id, str(folder))
    now = int(time.time() * 1000)
    about = {
        "metric": comparison.metric,
        "groups": json.dumps([group.name for group in comparison.groups], ensure_ascii=False),
        "margin": "null" if comparison.margin is None else f"{comparison.margin:g}",
    }
    metrics = [Metric(name, value, now, 0) for name, value in metrics_of(comparison).items()]
    client.log_batch(run_id, metrics, [Param(name, text[:PARAM_LENGTH]) for name, text in about.items()])
    client.set_terminated(run_id, "FINISHED")


def _same(client: MlflowClient, experiment_id: str, key: str) -> list[RunInfo]:
    """The answers to a question that an experiment has, unfinished ones too."""
    from nnlab.mlflow_sync.lookup import runs_in

    found = runs_in(client, [experiment_id], f"tags.`{COMPARISON_TAG}` = '{key}'")
    return [run.info for run in found if run.info.lifecycle_stage == "active"]


def _order(run: RunInfo) -> tuple[int, str]:
    return run.start_time, run.run_id


def _remove(client: MlflowClient, runs: Sequence[RunInfo]) -> None:
    for run in runs:
        client.delete_run(run.run_id)
