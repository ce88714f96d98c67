"""A trial as a worker does it, and its winner's test: real runs, a second long, on scikit-learn's digits."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from losing import with_lost_outcome
from sweeping import journal_storage, study_in

from nnlab.config.holdout import with_test
from nnlab.config.job import Job
from nnlab.config.jobs import compose_jobs
from nnlab.data import open_shared
from nnlab.execution.evaluate import evaluate_member
from nnlab.execution.run import run
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, RunDirectory
from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.plan import Plan
from nnlab.tuning.planning import make_plan
from nnlab.tuning.storage import JOURNAL_FILE
from nnlab.tuning.study import Study
from nnlab.tuning.tasks import Tasks, without_test
from nnlab.tuning.trial import Task, run_trial
from nnlab.tuning.trials import OUTCOME, Asked, Outcome
from nnlab.tuning.watch import Pruning

SMALL = [
    "data=digits",
    "data.limit=300",
    "optimizer.lr=choice(0.1,0.2)",
    "model.hidden=[6]",
    "trainer.batch_size=30",
    "trainer.epochs=3",
    "tracking.enabled=false",
    "sweep.sampler=random",
    "sweep.pruner=none",
    "sweep.trials=2",
]


def new_study(folder: Path, *arguments: str) -> tuple[Plan, Study, Tasks]:
    plan = make_plan([*SMALL, *arguments])
    study = study_in(journal_storage(folder), plan.settings, plan.space)
    return plan, study, Tasks(plan, study.name, folder, folder / JOURNAL_FILE)


def next_task(study: Study, tasks: Tasks) -> Task:
    return tasks.task(study.propose())


def evaluated(task: Task) -> Mapping[str, float]:
    """The test scores of a trial's only run, with its pictures drawn without a word."""
    job = Job(task.configs[0], None, [*task.commands[0], "trainer.test=true"])
    return evaluate_member(job, task.paths[0], warn=pytest.fail).metrics


