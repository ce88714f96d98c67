from __future__ import annotations

import json
from typing import Any

import pytest
from recording import configuration, dataset

from nnlab.mlflow_sync import fields as description
from nnlab.runs.provenance import collect


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
        "model.depth": "2",
        "model.width.0": "300",
        "model.width.1": "50",
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
    facts |= {"git": {"commit": "c0ffee", "dirty": "true"}, "user": "me"}
    assert description.identity("a-run", facts) == {"nnlab.run": "a-run", "mlflow.user": "me"}
    assert description.tags(facts) == {
        "nnlab.status": "running",
        "nnlab.data_sha256": "d5" * 32,
        "nnlab.config_sha256": facts["config_sha256"],
        "nnlab.git_commit": "c0ffee",
        "nnlab.git_dirty": "true",
        "nnlab.code_sha256": facts["code"]["sha256"],
        "nnlab.numpy": facts["numpy"],
        "nnlab.blas": facts["blas"],
        "nnlab.command": "nnlab.run 'model.hidden=[300, 50]'",
        "mlflow.source.name": "nnlab.run",
        "mlflow.source.type": "LOCAL",
    }


def test_a_trial_carries_its_studys_tags(facts: dict[str, Any]) -> None:
    tags = description.tags(facts | {"tags": {"nnlab.study": "s", "nnlab.trial": 7}})
    assert (tags["nnlab.study"], tags["nnlab.trial"]) == ("s", "7")


def test_hidden_widths_are_params_one_by_one_where_there_are_any() -> None:
    assert description.params({"model": {"hidden": []}}) == {"model.hidden": "[]", "model.depth": "0"}
    for absent in ({"model": {"bias": True}}, {"model": "toy"}, {"model": {"hidden": None}}, {}):
        assert not [key for key in description.params(absent) if key.startswith(("model.depth", "model.width"))]


def test_a_studys_settings_are_params_also_where_their_keys_hold_dots() -> None:
    space = {"optimizer": "choice(sgd, adam)", "optimizer.lr": "interval(0.1, 1)"}
    assert description.params({"sweep": {"trials": 5, "space": space}}) == {
        "sweep.trials": "5",
        "sweep.space.optimizer": "choice(sgd, adam)",
        "sweep.space.optimizer.lr": "interval(0.1, 1)",
    }


def test_the_dataset_is_an_input_with_its_digest_and_shape(facts: dict[str, Any]) -> None:
    found = description.dataset_input(facts)
    assert (found.dataset.name, found.dataset.digest) == ("tiny", "d5" * 18)
    assert json.loads(found.dataset.profile)["rows"] == {"train": 7, "validation": 2, "test": 3}  # type: ignore[arg-type]
    (features,) = json.loads(json.loads(found.dataset.schema)["mlflow_tensorspec"]["features"])  # type: ignore[arg-type]
    assert features["tensor-spec"] == {"dtype": "uint8", "shape": [-1, 4]}
    assert [(tag.key, tag.value) for tag in found.tags] == [("mlflow.data.context", "training")]
