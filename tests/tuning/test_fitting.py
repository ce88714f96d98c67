"""Which trials of another study fit: what no study kept by the real command would show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from growing import SMALL, run_small
from optuna.trial import FrozenTrial

from nnlab.config.quoting import as_override
from nnlab.tuning.growth.fitting import completed, differences, fit
from nnlab.tuning.plan import Plan
from nnlab.tuning.planning import make_plan
from nnlab.tuning.trials import ASKED, OUTCOME, Asked, Outcome

SEARCHED = ["optimizer.lr=choice(0.03, 0.1)", "trainer.epochs=choice(1, 2)"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the study `old`, which has tried all four points."""
    folder = tmp_path_factory.mktemp("fitting")
    run_small(folder, "old", *SEARCHED, "sweep.trials=4")
    return folder


def plan_of(folder: Path, *arguments: str) -> Plan:
    return make_plan([*SMALL, as_override("runs_dir", str(folder)), *arguments])


def old(folder: Path) -> list[FrozenTrial]:
    from nnlab.tuning.stored_study import StoredStudy

    return StoredStudy.open("old", [as_override("runs_dir", str(folder))]).trials


def why_not(folder: Path, trial: FrozenTrial, plan: Plan) -> str:
    return fit(trial, folder / "old", plan, {}).why_not


def changed(trial: FrozenTrial, outcome: dict[str, Any], asked: dict[str, Any]) -> FrozenTrial:
    found = Outcome.of(trial)
    assert found is not None
    was = Asked.of(trial)
    trial.user_attrs = {
        **trial.user_attrs,
        OUTCOME: replace(found, **outcome).to_dict(),
        ASKED: replace(was, **asked).to_dict(),
    }
    return trial


def test_a_trial_of_another_number_of_epochs_is_not_kept(folder: Path) -> None:
    plan = plan_of(folder, SEARCHED[0], "trainer.epochs=2")
    for trial in old(folder):
        epochs = Asked.of(trial).values["trainer.epochs"]
        assert (why_not(folder, trial, plan) == "") is (epochs == 2)
    assert [key for key, _, _ in differences({"trainer": {"epochs": 1}}, {"trainer": {"epochs": 2}})] == [
        "trainer.epochs"
    ]


def test_what_the_constraint_rules_out_is_not_kept(folder: Path) -> None:
    plan = plan_of(folder, *SEARCHED, "sweep.constraint=optimizer.lr < 0.05")
    for trial in old(folder):
        is_allowed = Asked.of(trial).values["optimizer.lr"] < 0.05
        assert (why_not(folder, trial, plan) == "") is is_allowed


@pytest.mark.parametrize(
    ("outcome", "asked", "why"),
    [
        ({"status": "pruned"}, {}, ""),
        ({"status": "diverged"}, {}, ""),
        ({"status": "over_limit"}, {}, "over limit"),
        ({"status": "killed"}, {}, "killed"),
        ({"status": "failed"}, {}, "failed"),
        ({}, {"duplicate_of": 0}, "repeats another"),
        ({"runs": ["gone"]}, {}, "its run directory is gone"),
        ({"runs": []}, {}, "its run directory is gone"),
    ],
)
def test_kept_is_what_came_of_a_trial_by_its_values(
    folder: Path, outcome: dict[str, Any], asked: dict[str, Any], why: str
) -> None:
    assert why_not(folder, changed(old(folder)[1], outcome, asked), plan_of(folder, *SEARCHED)) == why


def test_a_run_that_has_not_ended_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnlab.runs.stored_run.StoredRun.has_ended", False)
    assert why_not(folder, old(folder)[0], plan_of(folder, *SEARCHED)) == "its run directory is gone"


def test_stated_values_complete_a_config_and_change_none() -> None:
    config = {"model": {"dropout": 0.5}}
    assert completed(config, {"model.dropout": 0.1, "model.bias": False}) == {"model": {"dropout": 0.5, "bias": False}}
    assert config == {"model": {"dropout": 0.5}}
