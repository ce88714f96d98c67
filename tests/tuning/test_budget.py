"""What ends a search, by hand-counted trials, and through the coordinator with kills and workers in any order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning import plan, problems
from sweeping import coordinated, finished, in_memory, study_in, sweep_settings, work
from trial_samples import make_trial

from nnlab.tuning.budget import BUDGETS, Budget, Use
from nnlab.tuning.known import KnownTrials
from nnlab.tuning.report.budget_text import larger
from nnlab.tuning.trials import Outcome

LOSS = ("val/loss",)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([], 0),
        ([0.5], 0),
        ([0.5, 0.6, 0.7], 2),
        ([0.5, 0.6, 0.4], 0),
        ([0.5, 0.4, 0.4, 0.4], 2),  # as good is not better
        ([None, None, 0.5, None], 1),  # pruned ones have finished
        ([None, None], 2),
        ([float("inf"), 0.5, float("nan")], 1),
    ],
)
def test_trials_in_vain_are_those_since_the_last_that_was_better_than_all_before(
    losses: list[float | None], expected: int
) -> None:
    trials = [
        make_trial(number, [0.1 if loss is None else loss], status="pruned" if loss is None else "finished")
        for number, loss in enumerate(losses)
    ]
    assert KnownTrials(LOSS, trials).in_vain(in_step=True) == expected


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12))
def test_with_two_objectives_better_is_what_no_earlier_one_equals_in_both(points: list[tuple[int, int]]) -> None:
    trials = [make_trial(number, [float(a), float(b)]) for number, (a, b) in enumerate(points)]
    better = [number for number, (a, b) in enumerate(points) if not any(c <= a and d <= b for c, d in points[:number])]
    expected = len(points) - 1 - better[-1] if better else 0
    assert KnownTrials(("val/loss", "parameters"), trials).in_vain(in_step=True) == expected


def test_each_part_of_a_budget_ends_the_search_and_none_before() -> None:
    trials = [make_trial(0, [0.5]), make_trial(1, [0.3]), make_trial(2, [0.4]), make_trial(3, status="diverged")]
    for budget, expected in {
        Budget(3): ["trials"],
        Budget(4): [],
        Budget(None, seconds=9.0): ["seconds"],
        Budget(None, seconds=9.1): [],
        Budget(None, until=0.3): ["until"],
        Budget(None, until=0.29): [],
        Budget(None, patience=1): ["patience"],
        Budget(None, patience=2): [],
        Budget(3, seconds=1.0, until=0.4, patience=1): ["until", "trials", "patience", "seconds"],
    }.items():
        assert budget.used_up(budget.use(trials, 9.0)) == expected, budget


def test_trials_in_vain_go_by_number_in_batches_and_else_by_their_ends() -> None:
    trials = [make_trial(number, [loss]) for number, loss in enumerate((0.5, 0.3, 0.4))]
    trials[1].datetime_complete, trials[2].datetime_complete = trials[2].datetime_complete, trials[1].datetime_complete
    assert Budget(None, patience=1, is_in_step=True).use(trials).in_vain == 1
    assert Budget(None, patience=1).use(trials).in_vain == 0


def test_an_accuracy_ends_the_search_from_below() -> None:
    budget = Budget(None, until=0.9, objectives=("val/accuracy",))
    assert budget.used_up(budget.use([make_trial(0, [0.89])])) == []
    assert budget.used_up(budget.use([make_trial(0, [0.89]), make_trial(1, [0.9])])) == ["until"]


@given(
    name=st.sampled_from(["val/loss", "val/accuracy"]),
    limits=st.tuples(
        st.none() | st.integers(1, 50),
        st.none() | st.floats(1e-9, 1e9),
        st.none() | st.floats(0.001, 1),
        st.none() | st.integers(1, 50),
    ),
    use=st.builds(
        Use, st.integers(0, 99), st.floats(0, 1e9), st.none() | st.floats(0, 1), st.just(3), st.integers(0, 99)
    ),
)
def test_what_is_said_to_go_on_with_makes_every_part_that_is_used_up_last_longer(
    name: str, limits: tuple[Any, ...], use: Use
) -> None:
    trials, seconds, until, patience = limits
    budget = Budget(trials, seconds, until, patience, (name,))
    texts = dict(text.removeprefix("sweep.").split("=") for text in larger(budget, use).split())
    assert set(budget.used_up(use)) <= set(texts)
    changes = {key: None if text == "null" else float(text) for key, text in texts.items()}
    after = replace(budget, **changes)  # type: ignore[arg-type]
    if budget.used_up(use):
        assert after.used_up(replace(use, finished=max(1, use.finished))) == []
        assert any(getattr(after, key) is not None for key in BUDGETS)
    assert after.until is None or after.until >= 0


def test_the_number_of_a_preset_does_not_apply_beside_another_budget() -> None:
    for arguments, expected in {
        (): 40,
        ("sweep.seconds=5",): None,
        ("sweep.until=0.1",): None,
        ("sweep.patience=5",): None,
        ("sweep.seconds=5", "sweep.trials=7"): 7,
        ("sweep.seconds=null",): 40,
    }.items():
        made = plan(*arguments)
        assert made.settings.trials == expected
        assert bool(made.notes) == (expected is None)
    grid = plan("sweep=toy", "data=toy", "sweep.seconds=5").settings
    assert grid.trials == 12  # its points


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["sweep.trials=null"], ["sweep.trials"]),
        (["sweep.until=95", "sweep.objective=val/accuracy"], ["sweep.until"]),
        (["sweep.until=-1"], ["sweep.until"]),
        (["sweep.until=0.1", "sweep.pruner=none", "sweep.objective=[val/loss,parameters]"], ["sweep.until"]),
        (["sweep.seconds=0", "sweep.patience=0"], ["sweep.patience", "sweep.seconds"]),
        (["sweep.seconds=inf"], ["sweep.seconds"]),
        (["sweep.until=nan"], ["sweep.until"]),
    ],
)
def test_a_budget_that_ends_nothing_or_never_is_refused(arguments: list[str], keys: list[str]) -> None:
    assert sorted(problem.key for problem in problems(*arguments)) == keys


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("workers", [1, 3])
def test_trials_in_vain_end_a_study_without_a_number(
    workers: int, deterministic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = sweep_settings(trials=None, patience=8, deterministic=deterministic, sampler="random")
    budget = Budget.of(asked)
    study, _ = coordinated(monkeypatch, in_memory(), asked, workers=workers, budget=budget)
    assert study.unfinished() == []
    assert 8 <= budget.use(study.trials).in_vain < 8 + workers


@given(order=st.lists(st.integers(0, 11), min_size=1, max_size=12), workers=st.sampled_from([2, 3]))
@settings(max_examples=5)
def test_batches_end_at_the_same_trial_in_whatever_order_their_outcomes_come(order: list[int], workers: int) -> None:
    turns = iter(order * 50)
    asked = sweep_settings(trials=None, patience=5, deterministic=True, sampler_options={"startup_trials": 2})
    options: dict[str, Any] = {"workers": workers, "budget": Budget.of(asked)}
    with pytest.MonkeyPatch.context() as patch:
        shuffled, _ = coordinated(patch, in_memory(), asked, choose=lambda count: next(turns) % count, **options)
        in_turn, _ = coordinated(patch, in_memory(), asked, **options)
    assert [trial.values for trial in shuffled.trials] == [trial.values for trial in in_turn.trials]


class Killed(BaseException):
    """Stands in for a SIGKILL of the coordinator."""


@pytest.mark.parametrize(("deterministic", "workers"), [(False, 1), (True, 3)])
@pytest.mark.parametrize("call", ["create_new_trial", "set_trial_state_values"])
@pytest.mark.parametrize("limit", [{"patience": 4}, {"until": 0.5}])
def test_a_study_killed_around_any_record_ends_at_the_same_trial(
    limit: dict[str, Any], call: str, deterministic: bool, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = sweep_settings(trials=None, deterministic=deterministic, sampler="random", **limit)
    options: dict[str, Any] = {"workers": workers, "budget": Budget.of(asked)}
    undisturbed, _ = coordinated(monkeypatch, in_memory(), asked, **options)
    total = len(undisturbed.trials)
    assert 3 < total < 60
    for after in (total // 2, total - 1):
        storage = in_memory()
        made, calls = getattr(storage, call), iter(range(after))

        def killing(*arguments: Any, made: Any = made, calls: Any = calls, **named: Any) -> Any:
            if next(calls, None) is None:
                raise Killed("killed")
            return made(*arguments, **named)

        with monkeypatch.context() as patch:
            patch.setattr(storage, call, killing)
            with pytest.raises(Killed, match="killed"):
                coordinated(patch, storage, asked, **options)
        resumed, _ = coordinated(monkeypatch, storage, asked, **options)
        assert [trial.values for trial in resumed.trials] == [trial.values for trial in undisturbed.trials], after


def test_a_study_without_a_number_ends_where_ten_times_as_many_trials_fail_as_finish(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storage, asked = in_memory(), sweep_settings(trials=None, seconds=1e9, sampler="random")
    study, _ = coordinated(
        monkeypatch, storage, asked, do=lambda trial: work(storage, trial, lambda _: Outcome("failed", "as arranged"))
    )
    assert len(study.trials) == 30
    storage = in_memory()
    a_third = sweep_settings(trials=None, patience=40, sampler="random")

    def fails_often(trial: Any) -> Outcome:
        return finished(trial) if trial.number % 3 == 0 else Outcome("failed", "as arranged")

    options = {"do": lambda trial: work(storage, trial, fails_often), "budget": Budget.of(a_third)}
    often, _ = coordinated(monkeypatch, storage, a_third, **options)  # type: ignore[arg-type]
    assert often.finished >= 40


def test_a_study_that_has_ended_goes_on_with_a_larger_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = in_memory()
    for patience in (4, 4, 9):
        asked = sweep_settings(trials=None, patience=patience, sampler="random")
        before = len(study_in(storage, asked).trials)
        study, events = coordinated(monkeypatch, storage, asked, budget=Budget.of(asked))
        assert (events == []) == (before > 0 and patience == 4)
        assert Budget.of(asked).use(study.trials).in_vain == patience
