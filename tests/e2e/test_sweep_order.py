"""Sorted in MLflow the children of a study stand as in the leaderboard, whatever was pruned, and whoever worked."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from commands import Done
from studies import Study, outcome, study_in, sweep

pytestmark = pytest.mark.slow

TRIALS = 30
COMMON = [
    *("data=digits", "trainer.epochs=5", "trainer.batch_size=32", "tracking.plots=false", f"sweep.trials={TRIALS}"),
    *("optimizer.lr=tag(log, interval(0.003, 0.8))", "model.depth=range(1, 3)", "model.width=choice(8, 16)"),
    *("sweep.sampler=random", "sweep.pruner_options.startup_trials=3"),
]
# How good a trial is, in MLflow's words, and Optuna's sense.
LOSS = (["metrics.objective ASC"], lambda trial: trial.value)
ACCURACY = (["metrics.objective DESC"], lambda trial: -trial.value)
STUDIES = {
    "one worker": (["sweep.workers=1"], *LOSS),
    "two workers": (["sweep.workers=2"], *LOSS),
    "the last epoch": (["sweep.workers=2", "sweep.at=last"], *LOSS),
    "accuracy": (["sweep.workers=2", "sweep.objective=val/accuracy"], *ACCURACY),
    "seeds": (["sweep.workers=2", "sweep.seeds=2"], *LOSS),
    "two objectives": (
        ["sweep.workers=2", "sweep.objective=[val/accuracy,parameters]", "sweep.pruner=none"],
        ["metrics.objective DESC", "metrics.objective_2 ASC"],
        lambda trial: (-trial.values[0], trial.values[1]),
    ),
}


@pytest.mark.parametrize("kind", STUDIES)
def test_mlflows_order_is_the_leaderboards(kind: str, tmp_path: Path, template_store: Path) -> None:
    special, in_mlflow, cost = STUDIES[kind]
    overrides = [each for each in COMMON if kind != "two objectives" or "pruner_options" not in each]
    (tmp_path / "runs").mkdir()
    store = tmp_path / "runs" / "mlflow.db"
    shutil.copy(template_store, store)
    process: subprocess.CompletedProcess[str] = sweep(*overrides, *special, folder=tmp_path)
    assert process.returncode == 0, process.stderr
    done, study = Done(process, tmp_path, tmp_path / "runs", store), study_in(tmp_path)
    complete = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    expected = [str(trial.number) for trial in sorted(complete, key=lambda trial: (cost(trial), trial.number))]  # type: ignore[no-untyped-call]
    (parent,) = [run for run in done.runs if "mlflow.parentRunId" not in run.data.tags]
    children = f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    # Where two trials are equal, the leaderboard has the one that began first.
    found = done.client.search_runs(
        [parent.info.experiment_id], children, order_by=[*in_mlflow, "attributes.start_time ASC"], max_results=1000
    )
    ranked = list(dict.fromkeys(run.data.tags["nnlab.trial"] for run in found))
    if kind in ("accuracy", "two objectives"):  # with two workers start times do not follow the numbers
        assert same_but_for_ties(ranked[: len(expected)], expected, study, cost)
    else:
        assert ranked[: len(expected)] == expected
    assert ranked[0] in expected
    if kind != "two objectives":
        assert 0 < len(expected) < TRIALS, "some must have been pruned, or this shows little"
        board = re.findall(r"^ +\d+ +(\d+) ", process.stdout.partition("\nrank")[2], re.MULTILINE)
        assert len(board) == min(10, len(expected))
        assert board == expected[: len(board)]
    for run in found:
        is_complete = run.data.tags["nnlab.trial"] in expected
        assert ("objective" in run.data.metrics) == is_complete
        assert run.info.run_name.endswith("(pruned)") == (not is_complete)
        assert {"best/epoch", "best/val/loss", "best/val/accuracy"} <= run.data.metrics.keys()
    if kind in ("one worker", "two workers", "the last epoch"):
        by_loss = done.client.search_runs(
            [parent.info.experiment_id],
            f"{children} AND tags.`nnlab.status` = 'finished'",
            order_by=["metrics.`best/val/loss` ASC"],
        )
        assert [run.data.tags["nnlab.trial"] for run in by_loss] == expected
        own = {run.data.tags["nnlab.trial"]: run.data.metrics["best/epoch"] for run in by_loss}
        assert own == {str(trial.number): outcome(trial)["epoch"] for trial in complete}


def same_but_for_ties(ranked: list[str], expected: list[str], study: Study, cost: object) -> bool:
    assert callable(cost)
    costs = {str(trial.number): cost(trial) for trial in study.trials if trial.state.name == "COMPLETE"}
    return sorted(ranked) == sorted(expected) and [costs[each] for each in ranked] == [costs[each] for each in expected]
