"""How MLflow describes a run: params, tags and dataset, from the files of the run's directory."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nnlab.runs import tags as names

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

# MLflow's limits.
PARAM_LENGTH = 6000
TAG_LENGTH = 8000
DIGEST_LENGTH = 36


def params(config: Mapping[str, Any]) -> dict[str, str]:
    """The configuration flattened with dots, each value as the command line writes it (`[300, 50]`, `null`).

    MLflow's pages compare and plot numbers, so hidden widths are given one by one as well: `model.depth`, their
    number, and `model.width.0`, `model.width.1` and so on.
    """
    leaves = {**_widths(config), **dict(_leaves(config))}
    return {_param_name(key): _text(value)[:PARAM_LENGTH] for key, value in leaves.items()}


def identity(name: str, provenance: Mapping[str, Any]) -> dict[str, str]:
    """The tags by which MLflow knows the run `name`, and whose it is."""
    return {names.RUN_TAG: name, "mlflow.user": str(provenance["user"])}


def tags(provenance: Mapping[str, Any]) -> dict[str, str]:
    """The other tags that are known when a run starts."""
    git = provenance["git"]
    known = {
        names.STATUS_TAG: "running",
        names.DATA_TAG: provenance["dataset"]["sha256"],
        names.CONFIG_TAG: provenance["config_sha256"],
        names.GIT_COMMIT_TAG: git["commit"],
        names.GIT_DIRTY_TAG: git["dirty"],
        **({names.CODE_TAG: provenance["code"]["sha256"]} if "code" in provenance else {}),
        names.NUMPY_TAG: provenance["numpy"],
        names.BLAS_TAG: provenance["blas"],
        names.COMMAND_TAG: shlex.join(provenance["command"]),
        "mlflow.source.name": _program(provenance["command"]),
        "mlflow.source.type": "LOCAL",
        **provenance.get("tags", {}),
    }
    return {key: str(value)[:TAG_LENGTH] for key, value in known.items()}


def dataset_input(provenance: Mapping[str, Any]) -> DatasetInput:
    """The dataset as an input of the run: named, with the start of its SHA-256 as digest, its shape and sizes."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    facts = provenance["dataset"]
    features = [{"type": "tensor", "tensor-spec": {"dtype": facts["dtype"], "shape": [-1, facts["features"]]}}]
    targets = [{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]
    schema = {"features": json.dumps(features), "targets": json.dumps(targets)}
    source = {"mlflow.source.type": "LOCAL", "mlflow.source.name": _program(provenance["command"])}
    dataset = Dataset(
        name=facts["name"],
        digest=facts["sha256"][:DIGEST_LENGTH],
        source_type="code",  # MLflow's word for data that a program makes or reads by itself
        source=json.dumps({"tags": source}),
        schema=json.dumps({"mlflow_tensorspec": schema}),
        profile=json.dumps({"rows": facts["rows"], "classes": facts["classes"], "sha256": facts["sha256"]}),
    )
    return DatasetInput(dataset=dataset, tags=[InputTag("mlflow.data.context", "training")])


def _program(command: Sequence[str]) -> str:
    """The module that was run: MLflow shows only what follows the last slash, so no arguments."""
    return command[2] if command[1:2] == ["-m"] else command[0]


def _widths(config: Mapping[str, Any]) -> dict[str, int]:
    model = config.get("model")
    hidden = model.get("hidden") if isinstance(model, dict) else None
    if not isinstance(hidden, list):
        return {}
    return {"model.depth": len(hidden), **{f"model.width.{i}": width for i, width in enumerate(hidden)}}


def _leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    # Not `Mapping`: MLflow's imports make that look a hundred times slower.
    if isinstance(value, dict) and (value or not prefix):
        for key, item in value.items():
            yield from _leaves(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def _param_name(key: str) -> str:
    """MLflow's names hold letters, digits and `_-./: ` alone, up to 250 of them."""
    return re.sub(r"[^\w\-./: ]", "_", key)[:250]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(_text(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
