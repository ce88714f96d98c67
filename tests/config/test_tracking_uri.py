"""The address of a store in a folder of any name: what SQLAlchemy reads out of it, and where MLflow's files land."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import mlflow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recording import record
from sqlalchemy.engine import make_url
from watching import runs, synced

from nnlab.config.tracking_uri import resolve_uri, sqlite_path, sqlite_uri
from nnlab.errors import RunFailedError, UserError
from nnlab.mlflow_sync.store import ensure_store

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")

NASTY = [
    "My%20Data",
    "q?x=1",
    "a#b",
    'it\'s "so"',
    "ünï",
    "new\nline",
    "50%",
    "a%2520b",
    "a&b;c",
    "$HOME",
    "a\\b",
    "[x]",
]

folder_names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)


@given(folder_names)
def test_sqlalchemy_and_nnlab_read_the_path_that_was_meant(name: str) -> None:
    path = Path("/data") / name / "mlflow.db"
    address = sqlite_uri(path)
    assert make_url(address).database == str(path)
    assert sqlite_path(address) == path
    assert resolve_uri(address, Path("/elsewhere")) == address


def test_sqlites_own_form_names_the_file_that_sqlite_opens(tmp_path: Path) -> None:
    file = tmp_path / "a%b" / "m.db"
    assert sqlite_path(f"sqlite:///{file.as_uri().replace('%', '%25').replace('///', '/')}?uri=true") == file


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NASTY[:2], *(pytest.param(name, marks=pytest.mark.slow) for name in NASTY[2:])])
def test_runs_of_a_folder_of_any_name_arrive_in_it_and_nowhere_else(
    name: str, tmp_path: Path, template_store: Path
) -> None:
    runs_dir = tmp_path / name / "runs"
    runs_dir.mkdir(parents=True)
    shutil.copy(template_store, runs_dir / "mlflow.db")
    uri = resolve_uri(None, runs_dir)
    path = record(runs_dir)
    assert synced(uri, runs_dir, path)
    client = mlflow.MlflowClient(uri)
    mlflow.set_tracking_uri(uri)
    (run,) = runs(client)
    assert run.data.tags["nnlab.run"] == path.name
    copy = Path(client.download_artifacts(run.info.run_id, "config.yaml", str(tmp_path)))
    assert copy.read_text() == (path / "config.yaml").read_text()
    (model,) = (runs_dir / "artifacts").glob("*/models/*/artifacts/MLmodel")
    assert "weights.safetensors" in model.read_text()
    shutil.rmtree(tmp_path / name)
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.yaml"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["My%20Data", "q?x=1"])
def test_a_store_is_made_in_a_folder_of_any_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name / "mlflow.db"
    ensure_store(sqlite_uri(path), tmp_path / "artifacts")
    assert path.stat().st_size > 100_000
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_path_that_is_not_quoted_is_told_from_one_that_is(tmp_path: Path) -> None:
    (tmp_path / "My%20Data").mkdir()
    with pytest.raises(UserError) as refused:
        resolve_uri(f"sqlite:///{tmp_path}/My%20Data/m.db", tmp_path)
    remedy = str(refused.value).rsplit(" ", 1)[1]
    assert resolve_uri(remedy, tmp_path) == remedy
    assert sqlite_path(remedy) == tmp_path / "My%20Data" / "m.db"
    (tmp_path / "My Data").mkdir()
    assert sqlite_path(resolve_uri(f"sqlite:///{tmp_path}/My%20Data/m.db", tmp_path)) == tmp_path / "My Data" / "m.db"


def test_options_of_an_address_stay_and_a_question_mark_in_a_path_is_refused(tmp_path: Path) -> None:
    assert resolve_uri(f"sqlite:///{tmp_path}/m.db?timeout=20", tmp_path) == f"sqlite:///{tmp_path}/m.db?timeout=20"
    with pytest.raises(UserError, match="what%3F"):
        resolve_uri(f"sqlite:///{tmp_path}/what?/m.db", tmp_path)


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc").exists(), reason="needs a place where root may not write")
def test_a_store_that_cannot_be_made_is_reported_at_once() -> None:
    with pytest.raises(RunFailedError, match=r"/proc/mlflow\.db"):
        ensure_store("sqlite:////proc/mlflow.db", Path("/proc/artifacts"))


@pytest.mark.parametrize(
    "mistaken", ["postgresql://nn:a@s3cret@h/db", "postgresql://nn:s3cret", "https://me:a@b@h", "s3cret@h"]
)
def test_an_address_that_a_driver_would_misread_is_refused_without_its_password(mistaken: str) -> None:
    with pytest.raises(UserError, match=r"tracking\.uri") as refusal:
        resolve_uri(mistaken, Path("/runs"))
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:5000",
        "https://me:p%40ss@host/path?x=1",
        "postgresql+psycopg://nn:my secret@[::1]:5432/db",
        "postgresql://nn:x/y@host/db?sslmode=require",
    ],
)
def test_an_address_that_drivers_read_right_stays(address: str) -> None:
    assert resolve_uri(address, Path("/runs")) == address