def test_the_outcome_of_a_trial_is_in_the_storage_and_in_its_run(tmp_path: Path) -> None:
    _, study, tasks = new_study(tmp_path)
    task = next_task(study, tasks)
    outcome = run_trial(task)
    assert Outcome.of(study.trials[0]) == outcome
    (path,) = task.paths
    assert path == tmp_path / "trials" / "a-study-0000"
    epochs = StoredRun.open(path).epochs
    assert (outcome.status, outcome.epochs, outcome.runs) == ("finished", 3, [path.name])
    best = min(epochs, key=lambda epoch: epochs[epoch]["val/loss"])
    assert outcome.epoch == best
    assert outcome.scores == {name: epochs[best][name] for name in ("val/loss", "val/accuracy")}
    assert outcome.std == {}
    assert outcome.parameters == (64 * 6 + 6) + (6 * 10 + 10)
    provenance = json.loads((path / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["tags"] == {"nnlab.study": "a-study", "nnlab.trial": "0"}
    assert StoredRun.open(path).evaluations == 0
    assert not (path / "plots").exists()


def test_several_seeds_are_several_runs_whose_mean_is_judged(tmp_path: Path) -> None:
    _, study, tasks = new_study(tmp_path, "sweep.seeds=3", "sweep.plots=winner")
    task = next_task(study, tasks)
    outcome = run_trial(task)
    assert outcome.runs == ["a-study-0000-1", "a-study-0000-2", "a-study-0000-3"]
    assert [config.seed for config in task.configs] == Asked.of(study.trials[0]).seeds
    assert len(set(outcome.weights_sha256)) == 3
    losses = [min(metrics["val/loss"] for metrics in StoredRun.open(path).epochs.values()) for path in task.paths]
    assert outcome.scores["val/loss"] == pytest.approx(np.mean(losses))
    assert outcome.std["val/loss"] == pytest.approx(np.std(losses, ddof=1))


def kept(path: Path) -> dict[str, float]:
    """What MLflow compares the run by."""
    return StoredRun.open(path).kept


@pytest.mark.parametrize("objective", ["val/loss", "val/accuracy"])
def test_a_run_has_the_value_that_its_trial_is_ranked_by(objective: str, tmp_path: Path) -> None:
    _, study, tasks = new_study(tmp_path, f"sweep.objective={objective}")
    task = next_task(study, tasks)
    trial = study.tell(study.trials[0], run_trial(task))
    (path,) = task.paths
    epochs = StoredRun.open(path).epochs
    sign = -1 if objective == "val/accuracy" else 1
    best = min(epochs, key=lambda epoch: (sign * epochs[epoch][objective], epoch))
    assert kept(path) == {
        "best/epoch": best,
        "best/val/loss": epochs[best]["val/loss"],
        "best/val/accuracy": epochs[best]["val/accuracy"],
        "objective": trial.value,
    }


@pytest.mark.parametrize("special", ["trainer.restore_best=false", "data.split.validation=0"])
def test_a_run_alone_that_selects_nothing_keeps_its_last_epoch(special: str, tmp_path: Path) -> None:
    of_the_run = [text for text in SMALL if not text.startswith(("sweep", "optimizer.lr"))]
    elsewhere = [f"runs_dir='{tmp_path}'", "tracking.plots=false", "optimizer.lr=1", "trainer.epochs=4"]
    (job,) = compose_jobs([*of_the_run, *elsewhere, special], multirun=False)
    path = run(job).directory
    last = StoredRun.open(path).epochs[4]
    scores = {f"best/{name}": last[name] for name in ("val/loss", "val/accuracy") if name in last}
    assert len(scores) == (0 if special.startswith("data") else 2)
    assert kept(path) == {"best/epoch": 4, **scores}


def test_a_study_of_the_last_epoch_is_compared_by_the_last_epoch(tmp_path: Path) -> None:
    _, study, tasks = new_study(tmp_path, "sweep.at=last", "trainer.epochs=4")
    task = next_task(study, tasks)
    trial = study.tell(study.trials[0], run_trial(task))
    last = StoredRun.open(task.paths[0]).epochs[4]
    assert kept(task.paths[0]) == {
        "best/epoch": 4,
        "best/val/loss": last["val/loss"],
        "best/val/accuracy": last["val/accuracy"],
        "objective": trial.value,
    }


def test_every_seeds_run_has_the_trials_values(tmp_path: Path) -> None:
    _, study, tasks = new_study(tmp_path, "sweep.seeds=3", "sweep.objective=[val/accuracy,parameters]")
    task = next_task(study, tasks)
    trial = study.tell(study.trials[0], run_trial(task))
    own = [kept(path) for path in task.paths]
    assert [[metrics["objective"], metrics["objective_2"]] for metrics in own] == [trial.values] * 3
    assert np.mean([metrics["best/val/accuracy"] for metrics in own]) == pytest.approx(trial.values[0])
    assert len({metrics["best/val/loss"] for metrics in own}) == 3


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_pruned_trial_has_scores_and_no_rank(seeds: int, tmp_path: Path) -> None:
    _, study, tasks = new_study(tmp_path, f"sweep.seeds={seeds}")
    at_once = Pruning("val/loss", optuna.pruners.ThresholdPruner(upper=0.0), by_seed=seeds > 1, as_mean=True)
    task = replace(next_task(study, tasks), pruning=at_once)
    assert run_trial(task).status == "pruned"
    (path,) = [path for path in task.paths if path.exists()]
    stored = StoredRun.open(path)
    assert stored.status == "pruned"
    assert str(stored.reason).startswith("pruned after")
    assert set(kept(path)) == {"best/epoch", "best/val/loss", "best/val/accuracy"}


def test_a_trial_that_diverges_late_has_the_scores_of_the_weights_it_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nnlab.training import DivergedError, Trainer

    learn = Trainer._learn

    def diverging(trainer: Trainer) -> Any:
        if trainer.epochs == 2:
            raise DivergedError("as arranged")
        return learn(trainer)

    monkeypatch.setattr(Trainer, "_learn", diverging)
    _, study, tasks = new_study(tmp_path)
    task = next_task(study, tasks)
    outcome = run_trial(task)
    assert outcome.status == "diverged"
    epochs = StoredRun.open(task.paths[0]).epochs
    best = min(epochs, key=lambda epoch: epochs[epoch]["val/loss"])
    scores = {f"best/{name}": epochs[best][name] for name in ("val/loss", "val/accuracy")}
    assert kept(task.paths[0]) == {"best/epoch": best, **scores}


def test_workers_cannot_see_the_test_split(tmp_path: Path) -> None:
    plan, study, tasks = new_study(tmp_path)
    whole = plan.dataset
    shared = open_shared(next_task(study, tasks).data[0])
    assert len(whole.test) > 0 == len(shared.test)
    np.testing.assert_array_equal(shared.train.index, whole.train.index)
    np.testing.assert_array_equal(shared.validation.index, whole.validation.index)
    assert len(without_test(whole).validation) == len(whole.validation)


def test_data_that_differs_between_trials_is_shared_by_those_that_have_it_alike(tmp_path: Path) -> None:
    arguments = [text for text in SMALL if not text.startswith("data.limit")]
    plan = make_plan([*arguments, "data.limit=choice(200,300)", "optimizer.lr=interval(0.1,0.2)"])
    study = study_in(journal_storage(tmp_path), plan.settings, plan.space)
    tasks = Tasks(plan, study.name, tmp_path, tmp_path / JOURNAL_FILE)
    made = [next_task(study, tasks) for _ in range(6)]
    rows = {task.data[0]: len(open_shared(task.data[0]).train) for task in made}
    assert sorted(rows.values()) == [200, 300]
    assert all(rows[task.data[0]] == task.configs[0].data.limit for task in made)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Is set as soon as somebody sleeps."""
    event, sleep = threading.Event(), time.sleep

    def sleeping(seconds: float) -> None:
        event.set()
        sleep(seconds)

    monkeypatch.setattr("time.sleep", sleeping)
    return event


def test_a_trial_that_another_process_is_doing_is_waited_for_and_not_done_twice(
    tmp_path: Path, waiting: threading.Event
) -> None:
    _, study, tasks = new_study(tmp_path)
    task = next_task(study, tasks)
    elsewhere = RunDirectory.claim(task.paths[0])
    outcome = Outcome("finished", scores={"val/loss": 0.5}, runs=["as arranged"])
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(run_trial, task)
        study._storage.set_trial_user_attr(task.trial_id, OUTCOME, outcome.to_dict())
        assert waiting.wait(60)
        assert not call.done()
        elsewhere.release()
        assert call.result(60) == outcome
    assert not (task.paths[0] / JOURNAL).exists()


def test_a_trial_whose_other_process_dies_is_done(tmp_path: Path, waiting: threading.Event) -> None:
    _, study, tasks = new_study(tmp_path)
    task = next_task(study, tasks)
    elsewhere = RunDirectory.claim(task.paths[0])
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(run_trial, task)
        assert waiting.wait(60)
        elsewhere.release()
        assert call.result(60).status == "finished"


def test_a_process_does_one_trial_at_a_time_however_many_threads_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, most = [0], [0]

    def watched(*arguments: Any, **named: Any) -> Any:
        busy[0] += 1
        most[0] = max(most[0], busy[0])
        try:
            return run(*arguments, **named)
        finally:
            busy[0] -= 1

    monkeypatch.setattr("nnlab.tuning.trial.run", watched)
    _, study, tasks = new_study(tmp_path, "optimizer.lr=interval(0.1,0.2)")
    made = [next_task(study, tasks) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert [outcome.status for outcome in pool.map(run_trial, made)] == ["finished"] * 4
    assert most == [1]


def test_a_trial_that_raises_is_failed_and_keeps_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*arguments: object, **named: object) -> None:
        raise ZeroDivisionError("as arranged")

    _, study, tasks = new_study(tmp_path, "sweep.seeds=2")
    task = next_task(study, tasks)
    monkeypatch.setattr("nnlab.execution.training_run.TrainingRun.execute", raises)
    outcome = run_trial(task)
    assert (outcome.status, outcome.reason) == ("failed", "ZeroDivisionError: as arranged")
    assert outcome.runs == ["a-study-0000-1"]  # the second was never begun
    assert Outcome.of(study.trials[0]) == outcome
    traceback = (task.paths[0] / "error.txt").read_text(encoding="utf-8")
    assert traceback.startswith("Traceback")
    assert "ZeroDivisionError: as arranged" in traceback
    assert not task.paths[1].exists()


def test_a_trial_whose_data_is_gone_is_failed_without_a_run(tmp_path: Path) -> None:
    _, study, tasks = new_study(tmp_path)
    task = replace(next_task(study, tasks), data=[tmp_path / "gone"])
    outcome = run_trial(task)
    assert (outcome.status, outcome.runs) == ("failed", [])
    assert "gone must hold a dataset that nnlab shared" in outcome.reason


def test_a_trial_that_diverges_has_no_scores(tmp_path: Path) -> None:
    arguments = [text for text in SMALL if not text.startswith("optimizer.lr")]
    plan = make_plan([*arguments, "optimizer.lr=choice(1e20,2e20)", "model.activation=identity"])
    study = study_in(journal_storage(tmp_path), plan.settings, plan.space)
    outcome = run_trial(next_task(study, Tasks(plan, study.name, tmp_path, tmp_path / JOURNAL_FILE)))
    assert (outcome.status, outcome.scores, outcome.epoch) == ("diverged", {}, 0)
    assert outcome.reason
    assert kept(tmp_path / "trials" / "a-study-0000") == {}


def test_the_stored_command_repeats_a_run_bit_for_bit(tmp_path: Path) -> None:
    _, study, tasks = new_study(tmp_path)
    task = next_task(study, tasks)
    outcome = run_trial(task)
    elsewhere = [f"runs_dir='{tmp_path / 'alone'}'", "tracking.enabled=false", "tracking.plots=false"]
    (job,) = compose_jobs([*task.commands[0], *elsewhere], multirun=False)
    alone = run(job)
    assert [alone.weights_sha256] == outcome.weights_sha256
    assert {name: alone.scores[name] for name in outcome.scores} == outcome.scores


def test_a_trial_whose_outcome_was_lost_is_taken_from_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, study, tasks = new_study(tmp_path, "sweep.pruner=median")
    task = next_task(study, tasks)
    lost = with_lost_outcome(task, monkeypatch)
    before = (task.paths[0] / JOURNAL).read_bytes()
    assert run_trial(task).to_dict() == lost
    assert (task.paths[0] / JOURNAL).read_bytes() == before
    assert sorted(study.trials[0].intermediate_values) == [1, 2, 3]


def test_a_trial_that_has_an_outcome_is_not_retried(tmp_path: Path) -> None:
    """Dask does a call again whose result was lost with the worker that kept it."""
    _, study, tasks = new_study(tmp_path)
    task = next_task(study, tasks)
    once = run_trial(task)
    before = (task.paths[0] / JOURNAL).read_bytes()
    assert run_trial(task) == once
    assert (task.paths[0] / JOURNAL).read_bytes() == before


def test_the_test_split_is_evaluated_once_and_then_remembered(tmp_path: Path) -> None:
    _, study, tasks = new_study(tmp_path)
    task = next_task(study, tasks)
    run_trial(task)
    (path,) = task.paths
    tested = evaluated(task)
    assert set(tested) == {"test/loss", "test/accuracy"}
    events, _ = journal.read(path / JOURNAL)
    assert [event["metrics"] for event in events if event["event"] == "test"] == [tested]
    assert StoredRun.open(path).status == "finished"
    shutil.rmtree(path / "model")
    assert evaluated(task) == tested
    assert journal.read(path / JOURNAL)[0] == events


def test_a_test_that_was_killed_before_its_end_is_ended_and_not_retried(tmp_path: Path) -> None:
    _, study, tasks = new_study(tmp_path)
    task = next_task(study, tasks)
    run_trial(task)
    (path,) = task.paths
    tested = evaluated(task)
    lines = (path / JOURNAL).read_bytes().splitlines(keepends=True)
    assert json.loads(lines[-1])["event"] == "end"
    (path / JOURNAL).write_bytes(b"".join(lines[:-1]))
    shutil.rmtree(path / "model")
    assert evaluated(task) == tested
    assert StoredRun.open(path).status == "finished"


def test_the_test_split_has_the_weights_that_validation_chose(tmp_path: Path) -> None:
    """A run alone, which evaluates the test split with the same weights at its end, is the oracle."""
    _, study, tasks = new_study(tmp_path)
    task = next_task(study, tasks)
    run_trial(task)
    (config,) = task.configs
    assert config.trainer.test is False
    alone = with_test(replace(config, runs_dir=str(tmp_path / "alone")), True)
    expected = run(Job(alone, None, [])).scores
    tested = evaluated(task)
    assert tested == {name: expected[name] for name in ("test/loss", "test/accuracy")}
