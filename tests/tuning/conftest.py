from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NNLAB_RUNS_DIR", "NNLAB_DATA_DIR", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
