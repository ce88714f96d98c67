"""A run whose directory is gone is what its directory said; the oracle is the directory before it went."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from recording import metrics, record, start

from nnlab.analysis.reproduction.from_mlflow import as_directory
from nnlab.analysis.reproduction.home import is_in_store
from nnlab.analysis.reproduction.in_mlflow import connected, run_by_id, runs_named
from nnlab.errors import UserError
from nnlab.mlflow_sync.upload import upload
from nnlab.runs.journal import Journal
from nnlab.runs.stored_run import StoredRun

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")


def known(run: StoredRun) -> dict[str, Any]:
    return {
        "status": run.status,
        "reason": run.reason,
        "epochs": repr(run.epochs),
        "test": (run.tested_epoch, run.test),
        "kept": run.kept,
        "extensions": run.extensions,
        "config": run.config,
        "overrides": run.overrides,
        "provenance": run.provenance,
        "name": run.name,
        "started": run.started_at,
    }


def gone(path: Path, client: MlflowClient) -> tuple[dict[str, Any], dict[str, str], str]:
    """Upload a run and remove its directory; what it said, its tags, and MLflow's id."""
    run_id = upload(path, client).run_id
    stored = StoredRun.open(path)
    before, tags = known(stored), stored.tags
    shutil.rmtree(path)
    assert run_id is not None
    return before, tags, run_id


def test_a_run_is_read_back_from_mlflow_alone(runs_dir: Path, client: MlflowClient, uri: str) -> None:
    before, tags, run_id = gone(record(runs_dir), client)
    with as_directory(run_by_id(connected(uri, runs_dir), run_id, uri)) as stored:
        assert known(stored) == before
        assert tags.items() <= stored.tags.items()
        place = stored.path
    assert not place.exists()


def test_numbers_that_are_none_and_an_extension_are_read_back(runs_dir: Path, client: MlflowClient, uri: str) -> None:
    with start(runs_dir) as recorder:
        path = recorder.directory.path
        for epoch, loss in enumerate([math.nan, math.inf, -math.inf], start=1):
            recorder.epoch(epoch, {**metrics(epoch), "train/loss": loss, "train/correct": 7})
    journal = Journal(path / "metrics.jsonl")
    journal.append("start", goes_on=True, epochs=5)
    journal.append("note", tags={"nnlab.extended": "after epoch 3 to 5 epochs"})
    for epoch in (4, 5):
        journal.append("epoch", epoch=epoch, metrics=metrics(epoch))
    journal.append("end", status="diverged", reason="it fell apart")
    journal.close()
    before, _, run_id = gone(path, client)
    with as_directory(run_by_id(client, run_id, uri)) as stored:
        assert known(stored) == before
        assert stored.extensions == [(3, 5)]


def test_of_several_values_of_an_epoch_the_one_that_mlflow_shows_counts(
    runs_dir: Path, client: MlflowClient, uri: str
) -> None:
    _, _, run_id = gone(record(runs_dir), client)
    client.log_metric(run_id, "val/loss", 0.125, step=2, timestamp=4_000_000_000_000)
    with as_directory(run_by_id(client, run_id, uri)) as stored:
        assert stored.epochs[2]["val/loss"] == 0.125


def test_a_name_is_looked_up_too(runs_dir: Path, client: MlflowClient, uri: str) -> None:
    before, _, run_id = gone(record(runs_dir), client)
    assert [each.run_id for each in runs_named(client, before["name"], uri)] == [run_id]
    assert runs_named(client, "bob's", uri) == []


def test_a_name_that_leads_elsewhere_is_not_taken(runs_dir: Path, client: MlflowClient, uri: str) -> None:
    _, _, run_id = gone(record(runs_dir), client)
    for name in ("..", "a/b", "../../etc", ""):
        client.set_tag(run_id, "nnlab.run", name)
        with as_directory(run_by_id(client, run_id, uri)) as stored:
            assert stored.name == run_id


def test_what_mlflow_lacks_is_said(runs_dir: Path, client: MlflowClient, uri: str) -> None:
    path = record(runs_dir)
    _, _, run_id = gone(path, client)
    with pytest.raises(UserError, match="MLflow has no store"):
        connected(f"sqlite:///{runs_dir}/no.db", runs_dir)
    assert not (runs_dir / "no.db").exists()
    with pytest.raises(UserError, match="f" * 32):
        run_by_id(client, "f" * 32, uri)
    other = client.create_run("0").info.run_id
    with pytest.raises(UserError, match=r"no tag nnlab\.run"):
        run_by_id(client, other, uri)
    client.delete_run(run_id)
    with pytest.raises(UserError, match=f"mlflow runs restore --run-id {run_id}"):
        run_by_id(client, run_id, uri)
    client.restore_run(run_id)
    (artifacts,) = runs_dir.rglob("artifacts/*/*/artifacts")
    (artifacts / "provenance.json").unlink()
    with pytest.raises(UserError, match=r"lacks provenance\.json"), as_directory(run_by_id(client, run_id, uri)):
        pass


def test_a_config_that_nnlab_did_not_write_is_damaged(runs_dir: Path, client: MlflowClient, uri: str) -> None:
    _, _, run_id = gone(record(runs_dir), client)
    (artifacts,) = runs_dir.rglob("artifacts/*/*/artifacts")
    (artifacts / "config.yaml").write_text("!!python/object/apply:os.system ['true']")
    facts = json.loads((artifacts / "provenance.json").read_text())
    (artifacts / "provenance.json").write_text(json.dumps(facts | {"command": "rm -rf /"}))
    with as_directory(run_by_id(client, run_id, uri)) as stored:
        with pytest.raises(UserError, match=r"config\.yaml"):
            assert stored.config
        with pytest.raises(UserError, match=r"provenance\.json"):
            assert stored.provenance


def test_a_run_is_in_the_store_that_it_was_brought_into_alone(runs_dir: Path, client: MlflowClient, uri: str) -> None:
    path = record(runs_dir)
    assert not is_in_store(path, uri)
    upload(path, client)
    assert [is_in_store(path, each) for each in (uri, f"{uri}2", None)] == [True, False, False]
