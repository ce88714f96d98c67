"""What every test of the suite stands on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from once import once

for number in (signal.SIGINT, signal.SIGHUP):
    # A shell's background job ignores Ctrl-C, and `nohup` SIGHUP: what is started here would inherit that.
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

# The same examples on every machine and every run; no clock decides, and nothing is written beside the tests.
settings.register_profile("nnlab", derandomize=True, deadline=None, database=None)
settings.load_profile("nnlab")

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}

REPOSITORY = Path(__file__).parents[1]

# MLflow's own use of SQLAlchemy; nothing that nnlab could change.
MLFLOW_NOISE = "ignore:The ``noload`` loader strategy is deprecated"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files that import PyTorch and Keras, which takes seconds, are not opened where their tests are not wanted."""
    unwanted = "not parity" in config.option.markexpr and collection_path.name.endswith("_parity.py")
    return True if unwanted else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name in ("config", "e2e", "mlflow_sync", "models", "runs"):
            item.add_marker(pytest.mark.filterwarnings(MLFLOW_NOISE))
    # Files are handed out in this order: those that take long come first, so that all processes end together.
    items.sort(key=lambda item: item.path.parent.name != "e2e")


@pytest.fixture(autouse=True)
def what_mlflow_leaves() -> Iterator[None]:
    """A model that MLflow loads leaves its copy of nnlab in the path of all imports, those of later processes too, and
    `mlflow.set_tracking_uri` the address: in the environment, where later runs would go to, and in MLflow."""
    path, uri = list(sys.path), os.environ.get("MLFLOW_TRACKING_URI")
    yield
    sys.path[:] = path
    if "mlflow" in sys.modules:
        sys.modules["mlflow"].set_tracking_uri(None)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    if uri is not None:
        os.environ["MLFLOW_TRACKING_URI"] = uri


@pytest.fixture(scope="session")
def template_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow store, to copy: making one takes seconds."""
    code = (
        "import sys; from pathlib import Path; from nnlab.mlflow_sync.store import ensure_store;"
        "ensure_store(f'sqlite:///{sys.argv[1]}', Path(sys.argv[1]).parent / 'artifacts')"
    )

    def make(folder: Path) -> Path:
        path = folder / "mlflow.db"
        subprocess.run([sys.executable, "-c", code, str(path)], cwd=REPOSITORY, check=True, capture_output=True)
        return path

    return once(tmp_path_factory, "store", make)
