"""Trials whose workers are killed."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from faults.child import Child
from faults.facts import check_same, facts_of
from faults.promise import BrokenPromiseError, Promise, Work
from nnlab.tuning.planning import make_plan
from nnlab.tuning.storage import JOURNAL_FILE, open_storage
from nnlab.tuning.study import Study
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trial import Task, run_trial
from nnlab.tuning.trials import Outcome

SEARCH = [
    *("data=mnist_5k", "data.limit=1000", "model.hidden=[16]", "model.dropout=0.2", "trainer.batch_size=4"),
    *("optimizer.lr=tag(log, interval(0.001, 1))", "sweep.sampler_options.startup_trials=2", "sweep.trials=1000"),
    *("tracking.enabled=false", "tracking.plots=false", "trainer.checkpoint_seconds=0.02"),
]
WAYS = {
    "median": ["trainer.epochs=6", "sweep.pruner=median", "sweep.pruner_options={startup_trials: 1}"],
    "successive halving": ["trainer.epochs=6", "sweep.pruner=asha", "sweep.pruner_options={reduction_factor: 2}"],
    "two seeds": ["trainer.epochs=3", "sweep.seeds=2", "sweep.pruner=median"],
    "splits of their own": ["trainer.epochs=3", "sweep.seeds=2", "sweep.pruner=median", "data.split.seed=null"],
}
TRIALS = 4
"""Of each study."""


class Searching:
    """A study whose trials are done one after the other, each in a process of its own."""

    def __init__(self, way: str, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        plan = make_plan([*SEARCH, *WAYS[way], f"runs_dir='{folder}'"])
        storage = open_storage(None, folder / JOURNAL_FILE)
        fixed = plan.fixed
        parts = ("a-study", storage, plan.settings, plan.space, fixed.seed, fixed.trainer.last_epoch)
        self._study = Study(*parts, shares_seeds=plan.has_a_split_per_seed)
        self._tasks = Tasks(plan, "a-study", folder, folder / JOURNAL_FILE)

    def next(self) -> Task:
        """The next trial's."""
        return self._tasks.task(self._study.propose())

    def start(self, task: Task) -> Child:
        """A worker that does it."""
        return Child(lambda pipe: run_trial(task), self._folder / "error.txt")

    def finish(self, child: Child, task: Task) -> dict[str, Any]:
        """Wait for the worker, end the trial, and return what has to be the same."""
        if status := child.end():
            log = self._folder / "error.txt"
            said = log.read_text(encoding="utf-8")[-1500:] if log.exists() else ""
            raise BrokenPromiseError(f"a worker ended with status {status}: {said}")
        outcome = Outcome.of(self._study.trials[task.number])
        if outcome is None:
            raise BrokenPromiseError(f"trial {task.number} has no outcome")
        trial = self._study.tell(self._study.trials[task.number], outcome)
        return {
            "parameters": trial.params,
            "state": trial.state.name,
            "value": trial.values,
            "intermediate values": trial.intermediate_values,
            "weights": outcome.weights_sha256,
            "outcome": (outcome.status, outcome.reason, outcome.scores, outcome.std, outcome.epoch, outcome.epochs),
            "runs": [facts_of(path) for path in task.paths if path.exists()],
        }


def kill_trials(work: Work) -> str:
    """SIGKILL workers at random moments of their trials."""
    kills = trials = pruned = 0
    number = 0
    while kills < work.rounds:
        for way in WAYS:
            number += 1
            calm, wild = (Searching(way, work.folder / f"{number}" / name) for name in ("calm", "wild"))
            for _ in range(TRIALS):
                task = calm.next()
                undisturbed = calm.finish(calm.start(task), task)
                task, killed = wild.next(), 0
                child = wild.start(task)
                while kills < work.rounds and work.random.random() < 0.75:
                    if not child.send(signal.SIGKILL, work.random.uniform(0.02, 0.5)):
                        break
                    child.end()
                    kills, killed = kills + 1, killed + 1
                    child = wild.start(task)
                check_same(wild.finish(child, task), undisturbed, f"{way}, trial {task.number}, killed {killed} times")
                trials, pruned = trials + 1, pruned + (undisturbed["state"] == "PRUNED")
            if kills >= work.rounds:
                break
    return f"{kills} kills in {trials} trials, {pruned} of them pruned: parameters, scores, pruning and weights equal"


PROMISES = (
    Promise(
        name="trial-killed",
        promise="A trial whose worker is killed goes on to the outcome, and the pruning, that it would have had.",
        fault="SIGKILL of workers at random moments; pruned studies, and trials of several seeds.",
        rounds=40,
        sample=4,
        do=kill_trials,
    ),
)
