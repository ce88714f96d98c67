"""A trial whose worker was killed goes on, to the outcome that it would have had."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from losing import with_lost_outcome
from sweeping import journal_storage, study_in

from faults.facts import facts_of
from nnlab.errors import TerminatedError
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL
from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.planning import make_plan
from nnlab.tuning.storage import JOURNAL_FILE
from nnlab.tuning.study import Study
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trial import Task, run_trial
from nnlab.tuning.watch import Pruning, Watch

SMALL = [
    *("data=digits", "data.limit=300", "model.hidden=[6]", "model.dropout=0.2", "trainer.epochs=5"),
    *("optimizer.lr=tag(log, interval(0.01, 1))", "sweep.trials=4", "tracking.enabled=false"),
    "trainer.checkpoint_seconds=0.000001",
]


def task_in(folder: Path, *overrides: str) -> tuple[Study, Task]:
    folder.mkdir()
    plan = make_plan([*SMALL, f"runs_dir='{folder}'", *overrides])
    study = study_in(journal_storage(folder), plan.settings, plan.space)
    tasks = Tasks(plan, study.name, folder, folder / JOURNAL_FILE)
    return study, tasks.task(study.propose())


def killed(task: Task, monkeypatch: pytest.MonkeyPatch, after: int, *, run: int = 0) -> None:
    """Run the trial until it is terminated after some epochs of one of its runs."""
    saw = Watch.saw_epoch

    def terminating(watch: Watch, epoch: int, metrics: Any) -> str | None:
        answer = saw(watch, epoch, metrics)
        if epoch > after and (run == 0 or task.paths[run].exists()):
            raise TerminatedError("as arranged")
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(Watch, "saw_epoch", terminating)
        with pytest.raises(TerminatedError):
            run_trial(task)


def starts(path: Path) -> list[bool]:
    events, _ = journal.read(path / JOURNAL)
    return [event["goes_on"] for event in events if event["event"] == "start"]


@pytest.mark.parametrize("pruner", ["median", "asha", "none"])
def test_a_trial_goes_on_from_its_checkpoint_to_the_same_outcome(
    pruner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm_study, calm = task_in(tmp_path / "calm", f"sweep.pruner={pruner}")
    study, task = task_in(tmp_path / "killed", f"sweep.pruner={pruner}")
    killed(task, monkeypatch, after=2)
    (path,) = task.paths
    assert sorted(StoredRun.open(path).epochs) == [1, 2, 3]
    assert len(list((path / "checkpoints").iterdir())) > 0
    again, once = run_trial(task), run_trial(calm)
    assert starts(path) == [False, True]
    assert (again.scores, again.weights_sha256, again.epochs) == (once.scores, once.weights_sha256, once.epochs)
    assert facts_of(path) == facts_of(calm.paths[0])
    assert study.trials[0].intermediate_values == calm_study.trials[0].intermediate_values
    assert not (path / "checkpoints").exists()


def test_runs_that_had_finished_are_taken_from_their_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calm_study, calm = task_in(tmp_path / "calm", "sweep.seeds=3", "sweep.pruner=median")
    study, task = task_in(tmp_path / "killed", "sweep.seeds=3", "sweep.pruner=median")
    killed(task, monkeypatch, after=2, run=1)
    before = (task.paths[0] / JOURNAL).read_bytes()
    outcome = run_trial(task)
    events, _ = journal.read(task.paths[0] / JOURNAL)
    assert (task.paths[0] / JOURNAL).read_bytes().startswith(before)
    assert [event["epoch"] for event in events if event["event"] == "epoch"] == [1, 2, 3, 4, 5]
    assert starts(task.paths[1])[:2] == [False, True]
    once = run_trial(calm)
    assert (outcome.scores, outcome.std, outcome.weights_sha256) == (once.scores, once.std, once.weights_sha256)
    assert study.trials[0].intermediate_values == calm_study.trials[0].intermediate_values
    assert [facts_of(path)["best"] for path in task.paths] == [facts_of(path)["best"] for path in calm.paths]


def test_a_trial_that_was_pruned_after_some_seeds_is_judged_again_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, task = task_in(tmp_path / "pruned", "sweep.seeds=3")
    at_once = Pruning("val/loss", optuna.pruners.ThresholdPruner(upper=0.0), by_seed=True, as_mean=True)
    task = replace(task, pruning=at_once)
    lost = with_lost_outcome(task, monkeypatch)
    once = run_trial(task)
    assert once.to_dict() == lost
    assert once.status == "pruned"


def test_a_single_run_that_was_pruned_stays_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, task = task_in(tmp_path / "pruned")
    at_once = Pruning("val/loss", optuna.pruners.ThresholdPruner(upper=0.0), by_seed=False, as_mean=True)
    task = replace(task, pruning=at_once)
    lost = with_lost_outcome(task, monkeypatch)
    once = run_trial(task)
    assert once.to_dict() == lost
    assert (once.status, once.epochs) == ("pruned", 1)


def test_a_trial_of_other_code_starts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, task = task_in(tmp_path / "killed")
    killed(task, monkeypatch, after=2)
    (path,) = task.paths
    facts = json.loads((path / "provenance.json").read_text())
    facts["numpy"] = "another"
    (path / "provenance.json").write_text(json.dumps(facts))
    assert run_trial(task).status == "finished"
    assert starts(path) == [False, False]
