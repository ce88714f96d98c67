"""Runs and studies that many tests look at; an MLflow store is made once and copied."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import OVERRIDES, Done, nnlab
from studies import AGAIN, STUDIES, Kept, side_by_side


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow makes a store in the current folder where it finds no other: let that folder be the test's."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def tracked(tmp_path_factory: pytest.TempPathFactory, template_store: Path) -> Callable[..., Done]:
    """Runs the command with tracking, in a new folder with a space in its name."""

    def run(*overrides: str, elsewhere: bool = False) -> Done:
        folder = tmp_path_factory.mktemp("a folder", numbered=True)
        runs_dir = folder / "my runs" if elsewhere else folder / "runs"
        store = folder / "other store.db" if elsewhere else runs_dir / "mlflow.db"
        runs_dir.mkdir()
        shutil.copy(template_store, store)
        variables = {"NNLAB_RUNS_DIR": str(runs_dir), "MLFLOW_TRACKING_URI": f"sqlite:///{store}"} if elsewhere else {}
        return Done(nnlab(*overrides, folder=folder, **variables), folder, runs_dir, store)

    return run


@pytest.fixture(scope="session")
def done(tracked: Callable[..., Done]) -> Done:
    """A run on scikit-learn's digits; the environment says where its runs and its store go."""
    return tracked(*OVERRIDES, "tracking.experiment=small digits", elsewhere=True)


@pytest.fixture(scope="session")
def pair(tracked: Callable[..., Done]) -> Done:
    """The same twice with `-m`: at the same learning rate as `done`, and at another."""
    overrides = [override for override in OVERRIDES if not override.startswith("optimizer")]
    return tracked("-m", *overrides, "optimizer.lr=0.1,0.01", "tracking.plots=false")


@pytest.fixture(scope="session")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kept]:
    """Those of `STUDIES`. Tests look at them and leave them as they are."""
    folder = tmp_path_factory.mktemp("studies")
    processes = side_by_side(folder, STUDIES)
    return {name: Kept(process, folder / name) for name, process in processes.items()}


@pytest.fixture(scope="session")
def studies_again(tmp_path_factory: pytest.TempPathFactory, studies: dict[str, Kept]) -> dict[str, Kept]:
    """Those of `AGAIN` beside the others."""
    folder = tmp_path_factory.mktemp("again")
    processes = side_by_side(folder, AGAIN)
    return studies | {name: Kept(process, folder / name) for name, process in processes.items()}
