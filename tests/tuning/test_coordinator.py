"""The coordinator: exactly the trials that were asked for, whatever the workers do and in whatever order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FrozenTrial
from searching import FINITE, NUMBERS, space_of
from sweeping import (
    Workers,
    coordinated,
    finished,
    first,
    in_memory,
    proposals,
    repeated,
    study_in,
    sweep_settings,
    work,
)

from nnlab.errors import RunFailedError, TerminatedError, UserError
from nnlab.tuning.coordinator import Coordinator
from nnlab.tuning.coordinator_events import Ended, Event, Lost, Started
from nnlab.tuning.giving_up import FEWEST_FAILURES
from nnlab.tuning.report.leaderboard import leaderboard
from nnlab.tuning.report.standing import Standing
from nnlab.tuning.trials import OUTCOME, Asked, Outcome

TINY = space_of({"trainer.batch_size": "choice(16, 32, 64)"})


def fails(trial: FrozenTrial) -> Outcome:
    return Outcome("failed", "ValueError: as arranged")


def counted(events: list[Event], kind: type[Event]) -> Counter[int]:
    return Counter(event.trial.number for event in events if isinstance(event, kind))  # type: ignore[union-attr]


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("space", [NUMBERS, FINITE, TINY], ids=["endless", "of 24", "of 3"])
def test_the_total_is_exact_whatever_fails_or_is_pruned_and_no_combination_is_tried_twice(
    workers: int, deterministic: bool, space: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = sweep_settings(trials=13, sampler="random", deterministic=deterministic)
    study, events = coordinated(monkeypatch, in_memory(), asked, space, workers=workers, choose=lambda count: count - 1)
    states = Counter(trial.state.name for trial in study.trials)
    assert states["COMPLETE"] + states["PRUNED"] == study.finished == min(13, space.size or 13)
    assert study.unfinished() == []
    assert len({str(Asked.of(trial).values) for trial in study.trials}) == len(study.trials)
    assert counted(events, Started) == counted(events, Ended) == dict.fromkeys(range(len(study.trials)), 1)


@given(order=st.lists(st.integers(0, 11), min_size=1, max_size=12), workers=st.sampled_from([2, 3]))
@settings(max_examples=12)
def test_batches_propose_the_same_in_whatever_order_their_outcomes_come(order: list[int], workers: int) -> None:
    turns = iter(order * 50)
    asked = sweep_settings(trials=8, deterministic=True, sampler_options={"startup_trials": 2})
    with pytest.MonkeyPatch.context() as patch:
        shuffled, _ = coordinated(patch, in_memory(), asked, workers=workers, choose=lambda count: next(turns) % count)
        in_turn, _ = coordinated(patch, in_memory(), asked, workers=workers)
    assert proposals(shuffled) == proposals(in_turn)
    batches = {Asked.of(trial).batch for trial in in_turn.trials}
    assert sum(size for _, size in batches) == len(in_turn.trials)


@given(order=st.lists(st.integers(0, 11), min_size=1, max_size=12), workers=st.sampled_from([2, 4]))
@settings(max_examples=12)
def test_without_batches_the_total_is_exact_in_any_order(order: list[int], workers: int) -> None:
    turns = iter(order * 50)
    with pytest.MonkeyPatch.context() as patch:
        study, _ = coordinated(
            patch, in_memory(), sweep_settings(trials=9), workers=workers, choose=lambda count: next(turns) % count
        )
    assert (study.finished, study.unfinished()) == (9, [])


@pytest.mark.parametrize(
    ("on_failure", "trials", "failures"),
    [
        ("stop", 30, 1),
        ("stop_after_2", 30, 2),
        ("stop_after_7", 3, 7),
        ("continue", 30, 30),
        ("continue", 3, FEWEST_FAILURES),
    ],
)
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("deterministic", [False, True])
def test_a_study_whose_trials_all_fail_ends(
    on_failure: str, trials: int, failures: int, workers: int, deterministic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, asked = in_memory(), sweep_settings(trials=trials, on_failure=on_failure, deterministic=deterministic)
    study, events = coordinated(
        monkeypatch, storage, asked, workers=workers, do=lambda trial: work(storage, trial, fails)
    )
    ended = sum(isinstance(event, Ended) for event in events)
    assert study.finished == 0
    assert failures <= ended < failures + workers  # those that were on their way come to their end
    assert study.unfinished() == []


def fails_where(batch_sizes: set[int]) -> Callable[[FrozenTrial], Outcome]:
    def outcome(trial: FrozenTrial) -> Outcome:
        return fails(trial) if Asked.of(trial).values["trainer.batch_size"] in batch_sizes else finished(trial)

    return outcome


@pytest.mark.parametrize("workers", [1, 3])
def test_what_repeats_a_failure_in_a_study_of_an_earlier_version_is_no_second_one(
    workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = in_memory()
    asked = sweep_settings(trials=12, sampler="random", on_failure="stop_after_2")
    before = study_in(storage, asked, TINY)
    trial = before.propose()
    failed = before.tell(trial, work(storage, trial, fails))
    repeated(storage, failed)
    study, events = coordinated(
        monkeypatch, storage, asked, TINY, workers=workers, do=lambda trial: work(storage, trial, finished)
    )
    assert [trial.state.name for trial in study.trials] == ["FAIL", "FAIL", "COMPLETE", "COMPLETE"]
    assert counted(events, Started) == {2: 1, 3: 1}
    standing = Standing.of(study.trials, ("val/loss",), total=12, elapsed=1.0)
    assert (standing.failed, standing.done) == (1, 2)
    assert "2 complete, 1 failed, " in leaderboard(study.trials, ("val/loss",))


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("workers", [1, 4])
def test_a_study_in_whose_space_every_combination_fails_ends_when_all_were_tried(
    workers: int, deterministic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, asked = in_memory(), sweep_settings(trials=30, sampler="random", deterministic=deterministic)
    seen: list[Coordinator] = []
    study, events = coordinated(
        monkeypatch,
        storage,
        asked,
        TINY,
        workers=workers,
        do=lambda trial: work(storage, trial, fails),
        see=lambda event, coordinator: seen.append(coordinator),
    )
    assert sum(counted(events, Started).values()) == 3
    assert study.unfinished() == []
    assert "each combination of the search space was tried" in seen[-1].reason_to_give_up
    again, events = coordinated(monkeypatch, storage, asked, TINY, workers=workers)
    assert events == []
    assert len(again.trials) == len(study.trials)


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_study_that_is_killed_where_nothing_is_left_ends_the_same(
    workers: int, deterministic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, asked = in_memory(), sweep_settings(trials=30, sampler="tpe", deterministic=deterministic)
    kept = study_in(storage, asked, TINY)
    kept.propose_batch(workers)
    outcome_of = fails_where({16})
    study, _ = coordinated(
        monkeypatch, storage, asked, TINY, workers=workers, do=lambda trial: work(storage, trial, outcome_of)
    )
    assert Counter(trial.state.name for trial in study.trials) == {"COMPLETE": 2, "FAIL": 1}
    assert study.nothing_left == "each combination of the search space was tried"


def test_failures_that_are_allowed_cost_the_study_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    study, _ = coordinated(monkeypatch, in_memory(), sweep_settings(trials=6, on_failure="stop_after_3"))
    assert study.finished == 6
    assert [trial.number for trial in study.trials if trial.state.name == "FAIL"] == [3]


def killed_in_dask() -> BaseException:
    import distributed

    return distributed.KilledWorker("run_trial", None, 4)  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", [BrokenExecutor, TerminatedError, killed_in_dask])
@pytest.mark.parametrize("retries", [0, 3])
def test_a_trial_whose_worker_dies_each_time_is_retried_so_often_and_then_killed(
    loss: Callable[[], BaseException], retries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = in_memory()

    def dies(trial: FrozenTrial) -> Outcome:
        if trial.number == 2:
            raise loss()
        return work(storage, trial, finished)

    study, events = coordinated(monkeypatch, storage, sweep_settings(trials=5, retries=retries), workers=2, do=dies)
    assert [event.attempt for event in events if isinstance(event, Lost)] == list(range(1, retries + 1))
    assert counted(events, Started) == {0: 1, 1: 1, 2: retries + 1, 3: 1, 4: 1, 5: 1}
    assert [event.again for event in events if isinstance(event, Started) and event.trial.number == 2] == [
        False,
        *[True] * retries,
    ]
    outcome = Outcome.of(study.trials[2])
    assert outcome is not None
    assert outcome.status == "killed"
    assert f"killed {retries + 1} times" in outcome.reason
    assert study.finished == 5


def test_a_trial_that_loses_its_worker_once_ends_as_if_it_had_not(monkeypatch: pytest.MonkeyPatch) -> None:
    storage, lost = in_memory(), set()

    def dies_once(trial: FrozenTrial) -> Outcome:
        if trial.number not in lost:
            lost.add(trial.number)
            raise BrokenExecutor
        return work(storage, trial)

    disturbed, events = coordinated(monkeypatch, storage, sweep_settings(trials=7), do=dies_once)
    undisturbed, _ = coordinated(monkeypatch, in_memory(), sweep_settings(trials=7))
    assert proposals(disturbed) == proposals(undisturbed)
    assert [trial.values for trial in disturbed.trials] == [trial.values for trial in undisturbed.trials]
    assert counted(events, Started) == dict.fromkeys(range(len(disturbed.trials)), 2)


def test_no_two_calls_of_a_trial_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask gives the result of an equal call that it remembers, and an error is a result."""
    storage, lost = in_memory(), iter([True, True])
    calls = []

    def dies_twice(trial: FrozenTrial) -> Outcome:
        if next(lost, False):
            raise BrokenExecutor
        return work(storage, trial, finished)

    submit = Workers.submit

    def submitted(workers: Workers, fn: Any, /, task: Any, *others: Any) -> Any:
        calls.append((task.number, *others))
        return submit(workers, fn, task, *others)

    monkeypatch.setattr(Workers, "submit", submitted)
    coordinated(monkeypatch, storage, sweep_settings(trials=2, retries=2), do=dies_twice)
    assert len(calls) == len(set(calls)) == 4


