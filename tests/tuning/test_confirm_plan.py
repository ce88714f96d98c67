from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sweeping import in_memory, journal_storage
from trial_samples import make_trial

from nnlab.errors import UserError
from nnlab.tuning.confirm.plan import PLAN, ConfirmPlan, forget_plan, fresh_seeds, stored_plan, study_of
from nnlab.tuning.study import trial_seeds

LOSS = ("val/loss",)


@given(st.integers(0, 2**70), st.integers(1, 40))
def test_fresh_seeds_differ_and_more_of_them_begin_with_the_same(study_seed: int, count: int) -> None:
    seeds = fresh_seeds(study_seed, count + 3)
    assert len(set(seeds)) == count + 3
    assert fresh_seeds(study_seed, count) == seeds[:count]


@given(st.integers(0, 2**70), st.integers(0, 10**6))
def test_no_trial_of_any_study_can_have_used_a_fresh_seed(study_seed: int, number: int) -> None:
    assert max(trial_seeds(study_seed, number, 3)) < 2**32 <= min(fresh_seeds(study_seed, 3))


def test_studies_of_other_seeds_have_other_fresh_seeds() -> None:
    assert len({seed for study in range(20) for seed in fresh_seeds(study, 5)}) == 100


def lr(value: float) -> dict[str, Any]:
    return {"optimizer.lr": value}


def test_the_best_trials_of_different_values_are_confirmed() -> None:
    trials = [
        make_trial(0, [0.3], params=lr(0.1)),
        make_trial(1, [0.1], params=lr(0.2)),
        make_trial(2, [0.2], params=lr(0.2)),  # with sweep.repeat_duplicates
        make_trial(3, [0.1], params=lr(0.2), duplicate_of=1),
        make_trial(4, [0.0], params=lr(0.4), status="pruned"),
        make_trial(5, [float("nan")], params=lr(0.5)),
        make_trial(6, [0.25], params=lr(0.6)),
        make_trial(7, status="diverged"),
        make_trial(8, status=None),
    ]
    assert ConfirmPlan.of(trials, LOSS, 2, [7]).trials == [1, 6]
    assert ConfirmPlan.of(trials, LOSS, 100, [7]).trials == [1, 6, 0]
    assert ConfirmPlan.of(trials[4:6], LOSS, 2, [7]).trials == []


def test_each_trial_is_run_with_a_seed_before_any_with_the_next() -> None:
    assert ConfirmPlan([3, 1], [10, 20]).items == [(3, 10), (1, 10), (3, 20), (1, 20)]


def test_a_storage_without_confirming_runs_has_no_plan_and_one_that_forgot_it_neither(tmp_path: Path) -> None:
    storage = journal_storage(tmp_path)
    assert stored_plan(storage, "a-study") is None
    optuna.create_study(storage=storage, study_name="a-study")
    study = optuna.create_study(storage=storage, study_name=study_of("a-study"))
    assert stored_plan(storage, "a-study") is None
    study.set_user_attr(PLAN, ConfirmPlan([2], [2**32]).to_dict())
    assert stored_plan(journal_storage(tmp_path), "a-study") == ConfirmPlan([2], [2**32])
    forget_plan(storage, "a-study")
    assert stored_plan(storage, "a-study") is None


@pytest.mark.parametrize("fields", [{"trials": [1]}, {"trials": ["1"], "seeds": [1]}, {"trials": [-1], "seeds": []}, 7])
def test_a_plan_that_something_else_has_written_is_refused(fields: Any) -> None:
    storage = in_memory()
    optuna.create_study(storage=storage, study_name=study_of("a-study")).set_user_attr(PLAN, fields)
    with pytest.raises(UserError, match="damaged"):
        stored_plan(storage, "a-study")
