"""One trial, in a worker process: a run for each seed, watched by the study's pruner."""

from __future__ import annotations

import functools
import statistics
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.exceptions import StorageInternalError
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage

from nnlab.config.job import Job
from nnlab.config.schema import Config
from nnlab.data import Dataset, open_shared
from nnlab.execution.result import Membership, RunResult
from nnlab.execution.run import run
from nnlab.mlflow_sync.state import note_destination
from nnlab.redaction import redacted
from nnlab.runs.directory import JOURNAL, RunDirectory
from nnlab.runs.files import write_atomically
from nnlab.runs.journal import has_started
from nnlab.tuning.outcome import objective_metrics, outcome_of, record_of_all
from nnlab.tuning.storage import open_storage
from nnlab.tuning.trials import OUTCOME, Outcome

RUNG = "completed_rung_"
"""The prefix of the notes that Optuna's successive halving leaves in a trial."""


@dataclass(frozen=True)
class Pruning:
    """How a trial is judged as it runs.

    Args:
        metric: of an epoch, the objective.
        pruner: Optuna's.
        by_seed: report each run's final score, the step being its place among the seeds; else each epoch's score.
        as_mean: with `by_seed`, report the mean over the runs so far instead of the run's own score.
    """

    metric: str
    pruner: BasePruner
    by_seed: bool
    as_mean: bool


@dataclass(frozen=True)
class Task:
    """All that a worker needs to run a trial.

    Args:
        study: its name in the storage.
        storage: Optuna's URL; None is the journal.
        journal: of the default storage.
        trial_id: in the storage.
        number: of the trial.
        configs: a run for each, alike but for the seed.
        commands: for each run, its overrides: they repeat it alone.
        directory: of the study.
        paths: of the run directories.
        tags: for MLflow.
        data: the shared dataset.
        pruning: None where nothing is pruned.
        objectives: their names, one or two.
    """

    study: str
    storage: str | None
    journal: Path
    trial_id: int
    number: int
    configs: Sequence[Config]
    commands: Sequence[Sequence[str]]
    directory: Path
    paths: Sequence[Path]
    tags: Mapping[str, str]
    data: Path
    pruning: Pruning | None
    objectives: Sequence[str]


def run_trial(task: Task, attempt: int = 0) -> Outcome:
    """Run a trial. Its outcome is in the storage before this returns; the coordinator ends the trial itself.

    Whatever a run raises becomes an outcome, with the traceback in `error.txt` of the run's directory. A trial that
    another process has run or is still running, because a cluster lost track of it, is not run again.

    Args:
        task: what to do.
        attempt: how many calls before this one were lost.

    Raises:
        Exception: whatever the storage raises.
        KeyboardInterrupt: if the process is terminated.
    """
    with _one_at_a_time:
        storage = _storage(task.storage, task.journal)
        return _done_elsewhere(task, storage) or _do(task, storage)


def _done_elsewhere(task: Task, storage: BaseStorage) -> Outcome | None:
    """The outcome of the trial in another process, which is waited for; None if there is none."""
    while any(map(RunDirectory.is_alive, task.paths)):
        time.sleep(0.1)
    return Outcome.of(storage.get_trial(task.trial_id))


def _do(task: Task, storage: BaseStorage) -> Outcome:
    watch = _Watch(task, storage)
    results: list[RunResult] = []
    try:
        dataset = _dataset(task.data)
        for place in range(len(task.configs)):
            results.append(_run(task, place, dataset, watch))
            if results[-1].status != "finished" or watch.prunes_after(results):
                break
        outcome = outcome_of(results, watch.reason)
        if len(task.configs) > 1:
            record_of_all(results, outcome, task.objectives)
    except StorageInternalError:
        raise
    except Exception as error:
        _keep_traceback(task.paths[min(len(results), len(task.paths) - 1)])
        started = [path.name for path in task.paths if has_started(path / JOURNAL)]
        outcome = Outcome("failed", redacted(f"{type(error).__name__}: {error}"), runs=started)
    storage.set_trial_user_attr(task.trial_id, OUTCOME, outcome.to_dict())
    return outcome


def run_name(number: int, place: int, runs: int) -> str:
    """The name in MLflow of one of a trial's runs."""
    return f"trial {number}" if runs == 1 else f"trial {number}, seed {place + 1} of {runs}"


