"""`sweep.confirm=K` with real studies: the best trials again with fresh seeds, whatever happens in between."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shlex
import shutil
import signal
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from commands import Done, event, events, nnlab, weights_sha256
from going import going, workers
from studies import FEW, SMALL, Study, outcome, study_in, sweep

from nnlab.analysis.study_winner import winner_of
from nnlab.runs.stored_run import StoredRun

CONFIRM = ["sweep.confirm=2", "sweep.confirm_seeds=3"]
WHOLE = [*SMALL, *CONFIRM, "sweep.workers=2", "sweep.deterministic=true", "sweep.name=study"]

pytestmark = pytest.mark.slow


def confirming(study: Study) -> dict[str, Path]:
    return {path.name: path for path in study.runs if "-confirm-" in path.name}


def by_trial(study: Study) -> dict[int, list[StoredRun]]:
    found: dict[int, list[StoredRun]] = {}
    for path in confirming(study).values():
        run = StoredRun.open(path)
        found.setdefault(int(run.provenance["tags"]["nnlab.confirms"]), []).append(run)
    return found


def facts(study: Study) -> dict[str, tuple[Any, ...]]:
    """Of each confirming run all that does not depend on the clock."""
    return {
        name: (run.config["seed"], run.status, weights_sha256(path), run.kept, _without_times(run))
        for name, path in confirming(study).items()
        for run in [StoredRun.open(path)]
    }


def _without_times(run: StoredRun) -> list[dict[str, float]]:
    return [{name: value for name, value in each.items() if "time" not in name} for each in run.epochs.values()]


def own(study: Study) -> StoredRun:
    return StoredRun.open(study.directory)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("whole")
    done = sweep(*WHOLE, folder=folder)
    assert done.returncode == 0, done.stderr
    assert "fresh seeds" in done.stdout
    return study_in(folder)


def test_the_best_trials_are_run_with_the_same_fresh_seeds_and_ranked_by_them(whole: Study) -> None:
    complete = [trial for trial in whole.trials if trial.state.name == "COMPLETE"]
    best = sorted(complete, key=lambda trial: (trial.values[0], trial.number))[:2]
    runs = by_trial(whole)
    assert set(runs) == {trial.number for trial in best}
    seeds = [[run.config["seed"] for run in each] for each in runs.values()]
    assert seeds[0] == seeds[1]
    used = {seed for trial in whole.trials for seed in trial.user_attrs["asked"]["seeds"]}
    assert len(set(seeds[0]) - used) == 3
    means = {number: statistics.fmean(run.kept["best/val/loss"] for run in each) for number, each in runs.items()}
    winner = min(means, key=lambda number: (means[number], number))
    study = own(whole)
    assert study.tags["nnlab.best_trial"] == str(winner)
    assert study.tags["nnlab.winner_runs"].split() == [run.name for run in runs[winner]]
    assert study.kept["confirmed/val/loss"] == pytest.approx(means[winner], rel=1e-12)
    rows = {int(row["number"]): row for row in whole.table}
    assert {number: row["confirmed"] for number, row in rows.items() if row["confirmed"]} == {
        number: str(rank) for rank, number in enumerate(sorted(means, key=lambda n: (means[n], n)), 1)
    }
    for number, mean in means.items():
        assert float(rows[number]["confirmed val/loss"]) == pytest.approx(mean, rel=1e-12)


def test_the_winners_fresh_runs_alone_see_the_test_split_once_each(whole: Study) -> None:
    winner = own(whole).tags["nnlab.winner_runs"].split()
    tests = {path.name: sum(each["event"] == "test" for each in events(path)) for path in whole.runs}
    assert {name for name, count in tests.items() if count} == set(winner)
    assert set(tests.values()) == {0, 1}
    scores = [event(path, "test")["metrics"] for path in whole.runs if path.name in winner]
    for name, value in own(whole).test.items():
        assert value == pytest.approx(statistics.fmean(each[name] for each in scores), rel=1e-12)


def test_what_was_searched_is_what_it_is_without_a_confirmation(whole: Study) -> None:
    assert [len(trial.user_attrs["asked"]["seeds"]) for trial in whole.trials] == [1] * len(whole.trials)
    assert whole.finished == 6
    for run in (StoredRun.open(path) for path in confirming(whole).values()):
        assert run.provenance["tags"].keys() == {"nnlab.study", "nnlab.confirms"}
        assert "objective" not in run.kept


def test_in_a_comparison_the_study_stands_for_its_winners_fresh_runs(whole: Study) -> None:
    winner = winner_of(whole.directory)
    assert winner.runs == {run.name for run in by_trial(whole)[winner.number]}
    assert (str(winner.number), winner.is_confirmed) == (own(whole).tags["nnlab.best_trial"], True)


def test_a_confirming_run_can_be_repeated_alone_to_the_bit(whole: Study, tmp_path: Path) -> None:
    name, path = next(iter(confirming(whole).items()))
    command = (
        shlex.split(StoredRun.open(path).tags.get("nnlab.command") or "") or StoredRun.open(path).provenance["command"]
    )
    done = nnlab(*command[3:], folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (again,) = (tmp_path / "runs").glob("*/metrics.jsonl")
    assert weights_sha256(again.parent) == weights_sha256(path), name


def test_show_and_a_resume_say_the_same_and_change_nothing(whole: Study, tmp_path: Path) -> None:
    shutil.copytree(whole.directory.parents[1], tmp_path / "copy")
    study = study_in(tmp_path / "copy")
    before = facts(study), own(study).test
    shown = sweep("--show", "study", folder=tmp_path / "copy")
    again = sweep("sweep.resume=study", folder=tmp_path / "copy")
    assert (shown.returncode, again.returncode) == (0, 0)
    assert (facts(study), own(study).test) == before
    table = [line for line in shown.stdout.splitlines() if line.startswith(("   1", "   2", "winner", "shrinkage"))]
    assert len(table) == 4
    assert set(table) <= set(again.stdout.splitlines())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes through /proc")
def test_kills_of_workers_and_of_the_study_leave_no_trace(whole: Study, tmp_path: Path) -> None:
    """The kills begin with the confirmation, which is slowed down by nothing: so they come thick and fast."""
    chance = random.Random(5)
    seen = 0
    for _ in range(12):
        started = (tmp_path / "runs" / "study" / "study.json").exists()
        with going(*(["sweep.resume=study"] if started else [*WHOLE, "sweep.retries=100"]), folder=tmp_path) as study:
            while study.process.poll() is None:
                is_confirming = any((tmp_path / "runs").glob("study/trials/*-confirm-*"))
                seen += is_confirming
                time.sleep(0.02)
                if is_confirming and chance.random() < 0.3:
                    if chance.random() < 0.5:
                        study.process.send_signal(signal.SIGKILL)
                        break
                    for pid in workers(study.process.pid):
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
            study.end()
            if study.process.returncode == 0:
                break
    assert seen
    done = sweep("sweep.resume=study", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    study_then = study_in(tmp_path)
    assert facts(study_then) == facts(whole)
    assert own(study_then).test == own(whole).test
    assert own(study_then).tags["nnlab.best_trial"] == own(whole).tags["nnlab.best_trial"]
    looks = [sum(each["event"] == "test" for each in events(path)) for path in study_then.runs]
    assert sum(looks) == 3


def test_a_finished_study_can_be_confirmed_at_a_resume_and_goes_on_with_that_at_the_next(tmp_path: Path) -> None:
    plain = [override for override in WHOLE if override not in CONFIRM]
    assert sweep(*plain, folder=tmp_path).returncode == 0
    study = study_in(tmp_path)
    before = study.facts
    assert "nnlab.confirmed" not in own(study).tags
    done = sweep("sweep.resume=study", *CONFIRM, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert study.facts == before
    assert own(study).tags["nnlab.test_evaluations"] == "2"
    assert "2 winners of this study" in done.stdout
    assert len(confirming(study)) == 6
    shown, test = facts(study), own(study).test
    assert sweep("sweep.resume=study", folder=tmp_path).returncode == 0
    assert (facts(study), own(study).test) == (shown, test)
    more = sweep("sweep.resume=study", "sweep.confirm_seeds=4", folder=tmp_path)
    assert more.returncode == 0, more.stderr
    assert len(confirming(study)) == 8
    assert {name: each for name, each in facts(study).items() if name in shown} == shown
    without = sweep("sweep.resume=study", "sweep.confirm=null", folder=tmp_path)
    assert without.returncode == 0, without.stderr
    assert "fresh seeds" not in without.stdout.split("chosen on")[0]
    best = min((trial for trial in study.trials if trial.values), key=lambda trial: trial.values)
    assert own(study).tags["nnlab.winner_runs"].split() == outcome(best)["runs"]
    assert own(study).tags["nnlab.confirmed"] == "none"


def test_more_than_there_are_confirms_all_and_pruned_or_failed_ones_are_none(tmp_path: Path) -> None:
    overrides = [*FEW, "optimizer.lr=choice(0.03,0.1,1e30)", "sweep.repeat_duplicates=true", "sweep.workers=2"]
    done = sweep(*overrides, "sweep.confirm=6", "sweep.confirm_seeds=2", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    study = study_in(tmp_path)
    values = [trial.user_attrs["asked"]["values"] for trial in study.trials if trial.state.name == "COMPLETE"]
    different = {json.dumps(each, sort_keys=True) for each in values}
    assert len(different) < 6
    assert len(confirming(study)) == 2 * len(different)
    assert "sweep.confirm=6" in done.stdout


def test_in_mlflow_confirming_runs_are_children_apart_from_the_trials(tmp_path: Path, template_store: Path) -> None:
    (tmp_path / "runs").mkdir()
    shutil.copy(template_store, tmp_path / "runs" / "mlflow.db")
    overrides = [override for override in WHOLE if override != "tracking.enabled=false"]
    done = Done(sweep(*overrides, folder=tmp_path), tmp_path, tmp_path / "runs", tmp_path / "runs" / "mlflow.db")
    assert done.process.returncode == 0, done.process.stderr
    (parent,) = [run for run in done.runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in done.runs if "mlflow.parentRunId" in run.data.tags]
    confirming_runs = [run for run in children if "nnlab.confirms" in run.data.tags]
    assert len(confirming_runs) == 6
    assert len(children) == 12
    assert all("nnlab.trial" not in run.data.tags for run in confirming_runs)
    assert all("objective" not in run.data.metrics for run in confirming_runs)
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert parent.data.tags["nnlab.confirmed"] == "2 trials, 3 seeds each"
    study = own(study_in(tmp_path))
    assert parent.data.metrics["confirmed/val/loss"] == study.kept["confirmed/val/loss"]
    assert parent.data.metrics["test/accuracy"] == study.test["test/accuracy"]
    more = sweep("sweep.resume=study", "sweep.confirm_seeds=4", folder=tmp_path)
    assert more.returncode == 0, more.stderr
    (parent,) = [run for run in done.runs if "mlflow.parentRunId" not in run.data.tags]
    assert parent.data.metrics["test/accuracy"] == own(study_in(tmp_path)).test["test/accuracy"]
    assert parent.data.metrics["confirmed/val/loss"] == own(study_in(tmp_path)).kept["confirmed/val/loss"]
