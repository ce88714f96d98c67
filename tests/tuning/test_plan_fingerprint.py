"""What makes another study, and what does not: the fingerprint of its plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from planning import plan

from nnlab.tuning.planning import make_plan

BASE = plan()


def fingerprint(*arguments: str) -> dict[str, Any]:
    return plan(*arguments).fingerprint("c0ffee")


def differences(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    return {key for key in one.keys() | other.keys() if one.get(key, ...) != other.get(key, ...)}


@pytest.mark.parametrize(
    ("argument", "key"),
    [
        ("seed=1", "seed"),
        ("dtype=float64", "dtype"),
        ("trainer.epochs=16", "trainer.epochs"),
        ("trainer.patience=3", "trainer.patience"),
        ("optimizer.momentum=0.8", "optimizer.momentum"),
        ("model.dropout=0.1", "model.dropout"),
        ("data.split.seed=1", "data.split.seed"),
        ("data.split.seed=null", "data.split.seed"),
        ("data.limit=500", "data.limit"),
        ("sweep.sampler=random", "sweep.sampler"),
        ("sweep.sampler_options.startup_trials=3", "sweep.sampler_options.startup_trials"),
        ("sweep.pruner=asha", "sweep.pruner"),
        ("sweep.pruner_options.warmup_epochs=3", "sweep.pruner_options.warmup_epochs"),
        ("sweep.objective=val/accuracy", "sweep.objective"),
        ("sweep.at=last", "sweep.at"),
        ("sweep.seeds=3", "sweep.seeds"),
        ("sweep.deterministic=true", "sweep.deterministic"),
        ("sweep.repeat_duplicates=true", "sweep.repeat_duplicates"),
        ("optimizer.lr=interval(0.1,1)", "sweep.space.optimizer.lr"),
        ("model.dropout=interval(0,0.1)", "sweep.space.model.dropout"),
        ("model.depth=range(1,3)", "sweep.space.model.depth"),
    ],
)
def test_whatever_trials_depend_on_makes_another_study(argument: str, key: str) -> None:
    assert key in differences(BASE.fingerprint("c0ffee"), fingerprint(argument))


def test_other_data_makes_another_study() -> None:
    assert differences(BASE.fingerprint("c0ffee"), BASE.fingerprint("decaf")) == {"data_sha256"}


@pytest.mark.parametrize(
    "argument",
    [
        "sweep.trials=7",
        "sweep.workers=3",
        "sweep.retries=0",
        "sweep.on_failure=stop",
        "sweep.plots=all",
        "sweep.name=another",
        "sweep.storage='sqlite:///elsewhere.db'",
        "tracking.experiment=another",
        "tracking.plots=false",
        "trainer.test=false",
        "trainer.checkpoint_seconds=null",
        "data.max_gigabytes=2",
        "runs_dir=elsewhere",
    ],
)
def test_how_the_work_is_done_makes_no_other_study(argument: str) -> None:
    assert fingerprint(argument) == BASE.fingerprint("c0ffee")


def test_a_study_from_before_there_were_checkpoints_is_the_same_study() -> None:
    """Its `study.json` has no such key."""
    assert not [key for key in BASE.fingerprint("c0ffee") if "checkpoint" in key]


def test_the_folder_of_the_data_makes_no_other_study(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
        rows = "\n".join(f"{row % 2},{row},{row * 2}" for row in range(100))
        (folder / "data.csv").write_text(rows + "\n", encoding="utf-8")
    made = [make_plan(["data=csv", f"data.root='{folder / 'data.csv'}'", "trainer.batch_size=8"]) for folder in folders]
    assert made[0].fingerprint("c0ffee") == made[1].fingerprint("c0ffee")


def test_what_is_fixed_for_one_choice_of_a_searched_group_makes_another_study() -> None:
    searched = "optimizer=choice(sgd,momentum)"
    changed = differences(fingerprint(searched), fingerprint(searched, "optimizer.momentum=0.8"))
    assert changed == {"optimizer.momentum (optimizer=momentum)"}
    changed = differences(fingerprint(searched), fingerprint("optimizer=choice(sgd,nesterov)"))
    assert "sweep.space.optimizer" in changed
    without = ["sweep.space.optimizer.lr=null", searched]
    changed = differences(fingerprint(*without), fingerprint(*without, "optimizer.lr=0.3"))
    assert changed == {"optimizer.lr (optimizer=sgd)", "optimizer.lr (optimizer=momentum)"}


def test_the_size_of_batches_makes_another_study_but_not_their_number() -> None:
    batches = ["sweep.deterministic=true", "sweep.workers=4"]
    few = fingerprint(*batches, "sweep.trials=2")
    assert few == fingerprint(*batches, "sweep.trials=20")
    assert differences(few, fingerprint(*batches, "sweep.workers=3")) == {"sweep.workers"}


def test_a_fingerprint_survives_json() -> None:
    made = fingerprint("model.hidden=[64],[32]", "optimizer=choice(sgd,adam)")
    assert json.loads(json.dumps(made)) == made