def test_what_waits_for_a_worker_is_taken_back_when_the_study_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_in(in_memory(), sweep_settings(trials=5))
    crew = Workers(3, lambda trial: finished(trial), first)
    coordinator = Coordinator(study, sweep_settings(trials=5), 3, crew, lambda trial: trial)  # type: ignore[arg-type, return-value]
    events = coordinator.run()
    next(events)
    next(events)
    waiting = list(crew.pending)
    coordinator.cancel()
    assert [future.cancelled() for future in waiting] == [True, True]


def test_what_a_worker_raises_beside_its_trial_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(trial: FrozenTrial) -> Outcome:
        raise OSError("disk full")

    with pytest.raises(RunFailedError, match=r"Trial 0 .*\(OSError: disk full\)"):
        coordinated(monkeypatch, in_memory(), sweep_settings(), do=raises)


@pytest.mark.parametrize("deterministic", [False, True])
def test_a_stopped_study_ends_what_runs_and_starts_nothing(
    deterministic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_at: list[int] = []

    def stop(event: Event, coordinator: Coordinator) -> None:
        if isinstance(event, Ended) and not stopped_at:
            coordinator.stop()
            stopped_at.append(coordinator.running)
        elif stopped_at:
            assert not isinstance(event, Started)

    storage, asked = in_memory(), sweep_settings(trials=20, deterministic=deterministic)
    study, events = coordinated(monkeypatch, storage, asked, workers=3, see=stop)
    assert sum(isinstance(event, Started) for event in events) == 3
    assert len(study.trials) == 3
    assert study.unfinished() == []
    resumed, _ = coordinated(monkeypatch, storage, asked, workers=3)
    assert resumed.finished == 20


def test_a_trial_that_cannot_be_is_failed_with_the_reason_and_the_study_continues(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def task_of(trial: FrozenTrial) -> FrozenTrial:
        if trial.number == 1:
            raise UserError("no such net")
        return trial

    study, events = coordinated(monkeypatch, in_memory(), sweep_settings(trials=4), task_of=task_of)
    outcome = Outcome.of(study.trials[1])
    assert outcome is not None
    assert (outcome.status, outcome.reason) == ("failed", "no such net")
    assert 1 not in counted(events, Started)
    assert study.finished == 4


class Killed(BaseException):
    """Stands in for a SIGKILL of the coordinator."""


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize(
    ("call", "after"),
    [("create_new_trial", after) for after in range(1, 9)] + [("set_trial_state_values", after) for after in range(8)],
)
def test_a_coordinator_killed_around_any_of_its_records_continues_the_same(
    call: str, after: int, deterministic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = 3 if deterministic else 1
    asked = sweep_settings(trials=8, deterministic=deterministic, sampler_options={"startup_trials": 2})
    undisturbed, _ = coordinated(monkeypatch, in_memory(), asked, workers=workers)
    storage = in_memory()
    started: Counter[int] = Counter()

    def do(trial: FrozenTrial) -> Outcome:
        started[trial.number] += 1
        return work(storage, trial)

    made, calls = getattr(storage, call), 0

    def killing(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        if calls == after:
            raise Killed("killed")
        calls += 1
        return made(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(storage, call, killing)
        with pytest.raises(Killed, match="killed"):
            coordinated(patch, storage, asked, workers=workers, do=do)
    resumed, _ = coordinated(monkeypatch, storage, asked, workers=workers, do=do)
    assert proposals(resumed) == proposals(undisturbed)
    assert [trial.values for trial in resumed.trials] == [trial.values for trial in undisturbed.trials]
    assert set(started.values()) == {1}  # what came of a trial was stored before the kill, so none was done twice


def test_the_outcome_of_a_trial_is_reported_by_the_next_session_without_doing_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storage, asked = in_memory(), sweep_settings(trials=3)
    study = study_in(storage, asked)
    done, running = study.propose(), study.propose()
    storage.set_trial_user_attr(done._trial_id, OUTCOME, finished(done).to_dict())
    resumed, events = coordinated(monkeypatch, storage, asked)
    assert counted(events, Started) == {running.number: 1, 2: 1}
    assert [event.again for event in events if isinstance(event, Started)] == [True, False]
    assert Outcome.of(resumed.trials[0]) == finished(done)
    assert resumed.finished == 3
