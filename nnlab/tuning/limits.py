"""What a trial may take of time and memory, enforced from outside: its process is killed, whatever it is doing.

What a trial has taken is stored with it now and then, and before it is killed: so retries and further sessions add to
it, and a session that is killed itself ends the trial no later than this one would have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from nnlab.data import open_shared
from nnlab.errors import UserError
from nnlab.execution.forecast import size_of
from nnlab.execution.processes import WorkerDiedError, WorkerProcesses
from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.search.settings import MEMORY_UNITS, SweepSettings
from nnlab.tuning.storage import answering
from nnlab.tuning.trial import Task
from nnlab.tuning.trials import TAKEN, Outcome, Taken, is_over_limit
from nnlab.wording import bytes_in_words, number_of

NOTES = 20
"""How often what a trial has taken is stored on the way to its limit of time."""


class Limits:
    """The limits of a study's trials, and what each trial of this session has taken.

    Args:
        settings: of the sweep.
        storage: of the study.
        executor: runs the trials.
        task_of: makes a trial's task.
    """

    def __init__(
        self,
        settings: SweepSettings,
        storage: BaseStorage,
        executor: Executor,
        task_of: Callable[[FrozenTrial], Task],
    ) -> None:
        self._seconds = settings.trial_seconds
        self._memory = None if settings.trial_memory is None else bytes_of(settings.trial_memory)
        self._words = {"seconds": settings.trial_seconds, "memory": settings.trial_memory}
        self._storage = storage
        self._workers = executor if isinstance(executor, WorkerProcesses) else None
        self._task_of = task_of
        self._before: dict[int, Taken] = {}
        self._now: dict[int, Taken] = {}
        self._noted: dict[int, Taken] = {}

    @property
    def are_set(self) -> bool:
        """Whether there are any."""
        return self._seconds is not None or self._memory is not None

    def passed_before(self, trial: FrozenTrial) -> Outcome | None:
        """The outcome of a trial that is to be started and took too much in sessions before; None of any other.

        Raises:
            MachineError: if the storage does not answer.
        """
        return self._outcome(trial) if self.are_set and self._passed(self._taken(trial)) else None

    def look(self, doing: Mapping[Future[Outcome], FrozenTrial]) -> None:
        """Look at the trials that are running, and kill what is over its limit.

        Raises:
            MachineError: if the storage does not answer.
        """
        if self._workers is None or not self.are_set:
            return
        for call, trial in doing.items():
            seconds, memory = self._workers.taken(call)
            if not seconds:
                continue
            before = self._before.setdefault(trial._trial_id, self._taken(trial))
            taken = Taken(before.seconds + seconds, max(before.memory, memory))
            self._now[trial._trial_id] = taken
            noted = self._noted.get(trial._trial_id, before)
            is_over = bool(self._passed(taken))
            if is_over or (self._seconds and taken.seconds - noted.seconds >= max(1.0, self._seconds / NOTES)):
                self._note(trial, taken)
            if is_over:
                self._workers.kill(call)

    def lost(self, trial: FrozenTrial, error: BaseException) -> Outcome | None:
        """The outcome of a trial whose call has ended in an error, if it was over its limit, or had come to its end a
        moment before. Of any other None, and what it took is added to what it will take.

        Raises:
            MachineError: if the storage does not answer.
        """
        if not self.are_set:
            return None
        taken = self._taken(trial)
        if isinstance(error, WorkerDiedError):  # the system may have been faster
            taken = Taken(taken.seconds, max(taken.memory, error.memory))
        self._before[trial._trial_id] = self._now[trial._trial_id] = taken
        if self._noted.get(trial._trial_id, Taken.of(trial)) != taken:
            self._note(trial, taken)
        return self._outcome(trial) if self._passed(taken) else None

    def _outcome(self, trial: FrozenTrial) -> Outcome:
        with answering():
            known = Outcome.of(self._storage.get_trial(trial._trial_id))
        if known is not None:
            return known
        task = self._task_of(trial)
        runs = [run for path in task.paths if (run := _run_at(path)) is not None]
        epochs = [metrics for run in runs for metrics in run.epochs.values()]
        return Outcome(
            "over_limit",
            self._reason(self._taken(trial), len(epochs)),
            epochs=len(epochs),
            seconds=sum(metrics.get("time/epoch_seconds", 0.0) for metrics in epochs),
            parameters=_parameters(task),
            runs=[run.path.name for run in runs],
            code=list(dict.fromkeys(code for run in runs if (code := _code_of(run)))),
        )

    def _taken(self, trial: FrozenTrial) -> Taken:
        known = self._now.get(trial._trial_id)
        return Taken.of(trial) if known is None else known

    def _passed(self, taken: Taken) -> str:
        """The limit that was passed, as it is typed; empty if none was."""
        if self._memory is not None and taken.memory > self._memory:
            return f"sweep.trial_memory={self._words['memory']}"
        if self._seconds is not None and taken.seconds > self._seconds:
            return f"sweep.trial_seconds={self._words['seconds']:g}"
        return ""

    def _reason(self, taken: Taken, epochs: int) -> str:
        used = f" and {bytes_in_words(taken.memory)}" if taken.memory else ""
        effort = f"{taken.seconds:.1f} s{used} for {number_of(epochs, 'epoch')}"
        return f"It took {effort}, over {self._passed(taken)}."

    def _note(self, trial: FrozenTrial, taken: Taken) -> None:
        with answering():
            self._storage.set_trial_user_attr(trial._trial_id, TAKEN, asdict(taken))
        self._noted[trial._trial_id] = taken


def bytes_of(text: str) -> int:
    """The bytes of an amount of memory as it is typed: `500MB`, `1.5GB`, `2GiB`."""
    number, unit = re.fullmatch(r"([\d.]+) ?([A-Za-z]+)", text).groups()  # type: ignore[union-attr]  # a rule says so
    return int(float(number) * MEMORY_UNITS[unit.lower()])


def check_executor(settings: SweepSettings, executor: Executor | None) -> None:
    """Refuse limits that nobody would enforce.

    Raises:
        UserError: if there are limits, and the trials run on an executor of the user's.
    """
    limited = [name for name in ("trial_seconds", "trial_memory") if getattr(settings, name) is not None]
    if executor is not None and limited:
        given = ", ".join(f"sweep.{name}={_typed(getattr(settings, name))}" for name in limited)
        off = " ".join(f"sweep.{name}=null" for name in limited)
        raise UserError(
            f"A trial that is over its limit is ended by killing its process, which only processes that the sweep "
            f"itself starts allow, but its trials run on an executor that was given ({type(executor).__name__}), with "
            f"{given}. Give {off}, or run the sweep without an executor."
        )


def _typed(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def why_limits_left_none(trials: Sequence[FrozenTrial]) -> str:
    """Why a study whose trials were over their limit has no winner, and what to do; empty if none was."""
    over = sum(map(is_over_limit, trials))
    if not over:
        return ""
    return (
        f"no trial is complete, and {over} of {number_of(len(trials), 'trial')} were over their limit: start another "
        "study with a larger limit, fewer trainer.epochs or smaller networks"
    )


def _parameters(task: Task) -> int:
    """Of the network of a trial; 0 of a trial without runs."""
    sizes = (size_of(config, open_shared(folder)) for config, folder in zip(task.configs, task.data, strict=True))
    return next((size.parameters for size in sizes), 0)


def _run_at(path: Path) -> StoredRun | None:
    with suppress(UserError, OSError):  # damaged
        return StoredRun.at(path)
    return None


def _code_of(run: StoredRun) -> str:
    with suppress(UserError):
        return str((run.provenance.get("code") or {}).get("sha256", ""))
    return ""
