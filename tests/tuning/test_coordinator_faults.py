"""The coordinator on a machine that fails: no trial's outcome comes of it, and nothing is lost or done twice."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import count
from typing import Any

import pytest
from optuna.trial import FrozenTrial
from sweeping import Workers, coordinated, finished, in_memory, proposals, sweep_settings, work

from nnlab.errors import MachineError
from nnlab.execution.processes import WorkerDiedError
from nnlab.tuning.coordinator import Coordinator
from nnlab.tuning.coordinator_events import Ended, Event, Halted, Lost, Started
from nnlab.tuning.losses import Losses
from nnlab.tuning.trials import Outcome


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_full_disk_is_no_trials_outcome_and_no_retry(
    workers: int, deterministic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = sweep_settings(trials=9, deterministic=deterministic, retries=0)
    undisturbed, _ = coordinated(monkeypatch, in_memory(), asked, workers=workers)
    storage, calls = in_memory(), count()

    def do(trial: FrozenTrial) -> Outcome:
        if next(calls) % 3 == 1:
            raise MachineError("full", "disk")
        return work(storage, trial)

    study, events = coordinated(monkeypatch, storage, asked, workers=workers, do=do)
    assert sum(isinstance(event, Halted) for event in events) > 3
    assert not any(isinstance(event, Lost) for event in events)
    assert study.finished == 9
    if deterministic or workers == 1:
        assert proposals(study) == proposals(undisturbed)
        assert [trial.values for trial in study.trials] == [trial.values for trial in undisturbed.trials]


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("call", ["create_new_trial", "set_trial_state_values", "set_trial_user_attr"])
@pytest.mark.parametrize("is_stored", [False, True])
def test_a_storage_that_fails_at_any_record_is_asked_again(
    call: str, is_stored: bool, deterministic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the record got there before the error or not."""
    asked = sweep_settings(trials=8, deterministic=deterministic, sampler_options={"startup_trials": 2})
    workers = 3 if deterministic else 1
    undisturbed, _ = coordinated(monkeypatch, in_memory(), asked, workers=workers)
    storage, calls = in_memory(), count()
    made = getattr(storage, call)

    def fails(*arguments: Any, **named: Any) -> Any:
        is_bad = next(calls) % 3 == 1
        answer = made(*arguments, **named) if is_stored or not is_bad else None
        if is_bad:
            raise OSError(errno.ENOSPC, "No space left on device")
        return answer

    monkeypatch.setattr(storage, call, fails)
    study, events = coordinated(monkeypatch, storage, asked, workers=workers, do=lambda each: _stubborn(storage, each))
    halted = [event for event in events if isinstance(event, Halted)]
    assert halted or call == "set_trial_user_attr"  # which the workers meet
    assert all(event.error.kind == "disk" for event in halted)
    assert proposals(study) == proposals(undisturbed)
    assert [trial.values for trial in study.trials] == [trial.values for trial in undisturbed.trials]
    ended = [event.trial.number for event in events if isinstance(event, Ended)]
    assert sorted(ended) == list(range(len(study.trials)))


def _stubborn(storage: Any, trial: FrozenTrial) -> Outcome:
    try:
        return work(storage, trial)
    except OSError as error:
        raise MachineError("full", "disk") from error


def killed_for_memory() -> WorkerDiedError:
    return WorkerDiedError(-9, 1_900_000_000, True)


def without_memory() -> MachineError:
    return MachineError("there is not enough memory (Unable to allocate 74.5 GiB)", "memory")


@pytest.mark.parametrize(("loss", "status"), [(killed_for_memory, "killed"), (without_memory, "failed")])
def test_a_trial_that_lacks_memory_is_tried_with_nothing_beside_it_and_fails_once(
    loss: Any, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = in_memory()
    running: set[int] = set()
    beside: list[set[int]] = []
    submit = Workers.submit

    def submitted(workers: Workers, fn: Any, /, task: FrozenTrial, *others: Any) -> Future[Any]:
        running.add(task.number)
        return submit(workers, fn, task, *others)

    def do(trial: FrozenTrial) -> Outcome:
        beside.append(running - {trial.number}) if trial.number == 2 else None
        running.discard(trial.number)
        if trial.number == 2:
            raise loss()
        return work(storage, trial, finished)

    monkeypatch.setattr(Workers, "submit", submitted)
    study, events = coordinated(
        monkeypatch, storage, sweep_settings(trials=7, retries=3), workers=3, do=do, choose=lambda pending: pending - 1
    )
    assert beside[0]
    assert beside[1:] == [set()] * (len(beside) - 1)
    assert len(beside) == (4 if status == "killed" else 2)
    outcome = Outcome.of(study.trials[2])
    assert outcome is not None
    assert outcome.status == status
    assert ("1.9 GB" if status == "killed" else "74.5 GiB") in outcome.reason
    assert study.finished == 7
    others = [event.trial.number for event in events if isinstance(event, Started) and event.trial.number != 2]
    assert sorted(others) == sorted(set(others))


def test_a_kill_without_any_sign_of_memory_is_first_retried_beside_the_others() -> None:
    losses = Losses()
    losses.add(WorkerDiedError(-9, 0, False), was_alone=False)
    assert not losses.needs_room
    losses.add(WorkerDiedError(-9, 0, False), was_alone=False)
    assert losses.needs_room


def test_a_worker_that_cannot_be_started_leaves_its_trial_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    refusals: Iterator[bool] = iter([True, True])
    submit = Workers.submit

    def refuses(workers: Workers, *arguments: Any) -> Future[Any]:
        if next(refusals, False):
            raise MachineError("a worker process could not be started", "processes")
        return submit(workers, *arguments)

    monkeypatch.setattr(Workers, "submit", refuses)
    study, events = coordinated(monkeypatch, in_memory(), sweep_settings(trials=4), workers=2)
    assert [event.error.kind for event in events if isinstance(event, Halted)] == ["processes"] * 2
    assert study.finished == 4


def test_a_stopped_study_does_not_wait_for_the_machine_to_be_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(event: Event, coordinator: Coordinator) -> None:
        coordinator.stop()

    def full(trial: FrozenTrial) -> Outcome:
        raise MachineError("full", "disk")

    study, events = coordinated(monkeypatch, in_memory(), sweep_settings(trials=4), do=full, see=stop)
    assert not any(isinstance(event, Halted) for event in events)
    assert len(study.unfinished()) == 1
