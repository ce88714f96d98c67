"""Trials whose worker is killed at the last moment: its runs are recorded, its outcome is not yet."""

from __future__ import annotations

from typing import Any

import pytest

from nnlab.errors import TerminatedError
from nnlab.tuning import trial
from nnlab.tuning.trial import Task, run_trial
from nnlab.tuning.trials import OUTCOME


def with_lost_outcome(task: Task, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Do a trial; returns the outcome that its worker could not store."""
    found: list[dict[str, Any]] = []

    def killed(trial_id: int, key: str, value: Any) -> None:
        assert key == OUTCOME
        found.append(value)
        raise TerminatedError("as arranged")

    with monkeypatch.context() as patch:
        patch.setattr(trial._storage(task.storage, task.journal), "set_trial_user_attr", killed)
        with pytest.raises(TerminatedError):
            run_trial(task)
    (outcome,) = found
    return outcome
