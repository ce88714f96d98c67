"""A trial that repeats another, of an earlier version, can be repeated itself: its record says what was trained."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from optuna.trial import FrozenTrial
from sweeping import journal_storage, repeated, study_in

from nnlab.config.job import Job
from nnlab.config.jobs import compose_jobs
from nnlab.errors import UserError
from nnlab.execution.evaluate import evaluate_member
from nnlab.execution.run import run
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, end_if_dead
from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.duplicates import record_repetition
from nnlab.tuning.planning import make_plan
from nnlab.tuning.storage import JOURNAL_FILE
from nnlab.tuning.study import Study
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trial import run_trial
from nnlab.tuning.trials import Asked, Outcome, is_failure
from nnlab.tuning.watch import Pruning

SMALL = [
    "data=digits",
    "data.limit=300",
    "model.hidden=[6]",
    "trainer.batch_size=30",
    "trainer.epochs=3",
    "tracking.enabled=false",
    "sweep.sampler=random",
    "sweep.pruner=none",
    "sweep.trials=2",
]
RATES = "optimizer.lr=choice(0.1,0.2)"
ENDS = ("finished", "pruned", "diverged")


def new_study(folder: Path, *arguments: str) -> tuple[Study, Tasks]:
    plan = make_plan([*SMALL, *arguments])
    study = study_in(journal_storage(folder), plan.settings, plan.space)
    return study, Tasks(plan, study.name, folder, folder / JOURNAL_FILE)


def proposed_again(study: Study) -> FrozenTrial:
    """A trial that has the values of the first, as a study of an earlier version has it."""
    return repeated(study.storage, study.trials[0])


def ended(folder: Path, status: str, *arguments: str, duplicates: int = 1) -> tuple[Tasks, FrozenTrial, FrozenTrial]:
    """A trial that ended so, and the last of so many that repeat it, which is recorded."""
    study, tasks = new_study(folder, "optimizer.lr=choice(1e30,1e31)" if status == "diverged" else RATES, *arguments)
    task = tasks.task(study.propose())
    if status == "pruned":
        by_seed = len(task.configs) > 1
        task = replace(task, pruning=Pruning("val/loss", optuna.pruners.ThresholdPruner(upper=0.0), by_seed, True))
    original = study.tell(study.trials[0], run_trial(task))
    outcome = Outcome.of(original)
    assert outcome is not None
    assert outcome.status == status
    for _ in range(duplicates):
        repetition = study.end_duplicate(proposed_again(study), original)
        record_repetition(repetition, tasks, None)
    return tasks, original, repetition


def tags(path: Path) -> dict[str, str]:
    """As MLflow gets them."""
    provenance = json.loads((path / "provenance.json").read_text(encoding="utf-8"))
    known = {"nnlab.command": shlex.join(provenance["command"]), **provenance["tags"]}
    return known | StoredRun.open(path).tags


def run_again(command: str, folder: Path) -> str:
    """Do what a tag says; returns the digest of the weights."""
    program, overrides = shlex.split(command)[:3], shlex.split(command)[3:]
    assert program == ["python", "-m", "nnlab.run"]
    elsewhere = [f"runs_dir='{folder / 'alone'}'", "tracking.enabled=false", "tracking.plots=false"]
    (job,) = compose_jobs([*overrides, *elsewhere], multirun=False)
    return run(job).weights_sha256


@pytest.mark.parametrize("status", ENDS)
@pytest.mark.parametrize("seeds", [1, 2])
def test_the_command_of_a_repetition_gives_its_weights(status: str, seeds: int, tmp_path: Path) -> None:
    tasks, original, repetition = ended(tmp_path, status, f"sweep.seeds={seeds}", duplicates=2)
    started_runs = [path for path in tasks.paths(repetition.number) if path.exists()]
    assert len(started_runs) == (1 if status in ("pruned", "diverged") else seeds)
    for path, earlier in zip(started_runs, tasks.paths(original.number), strict=False):
        said = tags(path)
        assert said["nnlab.duplicate_of"] == "0", "the first, whatever stands between"
        assert (said["nnlab.trial"], said["nnlab.study"]) == (str(repetition.number), "a-study")
        assert run_again(said["nnlab.command"], tmp_path) == said["nnlab.weights_sha256"]
        for name in ("nnlab.weights_sha256", "nnlab.command", "nnlab.epoch"):
            assert said[name] == tags(earlier)[name]
        for name in ("config.yaml", "overrides.yaml", "requirements.txt", "history.csv"):
            assert (path / name).read_bytes() == (earlier / name).read_bytes()


@pytest.mark.parametrize("status", ENDS)
def test_a_repetition_tells_what_its_original_does(status: str, tmp_path: Path) -> None:
    tasks, original, repetition = ended(tmp_path, status)
    (path,), (earlier,) = tasks.paths(repetition.number), tasks.paths(original.number)
    mine, others = ({kind: found(path, kind) for kind in ("epoch", "kept")} for path in (path, earlier))
    assert mine == others
    assert bool(mine["kept"]) == (status != "diverged")
    notes, of_earlier = ([each["tags"] for each in events(run) if each["event"] == "note"] for run in (path, earlier))
    assert sorted(notes, key=str) == sorted(of_earlier, key=str)
    stored = StoredRun.open(path)
    assert stored.status == status
    assert str(stored.reason).startswith("the same values as trial 0")
    provenances = [json.loads((run / "provenance.json").read_text(encoding="utf-8")) for run in (path, earlier)]
    assert provenances[0]["name"] == f"trial {repetition.number}, same as trial 0"
    of_the_study = ("name", "tags", "parent")
    facts, of_original = ({key: each[key] for key in each if key not in of_the_study} for each in provenances)
    assert facts == of_original
    assert facts["blas"].endswith("threads=1")
    assert (path / provenances[0]["parent"]).resolve() == tmp_path


def events(path: Path) -> list[journal.Event]:
    return journal.read(path / JOURNAL)[0]


def found(path: Path, kind: str) -> dict[Any, Any]:
    run = StoredRun.open(path)
    metrics: dict[str, dict[Any, Any]] = {"epoch": run.epochs, "kept": run.kept, "test": run.test}
    return metrics[kind]


def test_a_repetition_of_the_winner_was_never_tested(tmp_path: Path) -> None:
    study, tasks = new_study(tmp_path, RATES)
    original = study.tell(study.propose(), run_trial(tasks.task(study.trials[0])))
    (validated,) = tasks.runs(original)
    evaluate_member(Job(*validated, []), tasks.paths(0)[0], warn=pytest.fail)
    repetition = study.end_duplicate(proposed_again(study), original)
    record_repetition(repetition, tasks, None)
    assert found(tasks.paths(0)[0], "test")
    assert not found(tasks.paths(repetition.number)[0], "test")


def test_a_repetition_of_a_failure_says_so_and_is_none_itself(tmp_path: Path) -> None:
    _, original, repetition = ended(tmp_path, "diverged")
    outcome = Outcome.of(repetition)
    assert outcome is not None
    assert outcome.reason.startswith("the same values as trial 0: Training diverged")
    assert (original.state, outcome.status) == (repetition.state, "diverged")
    assert [is_failure(trial) for trial in (original, repetition)] == [True, False]


def test_a_repetition_of_a_killed_trial_is_recorded_once(tmp_path: Path) -> None:
    study, tasks = new_study(tmp_path, RATES)
    run_trial(tasks.task(study.propose()))
    (path,) = tasks.paths(0)
    *lines, end = (path / JOURNAL).read_bytes().splitlines(keepends=True)
    assert json.loads(end)["event"] == "end"
    (path / JOURNAL).write_bytes(b"".join(lines))
    end_if_dead(path)
    original = study.tell(study.trials[0], Outcome("killed", "out of memory"))
    repetition = study.end_duplicate(proposed_again(study), original)
    for _ in range(2):
        record_repetition(repetition, tasks, None)
    events, _ = journal.read(tasks.paths(repetition.number)[0] / JOURNAL)
    assert [event["status"] for event in events if event["event"] == "end"] == ["killed"]


@pytest.mark.parametrize("kept", [1, 3])
def test_a_repetition_that_was_killed_on_its_way_is_recorded_again(kept: int, tmp_path: Path) -> None:
    tasks, original, repetition = ended(tmp_path, "finished")
    (path,), (earlier,) = tasks.paths(repetition.number), tasks.paths(original.number)
    lines = (path / JOURNAL).read_bytes().splitlines(keepends=True)
    (path / JOURNAL).write_bytes(b"".join(lines[:kept]))
    end_if_dead(path)
    record_repetition(repetition, tasks, None)
    assert found(path, "epoch") == found(earlier, "epoch")
    assert (path / "history.csv").read_bytes() == (earlier / "history.csv").read_bytes()
    assert tags(path)["nnlab.weights_sha256"] == tags(earlier)["nnlab.weights_sha256"]


@pytest.mark.parametrize("name", ["config.yaml", "provenance.json"])
def test_an_original_that_is_damaged_is_named(name: str, tmp_path: Path) -> None:
    study, tasks = new_study(tmp_path, RATES)
    original = study.tell(study.propose(), run_trial(tasks.task(study.trials[0])))
    (tasks.paths(0)[0] / name).write_text("{", encoding="utf-8")
    repetition = study.end_duplicate(proposed_again(study), original)
    with pytest.raises(UserError, match=rf"{name} in .*a-study-0000 is damaged: .* Restore it"):
        record_repetition(repetition, tasks, None)
    assert not tasks.paths(repetition.number)[0].exists()


def test_the_config_of_a_repetition_has_the_seed_of_its_original(tmp_path: Path) -> None:
    tasks, original, repetition = ended(tmp_path, "finished")
    config = yaml.safe_load((tasks.paths(repetition.number)[0] / "config.yaml").read_text(encoding="utf-8"))
    assert [config["seed"]] == Asked.of(original).seeds == Asked.of(repetition).seeds
