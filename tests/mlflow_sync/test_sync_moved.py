"""A runs folder that is moved takes the files with it that MLflow shows."""

# mypy: disable-error-code="arg-type"
from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient
from recording import record
from watching import files

from nnlab.mlflow_sync.presence import lost
from nnlab.mlflow_sync.state import SyncState
from nnlab.mlflow_sync.store import connect
from nnlab.mlflow_sync.upload import upload


def connected(runs_dir: Path) -> MlflowClient:
    return connect(f"sqlite:///{runs_dir}/mlflow.db", runs_dir / "artifacts")


def addresses(runs_dir: Path) -> list[str]:
    """All that the store has of experiments, runs and models."""
    with closing(sqlite3.connect(runs_dir / "mlflow.db")) as database:
        return [
            address
            for statement in (
                "SELECT artifact_location FROM experiments WHERE name != 'Default'",
                "SELECT artifact_uri FROM runs",
                "SELECT artifact_location FROM logged_models",
            )
            for (address,) in database.execute(statement)
        ]


@pytest.fixture
def state(runs_dir: Path) -> SyncState:
    """That of a run which has arrived."""
    return upload(record(runs_dir), connected(runs_dir))


def test_a_moved_store_has_its_files_and_new_ones_go_beside_them(runs_dir: Path, state: SyncState) -> None:
    before = files(connected(runs_dir), state.run_id)
    moved = runs_dir.rename(runs_dir.with_name("naïve 100% #1"))
    client = connected(moved)
    (run,) = [path.parent for path in moved.glob("*/metrics.jsonl")]
    assert files(client, state.run_id) == before != set()
    assert lost([(run, state)], client) == []
    second = upload(record(moved), client)
    assert files(client, second.run_id) == before
    assert len(addresses(moved)) == 5
    assert all(address.startswith(f"{moved.as_uri()}/artifacts/") for address in addresses(moved))
    assert not runs_dir.exists()


def test_a_copy_leaves_the_files_where_the_first_has_them(runs_dir: Path, state: SyncState) -> None:
    before = addresses(runs_dir)
    copy = runs_dir.with_name("copy")
    shutil.copytree(runs_dir, copy)
    connected(copy)
    assert addresses(copy) == before == addresses(runs_dir)


def test_a_database_that_is_moved_alone_keeps_its_files_where_they_are(runs_dir: Path, state: SyncState) -> None:
    before = addresses(runs_dir)
    (runs_dir.parent / "alone" / "artifacts").mkdir(parents=True)
    (runs_dir / "mlflow.db").rename(runs_dir.parent / "alone" / "mlflow.db")
    connected(runs_dir.parent / "alone")
    assert addresses(runs_dir.parent / "alone") == before
