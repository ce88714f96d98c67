"""Limits of time and memory: real processes that are killed, and what is stored of it."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import limiting
import pytest
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial
from planning import plan
from sweeping import finished, in_memory, study_in, sweep_settings

from nnlab.errors import UserError
from nnlab.execution.processes import WorkerDiedError, WorkerProcesses
from nnlab.tuning.coordinator import Coordinator
from nnlab.tuning.coordinator_events import Lost, Started
from nnlab.tuning.limits import Limits, bytes_of
from nnlab.tuning.report.leaderboard import counts_line
from nnlab.tuning.report.standing import Standing
from nnlab.tuning.run_study import run_study
from nnlab.tuning.study import Study
from nnlab.tuning.trials import OUTCOME, TAKEN, Outcome, Taken, is_over_limit


@dataclass(frozen=True)
class Task:
    number: int
    paths: tuple[Path, ...] = ()
    configs: tuple[Any, ...] = ()
    data: tuple[Path, ...] = ()


def task_of(trial: FrozenTrial) -> Any:
    return Task(trial.number)


def test_a_trial_over_its_limit_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnlab.tuning.coordinator.run_trial", limiting.do)
    asked = sweep_settings(trials=2, trial_seconds=0.5, sampler="random")
    study = study_in(in_memory(), asked)
    with WorkerProcesses(2) as workers:
        list(Coordinator(study, asked, 2, workers, task_of).run())
    assert [outcome.status for trial in study.trials if (outcome := Outcome.of(trial))] == ["finished", "over_limit"]


@pytest.mark.slow
@pytest.mark.parametrize("deterministic", [False, True])
def test_a_trial_over_its_limit_is_killed_counts_and_is_not_tried_again(
    deterministic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnlab.tuning.coordinator.run_trial", limiting.do)
    asked = sweep_settings(
        trials=4, trial_seconds=8, trial_memory="250MB", deterministic=deterministic, workers=2, sampler="random"
    )
    study = study_in(in_memory(), asked)
    with WorkerProcesses(2) as workers:
        events = list(Coordinator(study, asked, 2, workers, task_of).run())
    outcomes = [Outcome.of(trial) for trial in study.trials]
    assert [outcome.status for outcome in outcomes if outcome] == ["finished", "over_limit", "over_limit", "finished"]
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED", "PRUNED", "COMPLETE"]
    started = Counter(event.trial.number for event in events if isinstance(event, Started))
    assert started == {0: 1, 1: 1, 2: 1, 3: 2}
    assert [event.trial.number for event in events if isinstance(event, Lost)] == [3]
    assert [is_over_limit(trial) for trial in study.known] == [False, True, True, False]
    taken = [Taken.of(trial) for trial in study.trials]
    assert taken[1].seconds > 8
    assert taken[2].memory > 250_000_000
    reasons = [outcome.reason for outcome in outcomes if outcome]
    assert "sweep.trial_seconds=8" in reasons[1]
    assert "sweep.trial_memory=250MB" in reasons[2]
    assert "2 over their limit" in counts_line(study.trials)
    standing = Standing.of(study.known, ("val/loss",), total=4, elapsed=1.0)
    assert (standing.complete, standing.pruned, standing.over_limit, standing.done) == (2, 0, 2, 4)


class Seen(WorkerProcesses):
    """Workers that take what they are said to, and note what is killed."""

    def __init__(self, *taken: tuple[float, int]) -> None:
        self.turns = list(taken)
        self.killed: list[Future[Any]] = []

    def taken(self, call: Future[Any]) -> tuple[float, int]:
        return self.turns.pop(0)

    def kill(self, call: Future[Any]) -> None:
        self.killed.append(call)


def limited(study: Study, workers: Any, **limits: Any) -> Limits:
    return Limits(sweep_settings(**limits), study.storage, workers, task_of)


def running(storage: BaseStorage) -> tuple[Study, FrozenTrial, Future[Outcome]]:
    study = study_in(storage, sweep_settings())
    return study, study.propose(), Future()


def stored(study: Study) -> dict[str, Any] | None:
    return study.trials[0].user_attrs.get(TAKEN)


def died(memory: int) -> WorkerDiedError:
    return WorkerDiedError(-9, memory, False)


def test_the_time_of_each_attempt_and_session_counts() -> None:
    storage = in_memory()
    study, trial, call = running(storage)
    first = limited(study, Seen((0.0, 0), (40.0, 7), (70.0, 9)), trial_seconds=100.0)
    for _ in range(3):
        first.look({call: trial})
    assert stored(study) == {"seconds": 70.0, "memory": 9}
    assert first.lost(trial, died(0)) is None
    again = Seen((20.0, 5))
    first._workers = again
    first.look({call: trial})
    assert again.killed == []
    assert stored(study) == {"seconds": 90.0, "memory": 9}
    # Another session, of the trial as the storage has it.
    later = Seen((9.0, 8), (11.0, 8))
    second = limited(study, later, trial_seconds=100.0)
    trial = study.trials[0]
    assert second.passed_before(trial) is None
    second.look({call: trial})
    assert later.killed == []
    second.look({call: trial})
    assert later.killed == [call]
    outcome = second.lost(trial, died(0))
    assert outcome is not None
    assert (outcome.status, stored(study)) == ("over_limit", {"seconds": 101.0, "memory": 9})


def test_what_is_over_its_limit_is_stored_before_it_is_killed() -> None:
    """So a session that is killed in between leaves a trial that the next one ends without starting it."""
    study, trial, call = running(in_memory())

    class Killing(Seen):
        def kill(self, call: Future[Any]) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        limited(study, Killing((7.0, 1)), trial_seconds=6.0).look({call: trial})
    left = study.trials[0]
    outcome = limited(study, Seen(), trial_seconds=6.0).passed_before(left)
    assert outcome is not None
    assert outcome.status == "over_limit"
    assert limited(study, Seen(), trial_seconds=8.0).passed_before(left) is None  # more is allowed now
    assert limited(study, Seen()).passed_before(left) is None


def test_a_trial_that_had_come_to_its_end_has_its_own_outcome() -> None:
    storage = in_memory()
    study, trial, call = running(storage)
    limits = limited(study, Seen((7.0, 1)), trial_seconds=6.0)
    limits.look({call: trial})
    own = finished(trial)
    storage.set_trial_user_attr(trial._trial_id, OUTCOME, own.to_dict())
    assert limits.lost(trial, died(0)) == own


def test_memory_that_the_system_took_away_was_over_the_limit_too() -> None:
    study, trial, _ = running(in_memory())
    limits = limited(study, Seen(), trial_memory="1GB")
    assert limits.lost(trial, died(10**9)) is None
    outcome = limits.lost(trial, died(10**9 + 1))
    assert outcome is not None
    assert outcome.status == "over_limit"


def test_a_trial_without_limits_stores_nothing_of_what_it_takes() -> None:
    study, trial, call = running(in_memory())
    limits = limited(study, Seen())
    limits.look({call: trial})
    assert limits.lost(trial, died(10**12)) is None
    assert stored(study) is None


@pytest.mark.parametrize(
    ("text", "count"),
    [("500MB", 500_000_000), ("1.5GB", 1_500_000_000), ("2gib", 2**31), ("256 MiB", 2**28), (".5GB", 500_000_000)],
)
def test_an_amount_of_memory(text: str, count: int) -> None:
    assert bytes_of(text) == count
    assert sweep_settings(trial_memory=text).trial_memory == text


@pytest.mark.parametrize("limit", ["sweep.trial_seconds=9", "sweep.trial_memory=1GB"])
def test_an_executor_of_the_users_cannot_enforce_limits(limit: str, tmp_path: Path) -> None:
    with ProcessPoolExecutor(1) as executor, pytest.raises(UserError, match="ProcessPoolExecutor") as caught:
        run_study(plan(limit, f"runs_dir={tmp_path}"), command=[], executor=executor)
    assert limit in str(caught.value)
    assert list(tmp_path.iterdir()) == []
