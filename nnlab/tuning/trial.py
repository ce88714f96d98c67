"""One trial, in a worker process: a run for each seed, watched by the study's pruner."""

from __future__ import annotations

import functools
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage

from nnlab.config.job import Job
from nnlab.config.schema import Config
from nnlab.data import Dataset, open_shared
from nnlab.errors import UserError
from nnlab.execution.recorded import recorded_result
from nnlab.execution.result import Membership, RunResult
from nnlab.execution.run import run
from nnlab.execution.worker import begin
from nnlab.machine import machine_error, machine_errors
from nnlab.mlflow_sync.state import note_destination
from nnlab.redaction import redacted
from nnlab.runs.directory import JOURNAL, RunDirectory
from nnlab.runs.files import write_atomically
from nnlab.runs.journal import has_started
from nnlab.tuning.outcome import objective_metrics, outcome_of, record_of_all
from nnlab.tuning.storage import answering, failed_storage, open_storage
from nnlab.tuning.trials import OUTCOME, Outcome
from nnlab.tuning.watch import Pruning, Watch


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
        names: of the runs in MLflow.
        tags: for MLflow.
        data: for each run, the folder of the shared dataset.
        pruning: None where nothing is pruned.
        objectives: by which MLflow orders the runs, one or two; none for runs that are no trial.
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
    names: Sequence[str]
    tags: Mapping[str, str]
    data: Sequence[Path]
    pruning: Pruning | None
    objectives: Sequence[str]


def run_trial(task: Task, attempt: int = 0) -> Outcome:
    """Run a trial. Its outcome is in the storage before this returns; the coordinator ends the trial itself.

    Whatever else a run raises becomes an outcome, with the traceback in `error.txt` of the run's directory. A trial
    that another process has run or is still running, because a cluster lost track of it, is not run again.

    Args:
        task: what to do.
        attempt: how many calls before this one were lost.

    Raises:
        MachineError: if the machine or the storage fails, which is not the trial's outcome.
        KeyboardInterrupt: if the process is terminated.
    """
    with _one_at_a_time, machine_errors(), answering():
        storage = _storage(task.storage, task.journal)
        begin()
        return _done_elsewhere(task, storage) or _do(task, storage)


def _done_elsewhere(task: Task, storage: BaseStorage) -> Outcome | None:
    """The outcome of the trial in another process, which is waited for; None if there is none."""
    while any(map(RunDirectory.is_alive, task.paths)):
        time.sleep(0.1)
    return Outcome.of(storage.get_trial(task.trial_id))


def _do(task: Task, storage: BaseStorage) -> Outcome:
    watch = watch_of(task, storage)
    results: list[RunResult] = []
    try:
        for place in range(len(task.configs)):
            results.append(_run(task, place, _dataset(task.data[place]), watch))
            if results[-1].status != "finished" or watch.prunes_after(results):
                break
        outcome = outcome_of(results, watch.reason)
        if len(task.configs) > 1:
            record_of_all(results, outcome, task.objectives)
    except StorageInternalError:
        raise
    except Exception as error:
        if machine_error(error) is not None:
            raise
        _keep_traceback(task.paths[min(len(results), len(task.paths) - 1)])
        started = [path.name for path in task.paths if has_started(path / JOURNAL)]
        outcome = Outcome("failed", redacted(f"{type(error).__name__}: {error}"), runs=started)
    storage.set_trial_user_attr(task.trial_id, OUTCOME, outcome.to_dict())
    return outcome


def watch_of(task: Task, storage: BaseStorage) -> Watch:
    """What watches the trial's runs."""
    last_epoch = task.configs[0].trainer.last_epoch
    return Watch(task.pruning, storage, task.study, task.trial_id, runs=len(task.configs), last_epoch=last_epoch)


def run_name(number: int, place: int, runs: int) -> str:
    """The name in MLflow of one of a trial's runs."""
    return f"trial {number}" if runs == 1 else f"trial {number}, seed {place + 1} of {runs}"


def _run(task: Task, place: int, dataset: Dataset, watch: Watch) -> RunResult:
    """One of the trial's runs. If a worker before this one was killed, a run that has ended is taken from its record,
    and one that was stopped goes on."""
    known = recorded_result(task.configs[place], dataset.sha256, task.paths[place])
    if known is not None:  # several runs are also closed as pruned after the last of them: that is judged again
        return (
            replace(known, status="finished", reason="")
            if len(task.configs) > 1 and known.status == "pruned"
            else known
        )

    def value(result: RunResult) -> Mapping[str, float]:
        return objective_metrics(outcome_of([result]), task.objectives) if len(task.configs) == 1 else {}

    member = Membership(task.directory, task.paths[place], task.names[place], task.tags, watch.saw_epoch, value)
    note = functools.partial(note_destination, task.configs[place].tracking.destination)
    return run(Job(task.configs[place], dataset, list(task.commands[place])), announce=note, member=member)


def _keep_traceback(path: Path) -> None:
    if path.is_dir():
        write_atomically(path / "error.txt", redacted(traceback.format_exc()))


# The threads of BLAS are set for a whole process: a worker of several threads does its trials one after the other.
_one_at_a_time = threading.Lock()


# A worker runs many trials; the files that they share stay open.
@functools.lru_cache(maxsize=1)
def _storage(url: str | None, journal: Path) -> BaseStorage:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return open_storage(url, journal)
    except UserError as error:  # the coordinator has opened it
        raise failed_storage(error) from error


@functools.lru_cache(maxsize=16)  # of mapped files, which take no memory by themselves
def _dataset(folder: Path) -> Dataset:
    return open_shared(folder)
