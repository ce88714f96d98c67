"""Twenty SIGKILLs of workers and coordinators at random moments: in the end the study is as if nothing had been."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from commands import Done
from going import Going, going, workers
from studies import Study, outcome, sweep

pytestmark = pytest.mark.slow

if not sys.platform.startswith("linux"):
    pytest.skip("looks at processes through /proc", allow_module_level=True)

KILLS = 20
OVERRIDES = [
    "data=mnist_5k",
    "trainer.epochs=40",
    "trainer.batch_size=32",
    "optimizer.lr=tag(log, interval(0.003, 0.3))",
    "model.depth=range(1, 3)",
    "model.width=choice(128, 256)",
    "sweep.trials=16",
    "sweep.workers=1",
    "sweep.sampler_options.startup_trials=4",
    "sweep.pruner_options={startup_trials: 3, warmup_epochs: 5}",
    "sweep.retries=100",
    "sweep.name=study",
    "tracking.plots=false",
]


class Killer:
    """Kills now a worker and now the coordinator, and counts."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.kills: Counter[str] = Counter()

    @property
    def is_done(self) -> bool:
        return self.kills.total() >= KILLS

    def visit(self, study: Going) -> None:
        """Until the study ends, the coordinator is killed, or there were kills enough."""
        while not self.is_done:
            is_coordinators_turn = self._random.random() < 0.4
            time.sleep(self._random.uniform(0.1, 1.5))
            # A worker is waited for: a machine that starts slowly and trains fast would have none to kill.
            while not is_coordinators_turn and not workers(study.process.pid) and study.process.poll() is None:
                time.sleep(0.01)
            if study.process.poll() is not None:
                return
            if is_coordinators_turn:
                study.process.send_signal(signal.SIGKILL)
                self.kills["coordinator"] += 1
                return
            with contextlib.suppress(ProcessLookupError):
                for pid in workers(study.process.pid):
                    os.kill(pid, signal.SIGKILL)
                    self.kills["worker"] += 1


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The study as it is if nobody disturbs it."""
    folder = tmp_path_factory.mktemp("calm")
    done = sweep(*OVERRIDES, "tracking.enabled=false", folder=folder)
    assert done.returncode == 0, done.stderr
    return Study(folder / "runs" / "study")


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory, template_store: Path) -> Done:
    """The same, with kills; a study that is complete before the last of them is killed as it is taken up again."""
    folder = tmp_path_factory.mktemp("wild")
    runs = folder / "runs"
    runs.mkdir()
    shutil.copy(template_store, runs / "mlflow.db")
    killer = Killer(seed=20)
    while not killer.is_done:
        started = (runs / "study" / "study.json").exists()
        with going(*(["sweep.resume=study"] if started else OVERRIDES), folder=folder) as study:
            killer.visit(study)
            if killer.is_done:
                break  # type: ignore[unreachable]
            study.end()
            assert study.process.returncode in (0, -signal.SIGKILL)
            assert study.processes_left() == []
    assert min(killer.kills.values()) >= 3, killer.kills
    return Done(sweep("sweep.resume=study", folder=folder), folder, runs, runs / "mlflow.db")


def test_it_ends_well(wild: Done) -> None:
    assert wild.process.returncode == 0, wild.process.stderr
    assert "winner " in wild.process.stdout


def test_every_trial_is_what_it_would_have_been(calm: Study, wild: Done) -> None:
    killed = Study(wild.runs_dir / "study")
    assert killed.finished == 16
    assert "PRUNED" in killed.states
    assert killed.facts == calm.facts


def test_mlflow_has_every_trial_once_as_it_ended(wild: Done) -> None:
    trials = Study(wild.runs_dir / "study").trials
    runs = wild.runs
    children = [run for run in runs if "nnlab.trial" in run.data.tags]
    assert sorted(int(run.data.tags["nnlab.trial"]) for run in children) == list(range(len(trials)))
    for run in children:
        trial = trials[int(run.data.tags["nnlab.trial"])]
        assert run.info.status == "FINISHED"
        assert run.data.tags["nnlab.status"] == outcome(trial)["status"]
        assert [run.data.tags["nnlab.weights_sha256"]] == outcome(trial)["weights_sha256"]
    (parent,) = [run for run in runs if run not in children]
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["nnlab.selected_from"] == "16"


def test_mlflow_has_every_metric_once(wild: Done) -> None:
    for run in wild.runs:
        if "nnlab.trial" not in run.data.tags:
            continue
        trial = Study(wild.runs_dir / "study").trials[int(run.data.tags["nnlab.trial"])]
        epochs = list(range(1, outcome(trial)["epochs"] + 1))
        for name in ("train/loss", "val/loss", "lr"):
            history = wild.client.get_metric_history(run.info.run_id, name)
            assert [metric.step for metric in history] == epochs
        history = wild.client.get_metric_history(run.info.run_id, "val/loss")
        assert {metric.step: metric.value for metric in history} == trial.intermediate_values


def test_mlflow_has_the_best_value_after_each_trial_once(wild: Done) -> None:
    (parent,) = [run for run in wild.runs if "nnlab.trial" not in run.data.tags]
    counts = wild.client.get_metric_history(parent.info.run_id, "trials/finished")
    assert [metric.step for metric in counts] == [metric.value for metric in counts] == list(range(1, 17))
    best = [metric.value for metric in wild.client.get_metric_history(parent.info.run_id, "best/val/loss")]
    assert best == sorted(best, reverse=True)
    for name in ("test/loss", "test/accuracy"):
        assert len(wild.client.get_metric_history(parent.info.run_id, name)) == 1
