"""Runs and studies that many tests look at; an MLflow store is made once and copied."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import OVERRIDES, Done, nnlab
from once import once
from studies import AGAIN, STUDIES, Kept, side_by_side


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow makes a store in the current folder where it finds no other: let that folder be the test's."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def tracked(tmp_path_factory: pytest.TempPathFactory, template_store: Path) -> Callable[..., Done]:
    """Runs the command with tracking, in a new folder with a space in its name."""

    def run(*overrides: str, folder: Path | None = None, elsewhere: bool = False) -> Done:
        folder = (folder or tmp_path_factory.mktemp("outer")) / "a folder"
        folder.mkdir()
        runs_dir = folder / "my runs" if elsewhere else folder / "runs"
        store = folder / "other store.db" if elsewhere else runs_dir / "mlflow.db"
        runs_dir.mkdir()
        shutil.copy(template_store, store)
        variables = {"NNLAB_RUNS_DIR": str(runs_dir), "MLFLOW_TRACKING_URI": f"sqlite:///{store}"} if elsewhere else {}
        return Done(nnlab(*overrides, folder=folder, **variables), folder, runs_dir, store)

    return run


@pytest.fixture(scope="session")
def done(tracked: Callable[..., Done], tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run on scikit-learn's digits; the environment says where its runs and its store go."""
    overrides = [*OVERRIDES, "tracking.experiment=small digits"]
    return once(tmp_path_factory, "done", lambda folder: tracked(*overrides, folder=folder, elsewhere=True))


@pytest.fixture(scope="session")
def pair(tracked: Callable[..., Done], tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The same twice with `-m`: at the same learning rate as `done`, and at another."""
    overrides = [override for override in OVERRIDES if not override.startswith("optimizer")]
    overrides = ["-m", *overrides, "optimizer.lr=0.1,0.01", "tracking.plots=false"]
    return once(tmp_path_factory, "pair", lambda folder: tracked(*overrides, folder=folder))


@pytest.fixture(scope="session")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kept]:
    """Those of `STUDIES`. Tests look at them and leave them as they are."""
    return once(tmp_path_factory, "studies", lambda folder: side_by_side(folder, STUDIES))


@pytest.fixture(scope="session")
def studies_again(tmp_path_factory: pytest.TempPathFactory, studies: dict[str, Kept]) -> dict[str, Kept]:
    """Those of `AGAIN` beside the others."""
    return studies | once(tmp_path_factory, "again", lambda folder: side_by_side(folder, AGAIN))
