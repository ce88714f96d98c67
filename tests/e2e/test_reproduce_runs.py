"""`python -m nnlab.reproduce` on what people have: runs, killed ones, trials, those of other code."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from commands import event, events, nnlab, run_directories, started, wait_for, weights_sha256
from reproducing import QUICK, UNTRACKED, alter, repository, reproduce

pytestmark = pytest.mark.slow


def done(*overrides: str, folder: Path, program: str = "nnlab.run", **variables: str) -> Path:
    """The directory of the run, or of the study, that a command makes."""
    known = set(run_directories(folder / "runs"))
    process = nnlab(*overrides, folder=folder, program=program, **variables)
    assert process.returncode == 0, process.stderr
    (path,) = set(run_directories(folder / "runs")) - known
    return path


def test_a_run_is_identical_and_both_are_linked(tmp_path: Path) -> None:
    run = done(*QUICK, UNTRACKED, folder=tmp_path)
    digest = weights_sha256(run)
    whole = (run / "metrics.jsonl").read_bytes()
    said = reproduce(run.name, folder=tmp_path)
    again = Path(said.answer["again"])
    assert (said.status, said.word) == (0, "identical")
    assert said.answer["weights"] == [digest, weights_sha256(again)] == [digest, digest]
    assert event(again, "test")["metrics"] == event(run, "test")["metrics"]
    assert (run / "metrics.jsonl").read_bytes().startswith(whole)
    tags = {key: value for each in events(run) if each["event"] == "note" for key, value in each["tags"].items()}
    assert tags["nnlab.reproduced"].startswith(f"identical, by {again.name}, ")
    assert json.loads((again / "provenance.json").read_text())["tags"]["nnlab.reproduces"] == run.name


def test_a_run_that_was_killed_and_resumed_is_identical(tmp_path: Path) -> None:
    long = [
        "data=digits",
        "model.hidden=[16]",
        "model.dropout=0.2",
        "optimizer=adam",
        "trainer.batch_size=4",
        UNTRACKED,
    ]
    (tmp_path / "runs").mkdir()
    with started(*long, "trainer.epochs=400", "trainer.checkpoint_seconds=0.05", folder=tmp_path) as process:
        wait_for(
            lambda: (
                sum(each["event"] == "epoch" for run in run_directories(tmp_path / "runs") for each in events(run)) > 3
            )
        )
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL
    (run,) = run_directories(tmp_path / "runs")
    stopped = reproduce(run.name, folder=tmp_path)  # as far as it came
    assert (stopped.status, stopped.word) == (0, "identical")
    assert 3 < stopped.answer["epochs"] < 400
    assert nnlab(run.name, folder=tmp_path, program="nnlab.resume").returncode == 0
    said = reproduce(run.name, folder=tmp_path)
    assert (said.status, said.word, said.answer["epochs"]) == (0, "identical", 400)


def test_every_run_of_a_study_with_two_workers_is_identical(tmp_path: Path) -> None:
    space = ["optimizer.lr=choice(0.03, 0.1, 0.3)", "sweep.trials=6", "sweep.workers=2", "sweep.sampler=random"]
    pruned = ["sweep.pruner_options.startup_trials=1", "sweep.name=study", "sweep.seeds=2"]
    study = done(*QUICK, *space, *pruned, UNTRACKED, folder=tmp_path, program="nnlab.sweep")
    winner = reproduce("--study", "study", folder=tmp_path)
    assert (winner.status, winner.word) == (0, "identical")
    assert len(winner.answer["runs"]) == 2
    assert all(run["tested"] and run["verdict"] == "identical" for run in winner.answer["runs"])
    trials = {path.name for path in run_directories(study / "trials")}
    every = reproduce("--study", "study", "--all", folder=tmp_path)
    assert (every.status, every.word) == (0, "identical")
    assert {Path(run["run"]).name for run in every.answer["runs"]} == trials
    (trial, *_) = sorted(trials)
    assert reproduce(trial, folder=tmp_path).word == "identical"


def test_all_runs_of_a_folder_are_told_apart(tmp_path: Path) -> None:
    good, bad = (done(*QUICK, f"seed={seed}", UNTRACKED, folder=tmp_path) for seed in (1, 2))
    text = (bad / "metrics.jsonl").read_text().replace('"lr": 0.1', '"lr": 0.2', 1)
    (bad / "metrics.jsonl").write_text(text)
    damaged = shutil.copytree(good, good.with_name("damaged"))
    (damaged / "config.yaml").unlink()
    said = reproduce("--all", folder=tmp_path)
    verdicts = {Path(run["run"]).name: run["verdict"] for run in said.answer["runs"]}
    assert (said.status, said.word) == (1, "different")
    assert verdicts == {good.name: "identical", bad.name: "different", "damaged": "cannot be tried"}
    assert {run["run"] for run in reproduce("--all", folder=tmp_path).answer["runs"]} == {
        run["run"] for run in said.answer["runs"]
    }  # those that reproduce others are no originals


def test_code_with_one_other_constant_is_different_and_where_is_said(tmp_path: Path) -> None:
    root = repository(tmp_path)
    variables = {"PYTHONPATH": str(root)}
    run = done(*QUICK, "optimizer=momentum", UNTRACKED, folder=tmp_path, **variables)
    assert reproduce(run.name, folder=tmp_path, **variables).word == "identical"
    alter(root, "core/initializers.py", "math.sqrt(2.0 / fans(shape)[0])", "math.sqrt(2.001 / fans(shape)[0])")
    said = reproduce(run.name, folder=tmp_path, **variables)
    assert (said.status, said.word) == (1, "different")
    assert (said.answer["first"]["epoch"], said.answer["first"]["metric"]) == (1, "train/loss")
    assert {fact["name"]: fact["agrees"] for fact in said.answer["facts"]}["code"] is False
    alter(root, "core/initializers.py", "math.sqrt(2.001 / fans(shape)[0])", "math.no_such(2.0)")
    said = reproduce(run.name, folder=tmp_path, **variables)
    assert (said.status, said.word) == (1, "failed")
    assert "AttributeError" in said.errors
    assert "Fatal Python error" not in said.errors


def test_a_run_is_reproduced_from_mlflow_alone(tmp_path: Path, template_store: Path) -> None:
    from mlflow import MlflowClient

    (tmp_path / "runs").mkdir()
    shutil.copy(template_store, tmp_path / "runs" / "mlflow.db")
    run = done(*QUICK, "tracking.plots=false", folder=tmp_path)
    run_id = json.loads((run / "mlflow.json").read_text())["run_id"]
    digest = weights_sha256(run)
    shutil.rmtree(run)
    for name in (run.name, run_id):
        said = reproduce(name, folder=tmp_path)
        assert (said.status, said.word, said.answer["weights"]) == (0, "identical", [digest, digest])
    tags = MlflowClient(f"sqlite:///{tmp_path}/runs/mlflow.db").get_run(run_id).data.tags
    assert tags["nnlab.reproduced"].startswith(f"identical, by {Path(said.answer['again']).name}, ")
    nothing = reproduce("f" * 32, folder=tmp_path)
    assert (nothing.status, nothing.word) == (2, "cannot be tried")
    assert not [name for name in os.listdir(tmp_path) if name.startswith("nnlab-")]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes through /proc")
@pytest.mark.parametrize(
    "arguments", [[], ["a", "--study", "b"], ["a", "--all"], ["a", "--trust"], ["a", "--worktree", "--data-root=x"]]
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], tmp_path: Path) -> None:
    said = reproduce(*arguments, folder=tmp_path)
    assert said.status == 2
    assert said.errors
