"""The worker's connection to MLflow's store: made when it is needed, and left alone for a while after it failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nnlab.config.tracking_uri import sqlite_path
from nnlab.mlflow_sync.messages import Answers, Replaced
from nnlab.mlflow_sync.schedule import Attempts
from nnlab.mlflow_sync.store import connect, is_replaced
from nnlab.mlflow_sync.trouble import Trouble

if TYPE_CHECKING:
    from mlflow import MlflowClient

ATTEMPTS_AT_THE_END = 3
SECONDS_TO_COME_BACK = 60.0
"""How long a store that has answered before is waited for at the end."""


class Connection:
    """A store, and how it has answered.

    Args:
        uri: resolved.
        runs_dir: absolute; where the files go of a store that is no server.
        tell: called when it has answered, or is being created; and when it was replaced.

    Attributes:
        attempts: to use the store at all.
        trouble: what it said the last time that it did not do what it was asked; None if it has since.
    """

    def __init__(self, uri: str, runs_dir: Path, tell: Callable[[Answers | Replaced], object]) -> None:
        self.uri = uri
        self._runs_dir = runs_dir
        self._tell = tell
        self._client: MlflowClient | None = None
        self._answered_at = -float("inf")
        self.attempts = Attempts()
        self.trouble: Trouble | None = None

    def client(self) -> MlflowClient:
        """MLflow's client; the store is created if it is missing, at first or by now.

        Raises:
            Exception: MLflow's or the driver's, if the store does not answer or cannot be used.
        """
        was_replaced = is_replaced(self.uri)
        if self._client is None or was_replaced:
            self._client = None
            client = connect(self.uri, self._runs_dir / "artifacts", self._answers)
            if sqlite_path(self.uri) is None:
                client.search_experiments(max_results=1)
            self._client = client
            self._answers()
            if was_replaced:
                self._tell(Replaced())
        return self._client

    def worked(self) -> None:
        """A run was brought into the store."""
        self.attempts.succeeded()
        self.trouble = None
        self._answered_at = time.monotonic()

    def failed(self, trouble: Trouble) -> None:
        """The store did not answer, or refused all runs: no run is tried before a pause is over."""
        self.trouble = trouble
        self.attempts.failed(only_a_person_helps=trouble.kind != "passing")

    @property
    def takes_questions(self) -> bool:
        """Whether the store answers at this moment; then it was something about one run that failed."""
        try:
            self.client().search_experiments(max_results=1)
        except Exception:  # whatever MLflow raises
            return False
        return True

    @property
    def is_hopeless(self) -> bool:
        """Whether it is not worth waiting for, once nothing else is left to do."""
        may_come_back = time.monotonic() < self._answered_at + SECONDS_TO_COME_BACK
        has_failed_often = self.attempts.failures >= ATTEMPTS_AT_THE_END
        return self.attempts.only_a_person_helps or (has_failed_often and not may_come_back)

    def _answers(self) -> None:
        self._answered_at = time.monotonic()
        self._tell(Answers())
