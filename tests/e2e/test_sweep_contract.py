"""What MLflow shows of a study: a parent with a child for each trial, read back through MLflow's own client."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commands import Done, nnlab, run_directories, weights_sha256
from studies import Study, outcome, study_in, sweep

if TYPE_CHECKING:
    from mlflow.entities import Run

HEX = re.compile(r"[0-9a-f]{64}")
BY_EPOCH = {"train/loss", "train/accuracy", "val/loss", "val/accuracy", "lr", "time/epoch_seconds"}
BEST = {"best/epoch", "best/val/loss", "best/val/accuracy"}
TEST = {"test/loss", "test/accuracy"}

# With trials of every kind: complete, pruned, diverged.
OVERRIDES = [
    "data=digits",
    "trainer.epochs=3",
    "trainer.batch_size=32",
    "optimizer.lr=choice(0.02, 0.1, 1e30)",
    "model.depth=range(1, 3)",
    "model.width=choice(8, 16)",
    "sweep.sampler=random",
    "sweep.pruner_options.startup_trials=2",
    "sweep.trials=8",
    "sweep.workers=1",
    "sweep.name=digits",
    "tracking.experiment=small studies",
]


@dataclass(frozen=True)
class Tracked:
    """A study that is in MLflow."""

    done: Done
    study: Study
    parent: Run
    children: list[Run]

    def history(self, run: Run, metric: str) -> list[tuple[int, float]]:
        return [(each.step, each.value) for each in self.done.client.get_metric_history(run.info.run_id, metric)]

    def artifacts(self, run: Run, folder: str | None = None) -> set[str]:
        return {item.path for item in self.done.client.list_artifacts(run.info.run_id, folder)}

    def children_of(self, status: str) -> list[Run]:
        found = [run for run in self.children if run.data.tags["nnlab.status"] == status]
        assert found, f"the study must have {status} trials, or the tests below show nothing"
        return found


@pytest.fixture(scope="module")
def tracked_study(tmp_path_factory: pytest.TempPathFactory, template_store: Path) -> Tracked:
    folder = tmp_path_factory.mktemp("a study", numbered=True)
    (folder / "runs").mkdir()
    store = folder / "runs" / "mlflow.db"
    shutil.copy(template_store, store)
    done = Done(sweep(*OVERRIDES, folder=folder), folder, folder / "runs", store)
    assert done.process.returncode == 0, done.process.stderr
    parents = [run for run in done.runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in done.runs if "mlflow.parentRunId" in run.data.tags]
    (parent,) = parents
    children.sort(key=lambda run: int(run.data.tags["nnlab.trial"]))
    return Tracked(done, study_in(folder), parent, children)


def test_there_is_one_parent_and_a_nested_child_for_each_trial(tracked_study: Tracked) -> None:
    parent, children = tracked_study.parent, tracked_study.children
    assert parent.info.run_name == "digits"
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert [run.data.tags["nnlab.trial"] for run in children] == [str(t.number) for t in tracked_study.study.trials]
    assert {run.data.tags["nnlab.study"] for run in children} == {"digits"}
    assert parent.info.run_id in tracked_study.done.process.stdout
    experiments = {run.info.experiment_id for run in (parent, *children)}
    assert [tracked_study.done.client.get_experiment(each).name for each in experiments] == ["small studies"]


def test_the_parents_params_are_the_study(tracked_study: Tracked) -> None:
    expected = {
        "sweep.trials": "8",
        "sweep.sampler": "random",
        "sweep.pruner": "median",
        "sweep.pruner_options.startup_trials": "2",
        "sweep.objective": "val/loss",
        "sweep.at": "best",
        "sweep.space.optimizer.lr": "choice(0.02, 0.1, 1e+30)",
        "sweep.space.model.depth": "range(1, 3)",
        "trainer.epochs": "3",
        "trainer.batch_size": "32",
        "data.name": "digits",
        "seed": "0",
    }
    params = tracked_study.parent.data.params
    assert {key: params.get(key) for key in expected} == expected
    assert "optimizer.lr" not in params  # it has no single value
    assert not [value for value in params.values() if "${" in value]


def test_the_best_value_so_far_is_a_metric_over_the_finished_trials(tracked_study: Tracked) -> None:
    finished = [trial for trial in tracked_study.study.trials if trial.state.name in ("COMPLETE", "PRUNED")]
    finished.sort(key=lambda trial: str(trial.datetime_complete))
    losses = [trial.values[0] if trial.state.name == "COMPLETE" else float("inf") for trial in finished]
    assert losses[0] != float("inf")
    expected = list(enumerate(accumulate(losses, min), start=1))
    assert tracked_study.history(tracked_study.parent, "best/val/loss") == expected
    assert len(expected) == 8


def test_only_the_winner_and_the_study_have_test_metrics_once(tracked_study: Tracked) -> None:
    parent = tracked_study.parent
    tested = [run for run in tracked_study.children if TEST & run.data.metrics.keys()]
    (winner,) = tested
    assert winner.data.tags["nnlab.trial"] == parent.data.tags["nnlab.best_trial"]
    best = min((t for t in tracked_study.study.trials if t.state.name == "COMPLETE"), key=lambda trial: trial.values)
    assert parent.data.tags["nnlab.best_trial"] == str(best.number)
    assert parent.data.tags["nnlab.selected_from"] == "8"
    for name in TEST:
        (of_winner,) = tracked_study.history(winner, name)
        (of_study,) = tracked_study.history(parent, name)
        assert of_winner == (outcome(best)["epoch"], of_study[1])
        assert of_study[0] == 8


def test_the_parents_artifacts_are_the_table_the_identity_and_the_pictures(
    tracked_study: Tracked, tmp_path: Path
) -> None:
    parent = tracked_study.parent
    assert {"trials.csv", "study.json", "config.yaml", "overrides.yaml", "requirements.txt", "plots"} <= (
        tracked_study.artifacts(parent)
    )
    pictures = {"plots/history.png", "plots/intermediate_values.png", "plots/study.html"}
    assert pictures <= tracked_study.artifacts(parent, "plots")
    path = tracked_study.done.client.download_artifacts(parent.info.run_id, "trials.csv", str(tmp_path))
    with Path(path).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row, run in zip(rows, tracked_study.children, strict=True):
        assert row["runs"] == run.data.tags["nnlab.run"]
        assert row["duplicate_of"] == ""


def test_a_childs_params_are_a_runs_and_its_widths_can_be_compared(tracked_study: Tracked) -> None:
    for run, trial in zip(tracked_study.children, tracked_study.study.trials, strict=True):
        hidden = trial.user_attrs["asked"]["values"]["model.hidden"]
        params = run.data.params
        assert params["model.hidden"] == str(hidden)
        assert params["model.depth"] == str(len(hidden)) == str(trial.params["model.depth"])
        assert [params.get(f"model.width.{place}") for place in range(3)] == [
            str(width) for width in [*hidden, None, None, None][:3] if width
        ] + [None] * (3 - len(hidden))
        assert float(params["optimizer.lr"]) == trial.params["optimizer.lr"]
        assert params["trainer.batch_size"] == "32"
        assert int(params["seed"]) == trial.user_attrs["asked"]["seeds"][0]
        assert not [key for key in params if key.startswith("sweep")]


@pytest.mark.parametrize(("status", "in_mlflow"), [("finished", "FINISHED"), ("pruned", "FINISHED")])
def test_a_child_that_was_judged_has_its_metrics_by_epoch(status: str, in_mlflow: str, tracked_study: Tracked) -> None:
    for run in tracked_study.children_of(status):
        trial = tracked_study.study.trials[int(run.data.tags["nnlab.trial"])]
        assert run.info.status == in_mlflow
        assert run.data.metrics.keys() - TEST - {"objective"} == BY_EPOCH | BEST
        best = min(trial.intermediate_values.items(), key=lambda item: (item[1], item[0]))
        assert tracked_study.history(run, "best/val/loss") == [best]
        assert tracked_study.history(run, "best/epoch") == [(best[0], best[0])]
        if status == "finished":
            assert tracked_study.history(run, "objective") == [(best[0], trial.value)]
        steps = [step for step, _ in tracked_study.history(run, "val/accuracy")]
        assert steps == list(range(1, outcome(trial)["epochs"] + 1))
        reported = [(step, value) for step, value in trial.intermediate_values.items()]
        assert tracked_study.history(run, "val/loss") == reported


def test_sorted_by_the_objective_the_children_stand_as_in_the_leaderboard(tracked_study: Tracked) -> None:
    board = re.findall(r"^ +\d+ +(\d+) ", tracked_study.done.process.stdout.partition("\nrank")[2], re.MULTILINE)
    by_objective = ["metrics.objective ASC", "attributes.start_time ASC"]
    children = f"tags.`mlflow.parentRunId` = '{tracked_study.parent.info.run_id}'"
    experiment = tracked_study.parent.info.experiment_id
    found = tracked_study.done.client.search_runs([experiment], children, order_by=by_objective)
    ranked = [run.data.tags["nnlab.trial"] for run in found]
    assert ranked[: len(board)] == board
    rest = [run for run in found if "objective" not in run.data.metrics]
    assert {run.data.tags["nnlab.status"] for run in rest} == {"pruned", "diverged"}
    assert found[-len(rest) :] == rest


def test_the_name_of_a_child_says_what_it_is(tracked_study: Tracked) -> None:
    for run in tracked_study.children:
        pruned = " (pruned)" if run.data.tags["nnlab.status"] == "pruned" else ""
        assert run.info.run_name == f"trial {run.data.tags['nnlab.trial']}{pruned}"


def test_a_child_that_was_pruned_says_so(tracked_study: Tracked) -> None:
    for run in tracked_study.children_of("pruned"):
        assert re.search(r"pruned after epoch \d: val/loss ", run.data.tags["mlflow.note.content"])
        assert "objective" not in run.data.metrics
        assert len(tracked_study.history(run, "val/loss")) < 3


def test_a_child_that_diverged_is_failed_with_its_reason(tracked_study: Tracked) -> None:
    for run in tracked_study.children_of("diverged"):
        assert run.info.status == "FAILED"
        assert "Training diverged in epoch 1" in run.data.tags["mlflow.note.content"]


def test_a_child_that_was_trained_has_the_tags_and_artifacts_of_a_run(tracked_study: Tracked) -> None:
    winner = tracked_study.parent.data.tags["nnlab.best_trial"]
    for run in tracked_study.children:
        tags = run.data.tags
        trial = tracked_study.study.trials[int(tags["nnlab.trial"])]
        assert [tags["nnlab.weights_sha256"]] == outcome(trial)["weights_sha256"]
        assert all(HEX.fullmatch(tags[f"nnlab.{name}_sha256"]) for name in ("weights", "data", "config"))
        assert {"model", "history.csv", "config.yaml", "overrides.yaml"} <= tracked_study.artifacts(run)
        assert ("plots" in tracked_study.artifacts(run)) == (tags["nnlab.trial"] == winner)
        (used,) = run.inputs.dataset_inputs  # type: ignore[union-attr]
        assert tags["nnlab.data_sha256"].startswith(used.dataset.digest)


@pytest.fixture
def repeated(tracked_study: Tracked, tmp_path: Path) -> Callable[[Run], Path]:
    """Does what a run's tag says, in a folder of its own; returns the run's directory."""

    def repeat(run: Run) -> Path:
        command = shlex.split(run.data.tags["nnlab.command"])
        assert command[:3] == ["python", "-m", "nnlab.run"]
        again = nnlab(*command[3:], "tracking.enabled=false", "tracking.plots=false", folder=tmp_path)
        assert again.returncode == 0, again.stderr
        (directory,) = run_directories(tmp_path / "runs")
        return directory

    return repeat


@pytest.mark.parametrize("which", ["the winner", "finished", "pruned"])
def test_the_stored_command_repeats_a_trial_alone_bit_for_bit(
    which: str, tracked_study: Tracked, repeated: Callable[[Run], Path]
) -> None:
    winner = tracked_study.parent.data.tags["nnlab.best_trial"]
    if which == "the winner":
        run = tracked_study.children[int(winner)]
    else:
        run = next(run for run in tracked_study.children_of(which) if run.data.tags["nnlab.trial"] != winner)
    directory = repeated(run)
    assert weights_sha256(directory) == run.data.tags["nnlab.weights_sha256"]
    events = [json.loads(line) for line in (directory / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    tests = [each["metrics"] for each in events if each["event"] == "test"]
    # The test split was seen by the winner alone, and so it is when the runs are repeated.
    assert tests == ([{name: run.data.metrics[name] for name in TEST}] if which == "the winner" else [])
