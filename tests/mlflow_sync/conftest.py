import pytest
from tracked import clean_environment, client, runs_dir, start, uri

from nnlab.mlflow_sync import process

__all__ = ["clean_environment", "client", "runs_dir", "start", "uri"]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes longer than MLflow is given for its first answer; tests about that set it again."""
    monkeypatch.setattr(process, "SECONDS_FOR_A_FIRST_ANSWER", 120.0)
