from __future__ import annotations

import json
from typing import Any

import pytest
from recording import configuration, dataset

from nnlab.tracking import description
from nnlab.tracking.provenance import collect


@pytest.fixture
def facts() -> dict[str, Any]:
    return collect(configuration(), dataset(), ["nnlab.run", "model.hidden=[300, 50]"])


def test_params_are_the_config_flattened_as_the_command_line_writes_it() -> None:
    config = {
        "seed": 0,
        "model": {"hidden": [300, 50], "bias": True, "names": ["a", "b"]},
        "optimizer": {"lr": 1e-05, "deep": {"er": "text"}},
        "trainer": {"patience": None, "batch_size": "full"},
        "empty": {"list": [], "map": {}, "text": ""},
        "pairs": [{"a": 1}, {"b": False}],
    }
    assert description.params(config) == {
        "seed": "0",
        "model.hidden": "[300, 50]",
        "model.bias": "true",
        "model.names": "[a, b]",
        "optimizer.lr": "1e-05",
        "optimizer.deep.er": "text",
        "trainer.patience": "null",
        "trainer.batch_size": "full",
        "empty.list": "[]",
        "empty.map": "{}",
        "empty.text": "",
        "pairs": "[{a: 1}, {b: false}]",
    }


def test_params_keep_within_mlflows_limits() -> None:
    params = description.params({"+space@x": "y" * 7000, "k" * 300: 1})
    assert {len(key): len(value) for key, value in params.items()} == {8: 6000, 250: 1}
    assert "_space_x" in params


def test_tags_name_the_run_its_code_its_data_and_its_machine(facts: dict[str, Any]) -> None:
    tags = description.tags("a-run", facts | {"git": {"commit": "c0ffee", "dirty": "true"}, "user": "me"})
    assert tags == {
        "nnlab.run": "a-run",
        "nnlab.status": "running",
        "nnlab.data_sha256": "d5" * 32,
        "nnlab.config_sha256": facts["config_sha256"],
        "nnlab.git_commit": "c0ffee",
        "nnlab.git_dirty": "true",
        "nnlab.numpy": facts["numpy"],
        "nnlab.blas": facts["blas"],
        "mlflow.user": "me",
        "nnlab.command": "nnlab.run 'model.hidden=[300, 50]'",
        "mlflow.source.name": "nnlab.run",
        "mlflow.source.type": "LOCAL",
    }


def test_a_trial_carries_its_studys_tags_and_its_parent(facts: dict[str, Any]) -> None:
    trial = {"tags": {"nnlab.study": "s", "nnlab.trial": 7}, "parent_run_id": "f00"}
    tags = description.tags("a-run", facts | trial)
    assert (tags["nnlab.study"], tags["nnlab.trial"], tags["mlflow.parentRunId"]) == ("s", "7", "f00")


def test_the_dataset_is_an_input_with_its_digest_and_shape(facts: dict[str, Any]) -> None:
    found = description.dataset_input(facts)
    assert (found.dataset.name, found.dataset.digest) == ("tiny", "d5" * 18)
    assert json.loads(found.dataset.profile)["rows"] == {"train": 7, "validation": 2, "test": 3}
    (features,) = json.loads(json.loads(found.dataset.schema)["mlflow_tensorspec"]["features"])
    assert features["tensor-spec"] == {"dtype": "uint8", "shape": [-1, 4]}
    assert [(tag.key, tag.value) for tag in found.tags] == [("mlflow.data.context", "training")]
