"""Confirming runs in their storage: through the real coordinator, with runs that cost nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial
from sweeping import Workers, first, in_memory, run_one, study_in, sweep_settings

from nnlab.errors import MachineError, TerminatedError
from nnlab.tuning.confirm.plan import ConfirmPlan, stored_plan
from nnlab.tuning.confirm.results import stored_confirmation
from nnlab.tuning.confirm.study import ConfirmStudy, item_of
from nnlab.tuning.coordinator import Coordinator
from nnlab.tuning.coordinator_events import Ended, Lost, Started
from nnlab.tuning.study import Study
from nnlab.tuning.trials import OUTCOME, Asked, Outcome, TrialStatus

SEEDS = [2**32 + 5, 2**32 + 6, 2**32 + 7]
PLAN = ConfirmPlan([2, 0], SEEDS)
Do = Callable[[FrozenTrial], Outcome]


def searched(storage: BaseStorage, count: int = 4) -> Study:
    study = study_in(storage, sweep_settings(trials=count))
    for _ in range(count):
        run_one(study, storage, lambda trial: Outcome("finished", scores={"val/loss": 1.0 + trial.number}))
    return study


def opened(search: Study, plan: ConfirmPlan = PLAN, **changes: Any) -> ConfirmStudy:
    settings = sweep_settings(trials=4, **changes)
    return ConfirmStudy(search, settings, search.trials, plan)


def confirmed(
    monkeypatch: pytest.MonkeyPatch, study: ConfirmStudy, do: Do, *, workers: int = 1, stop_after: int | None = None
) -> list[Any]:
    """One session; its events."""

    def work(run: FrozenTrial) -> Outcome:
        outcome = do(run)
        study.storage.set_trial_user_attr(run._trial_id, OUTCOME, outcome.to_dict())
        return outcome

    crew = Workers(workers, work, first)
    monkeypatch.setattr("nnlab.tuning.coordinator.wait", crew.wait)
    coordinator = Coordinator(study, study.settings, workers, crew, lambda run: run)  # type: ignore[arg-type,return-value]
    events = []
    for event in coordinator.run():
        events.append(event)
        if sum(isinstance(each, Ended) for each in events) == stop_after:
            coordinator.stop()
    return events


def well(run: FrozenTrial) -> Outcome:
    trial, seed = item_of(run)
    return Outcome("finished", scores={"val/loss": trial + (seed - SEEDS[0]) / 10})


def items(events: list[Any]) -> list[tuple[int, int]]:
    return [item_of(event.trial) for event in events if isinstance(event, Started)]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_each_run_of_the_plan_is_made_once_with_the_values_of_its_trial(
    workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = searched(in_memory())
    before = [(trial.number, trial.params, trial.user_attrs, trial.values) for trial in search.trials]
    study = opened(search, deterministic=workers == 2)
    events = confirmed(monkeypatch, study, well, workers=workers)
    assert items(events) == PLAN.items
    assert [Asked.of(run).values for run in study.trials] == [
        Asked.of(search.trials[trial]).values for trial, _ in PLAN.items
    ]
    assert [(trial.number, trial.params, trial.user_attrs, trial.values) for trial in search.trials] == before
    assert search.finished == 4
    found = stored_confirmation(search.storage, search.name, search.trials, ["val/loss"])
    assert found is not None
    assert {each.trial.number: each.mean("val/loss") for each in found.confirmed} == pytest.approx({0: 0.1, 2: 2.1})
    assert [each.trial.number for each in found.confirmed] == [0, 2]


def test_a_session_goes_on_where_the_one_before_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    search = searched(in_memory())
    made = items(confirmed(monkeypatch, opened(search), well, stop_after=2))
    running = opened(search).propose()  # its process was killed
    again = items(confirmed(monkeypatch, opened(search), well))
    assert again[0] == item_of(running)
    assert made + again == PLAN.items
    assert confirmed(monkeypatch, opened(search), well) == []


def test_more_seeds_and_other_trials_add_what_is_missing_and_fewer_leave_the_rest_aside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    search = searched(in_memory())
    confirmed(monkeypatch, opened(search), well, stop_after=3)
    left = opened(search).propose()
    fewer = ConfirmPlan([2, 1], SEEDS[:2])
    assert item_of(left) not in fewer.items
    assert items(confirmed(monkeypatch, opened(search, fewer), well)) == [(1, SEEDS[0]), (1, SEEDS[1])]
    assert stored_plan(search.storage, search.name) == fewer
    more = ConfirmPlan([2, 1, 0], SEEDS)
    made = items(confirmed(monkeypatch, opened(search, more), well))
    assert set(made) == set(more.items) - {(2, SEEDS[0]), (0, SEEDS[0]), (2, SEEDS[1]), (1, SEEDS[0]), (1, SEEDS[1])}


def test_a_run_that_diverged_stays_so_and_one_that_failed_is_made_again_in_each_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def badly(run: FrozenTrial) -> Outcome:
        statuses: dict[tuple[int, int], TrialStatus] = {(2, SEEDS[0]): "diverged", (0, SEEDS[1]): "failed"}
        return Outcome(statuses.get(item_of(run), "finished"), scores={"val/loss": 1.0})

    search = searched(in_memory())
    assert items(confirmed(monkeypatch, opened(search), badly)) == PLAN.items
    assert items(confirmed(monkeypatch, opened(search), badly)) == [(0, SEEDS[1])]
    assert items(confirmed(monkeypatch, opened(search), well)) == [(0, SEEDS[1])]
    assert items(confirmed(monkeypatch, opened(search), well)) == []
    found = stored_confirmation(search.storage, search.name, search.trials, ["val/loss"])
    assert found is not None
    assert found.winner is not None
    assert (found.winner.trial.number, found.confirmed[1].failed) == (0, 1)


def test_a_failure_ends_neither_the_others_nor_the_study_whatever_sweep_on_failure_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = opened(searched(in_memory()), on_failure="stop")
    assert items(confirmed(monkeypatch, study, lambda run: Outcome("failed", "as arranged"))) == PLAN.items


def test_a_run_whose_process_dies_is_made_again_and_given_up_after_the_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    def deadly(run: FrozenTrial) -> Outcome:
        if item_of(run) == PLAN.items[1]:
            raise TerminatedError("as arranged")
        return well(run)

    study = opened(searched(in_memory()), retries=2)
    events = confirmed(monkeypatch, study, deadly)
    assert sum(isinstance(event, Lost) for event in events) == 2
    statuses = [Outcome.of(run).status for run in study.trials]  # type: ignore[union-attr]
    assert statuses == ["finished", "killed", *["finished"] * 4]


def test_a_storage_that_fails_in_between_loses_no_run_and_makes_none_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    study = opened(searched(in_memory()))
    original, calls = study.storage.create_new_trial, []

    def failing(*arguments: Any, **keywords: Any) -> int:
        calls.append(1)
        if len(calls) in (2, 5):
            raise OSError("as arranged")
        return original(*arguments, **keywords)

    monkeypatch.setattr(study.storage, "create_new_trial", failing)
    events = confirmed(monkeypatch, study, well)
    assert items(events) == PLAN.items
    assert sum(isinstance(getattr(event, "error", None), MachineError) for event in events) == 2