def _run(task: Task, place: int, dataset: Dataset, watch: _Watch) -> RunResult:
    name = run_name(task.number, place, len(task.configs))

    def value(result: RunResult) -> Mapping[str, float]:
        return objective_metrics(outcome_of([result]), task.objectives) if len(task.configs) == 1 else {}

    member = Membership(task.directory, task.paths[place], name, task.tags, watch.saw_epoch, value)
    note = functools.partial(note_destination, task.configs[place].tracking.destination)
    return run(Job(task.configs[place], dataset, list(task.commands[place])), announce=note, member=member)


class _Watch:
    """Reports a trial's scores to the storage, and asks the pruner.

    A trial that is retried (its worker was killed) repeats what it reported. The pruner let it pass then, except for
    the last step, where the kill may have come first. So it is asked again from there on: as if nothing had happened.
    """

    def __init__(self, task: Task, storage: BaseStorage) -> None:
        self.reason = ""
        self._task = task
        self._storage = storage
        self._known = storage.get_trial(task.trial_id).intermediate_values if task.pruning else {}

    def saw_epoch(self, epoch: int, metrics: Mapping[str, float]) -> str | None:
        pruning = self._task.pruning
        if pruning is None or pruning.by_seed:
            return None
        is_last = epoch == self._task.configs[0].trainer.last_epoch
        if self._prunes(epoch, metrics[pruning.metric]) and not is_last:
            self.reason = f"pruned after epoch {epoch}: {pruning.metric} {metrics[pruning.metric]:.4g}"
        return self.reason or None

    def prunes_after(self, results: Sequence[RunResult]) -> bool:
        pruning = self._task.pruning
        if pruning is None or not pruning.by_seed or len(results) == len(self._task.configs):
            return False
        scores = [result.scores[pruning.metric] for result in results]
        score = statistics.fmean(scores) if pruning.as_mean else scores[-1]
        if self._prunes(len(results), score):
            self.reason = f"pruned after seed {len(results)} of {len(self._task.configs)}: {pruning.metric} {score:.4g}"
        return bool(self.reason)

    def _prunes(self, step: int, score: float) -> bool:
        assert self._task.pruning is not None
        if self._known and step < max(self._known):
            return False
        pruner, trial_id = self._task.pruning.pruner, self._task.trial_id
        self._storage.set_trial_intermediate_value(trial_id, step, score)
        study = _study(self._task.study, self._storage)
        if step in self._known:
            return self._prunes_again(study, pruner)
        return pruner.prune(study, self._storage.get_trial(trial_id))

    def _prunes_again(self, study: optuna.Study, pruner: BasePruner) -> bool:
        """What the pruner said, or would have said, at the last step before the kill.

        Successive halving notes in the trial which rungs it has judged, and judges none again. So it is asked from
        the first step on, on a copy of the study in memory whose trial has no such note.
        """
        trials = study.get_trials()
        trial = trials[self._task.number]
        notes = {key: value for key, value in trial.system_attrs.items() if not key.startswith(RUNG)}
        trials[trial.number] = replaced = copy(trial)
        replaced.intermediate_values, replaced.system_attrs = {}, notes
        again = optuna.create_study(study_name=study.study_name, directions=study.directions)
        again.add_trials(trials)
        memory, twin_id = again._storage, again.get_trials(deepcopy=False)[trial.number]._trial_id
        is_pruned = False
        for step, score in sorted(trial.intermediate_values.items()):
            memory.set_trial_intermediate_value(twin_id, step, score)
            is_pruned = pruner.prune(again, memory.get_trial(twin_id))
        for key, value in memory.get_trial(twin_id).system_attrs.items():
            if key not in trial.system_attrs:
                self._storage.set_trial_system_attr(trial._trial_id, key, value)
        return is_pruned


def _keep_traceback(path: Path) -> None:
    if path.is_dir():
        write_atomically(path / "error.txt", redacted(traceback.format_exc()))


# The threads of BLAS are set for a whole process: a worker of several threads does its trials one after the other.
_one_at_a_time = threading.Lock()


# A worker runs many trials; the files that they share stay open.
@functools.lru_cache(maxsize=1)
def _storage(url: str | None, journal: Path) -> BaseStorage:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return open_storage(url, journal)


@functools.lru_cache(maxsize=1)
def _study(name: str, storage: BaseStorage) -> optuna.Study:
    return optuna.load_study(study_name=name, storage=storage, sampler=optuna.samplers.RandomSampler())


@functools.lru_cache(maxsize=2)
def _dataset(folder: Path) -> Dataset:
    return open_shared(folder)
