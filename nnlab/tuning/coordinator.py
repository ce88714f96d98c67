"""Keeps the workers busy until the study has its trials, and yields what happens as a stream of events.

It alone decides which trial runs next and how it ends. Trials are counted where they are created, so their total
is exact for any number of workers.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait

from optuna.trial import FrozenTrial

from nnlab.errors import MachineError, RunFailedError, UserError
from nnlab.execution.processes import is_lost
from nnlab.machine import machine_error, machine_errors
from nnlab.redaction import redacted
from nnlab.tuning.coordinator_events import Ended, Event, Halted, Lost, Started, Tick
from nnlab.tuning.giving_up import GivingUp
from nnlab.tuning.limits import Limits
from nnlab.tuning.losses import Losses, is_of_memory
from nnlab.tuning.search.settings import SweepSettings
from nnlab.tuning.study import Study
from nnlab.tuning.trial import Task, run_trial
from nnlab.tuning.trials import Asked, Outcome

SECONDS_BETWEEN_TICKS = 0.25


class Coordinator:
    """One session of a study, until its budget is used up, it is stopped, or it fails too often.

    Args:
        study: new or resumed; trials that it has started and not ended come first.
        settings: of the sweep.
        workers: how many trials run at a time.
        executor: runs them; it must take that many calls.
        task_of: makes a trial's task.
        is_over: whether another part of the budget than `sweep.trials` is used up: then nothing more is proposed, while
            what was proposed comes to its end. It is asked before each proposal, or each batch.
    """

    def __init__(
        self,
        study: Study,
        settings: SweepSettings,
        workers: int,
        executor: Executor,
        task_of: Callable[[FrozenTrial], Task],
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self._study = study
        self._settings = settings
        self._workers = workers
        self._executor = executor
        self._task_of = task_of
        self._is_over = is_over
        self._giving_up = GivingUp(study, settings)
        self._waiting = deque(study.unfinished())
        self._started_before = {trial._trial_id for trial in self._waiting}
        self._waiting.extend(study.complete_batch())
        self._doing: dict[Future[Outcome], FrozenTrial] = {}
        self._repeating: list[FrozenTrial] = []
        self._done: list[tuple[FrozenTrial, Outcome]] = []
        self._losses: dict[int, Losses] = {}
        self._limits = Limits(settings, study.storage, executor, task_of)
        self._calls: Counter[int] = Counter()
        self._faults: list[MachineError] = []
        self._is_stopping = False
        self._has_failed = False

    @property
    def running(self) -> int:
        """How many trials are running."""
        return len(self._doing)

    @property
    def reason_to_give_up(self) -> str:
        """Why the study gives up, in words; empty while it does not."""
        return self._giving_up.reason

    def stop(self) -> None:
        """Start no more trials; those that are running finish."""
        self._is_stopping = True

    def cancel(self) -> None:
        """Cancel what no worker has started: an executor of the user's would still run it, in vain."""
        for future in self._doing:
            future.cancel()

    def run(self) -> Iterator[Event]:
        """Run the trials; the work proceeds as the events are taken.

        An error of the machine is no trial's outcome: a trial that meets one waits as if it had not been started, and
        what could not be stored is stored later.

        Raises:
            RunFailedError: if a trial cannot be run, and the machine is not at fault.
        """
        while True:
            try:
                with machine_errors():
                    yield from self._round()
            except MachineError as error:
                self._has_failed = True
                self._faults.append(error)
            faults, self._faults = self._faults, []
            yield from map(Halted, faults)
            if not faults and not self._doing and (self._is_stopping or self._is_complete):
                return

    def _round(self) -> Iterator[Event]:
        """Start what can be started, wait a moment, and end what has ended."""
        if not self._settings.deterministic:
            yield from self._tell()  # what the storage did not take, before anything is proposed without it
        yield from self._start_trials()
        if self._doing:
            yield from self._wait()
        # A batch is reported as a whole, or its last trials would be judged by more trials than its first.
        if not self._settings.deterministic or not (self._doing or self._waiting):
            yield from self._tell()

    @property
    def _is_complete(self) -> bool:
        open_trials = len(self._waiting) + len(self._doing) + len(self._repeating) + len(self._done)
        has_all = self._room(0) == 0 or bool(self._study.nothing_left)
        is_over = (has_all and self._study.is_settled) or bool(self.reason_to_give_up)
        return open_trials == 0 and is_over

    def _room(self, under_way: int) -> int:
        """How many more trials may be proposed while so many are under way; where no number ends it, one per worker."""
        if self._is_over():
            return 0
        if self._settings.trials is None:
            return self._workers
        return max(0, self._settings.trials - self._study.finished - under_way)

    def _start_trials(self) -> Iterator[Event]:
        """Give every free worker a trial, as far as there are any left."""
        while len(self._doing) < self._workers and not self._is_stopping:
            if not self._waiting:
                self._waiting.extend(self._proposals())
            if not self._waiting or self._must_wait(self._waiting[0]):
                return
            trial = self._waiting.popleft()
            known = Outcome.of(trial) or self._limits.passed_before(trial)
            if known is not None:  # its worker was done, but the coordinator was killed
                self._done.append((trial, known))
            elif Asked.of(trial).duplicate_of is not None:
                self._repeating.append(trial)
            else:
                yield from self._submit(trial)
            if not self._settings.deterministic:
                yield from self._tell()

    def _must_wait(self, trial: FrozenTrial) -> bool:
        """Whether the trial, or one that is running, needs the machine to itself."""
        return any(self._is_alone(each) for each in self._doing.values()) or bool(self._doing and self._is_alone(trial))

    def _is_alone(self, trial: FrozenTrial) -> bool:
        return trial._trial_id in self._losses and self._losses[trial._trial_id].needs_room

    def _proposals(self) -> list[FrozenTrial]:
        """New trials: one, or a synchronous batch when nothing of the last one is left."""
        under_way = [*self._doing.values(), *self._repeating, *(trial for trial, _ in self._done)]
        if self._has_failed:
            strays = self._study.strays({trial._trial_id for trial in under_way})
            self._has_failed = False
            if strays:
                return strays
        if self.reason_to_give_up or (self._settings.deterministic and under_way):
            return []
        size = self._workers if self._settings.deterministic else 1
        return self._study.create_next(size, self._room, under_way)

    def _submit(self, trial: FrozenTrial) -> Iterator[Event]:
        try:
            task = self._task_of(trial)
            # Counted, since an executor may take two equal calls for one, as Dask's does, and give back the lost one.
            future = self._executor.submit(run_trial, task, self._calls[trial._trial_id])
        except Exception as error:
            if machine_error(error) is None and isinstance(error, UserError):
                # No corner of the space has shown it.
                self._done.append((trial, Outcome("failed", redacted(str(error)))))
                return
            self._waiting.appendleft(trial)
            raise
        self._calls[trial._trial_id] += 1
        self._doing[future] = trial
        again = trial._trial_id in self._started_before
        self._started_before.add(trial._trial_id)
        yield Started(trial, task, again)

    def _wait(self) -> Iterator[Event]:
        """Take what the workers have done."""
        self._limits.look(self._doing)
        done, _ = wait(self._doing, timeout=SECONDS_BETWEEN_TICKS, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=lambda future: self._doing[future]._trial_id):
            trial = self._doing.pop(future)
            error = future.exception()
            if error is None:
                self._done.append((trial, future.result()))
            elif isinstance(error, KeyboardInterrupt) or is_lost(error) or is_of_memory(error):
                yield from self._lose(trial, error)
            elif isinstance(error, MachineError):
                self._waiting.appendleft(trial)
                self._faults += [] if self._is_stopping else [error]
            else:  # of the executor: trials keep their own
                raise RunFailedError(
                    f"Trial {trial.number} could not be run ({type(error).__name__}: {redacted(str(error))}). "
                    "Nothing is lost; the study can be resumed once its storage and its workers answer."
                ) from error
        if not done:
            yield Tick()

    def _lose(self, trial: FrozenTrial, error: BaseException) -> Iterator[Event]:
        over = self._limits.lost(trial, error)
        losses = self._losses.setdefault(trial._trial_id, Losses())
        losses.add(error, was_alone=self._workers == 1 or self._is_alone(trial))
        if over is None and losses.count <= self._settings.retries and not losses.is_too_large:
            self._waiting.appendleft(trial)
            yield Lost(trial, losses.count, losses.latest)
        else:
            self._done.append((trial, over or losses.outcome))

    def _tell(self) -> Iterator[Event]:
        """End the trials that have results, in the order of their creation, and then those that repeat them."""
        self._done.sort(key=lambda done: done[0]._trial_id)
        while self._done:
            ended = self._study.tell(*self._done[0])
            del self._done[0]  # only now: the storage may not have answered
            yield from self._ended(ended)
        trials = self._study.trials if self._repeating else []
        for trial in list(self._repeating):
            original = trials[Asked.of(trial).duplicate_of or 0]
            if original.state.is_finished():
                ended = self._study.end_duplicate(trial, original)
                self._repeating.remove(trial)
                yield from self._ended(ended)

    def _ended(self, trial: FrozenTrial) -> Iterator[Event]:
        self._giving_up.ended(trial)
        yield Ended(trial)
