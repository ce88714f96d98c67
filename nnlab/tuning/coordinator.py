"""Keeps the workers busy until the study has its trials, and yields what happens as a stream of events.

It alone decides which trial runs next and how it ends. Trials are counted where they are created, so their total
is exact for any number of workers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass

from optuna.trial import FrozenTrial, TrialState

from nnlab.errors import RunFailedError, TerminatedError, UserError
from nnlab.execution.processes import is_lost
from nnlab.redaction import redacted
from nnlab.tuning.search.settings import SweepSettings
from nnlab.tuning.study import Study
from nnlab.tuning.trial import Task, run_trial
from nnlab.tuning.trials import Asked, Outcome, is_failure

SECONDS_BETWEEN_TICKS = 0.25
FEWEST_FAILURES = 10
"""With fewer, no study gives up; a study of more trials gives up after as many failures as it is to have trials."""
REPETITIONS_IN_A_ROW = 100
"""Of trials that failed, before a study gives up whose sampler proposes nothing else."""


@dataclass(frozen=True)
class Started:
    """A worker has received a trial; `again` if it was started before."""

    trial: FrozenTrial
    task: Task
    again: bool


@dataclass(frozen=True)
class Ended:
    """A trial has ended, and is stored as it is here."""

    trial: FrozenTrial


@dataclass(frozen=True)
class Lost:
    """A trial's process was killed; the trial waits for its `attempt`-th retry."""

    trial: FrozenTrial
    attempt: int


@dataclass(frozen=True)
class Tick:
    """Nothing has happened for a moment."""


Event = Started | Ended | Lost | Tick


class Coordinator:
    """One session of a study, until the study has all its trials, is stopped, or fails too often.

    Attributes:
        failures: how many trials have failed in this session; one that repeats another is not counted again.

    Args:
        study: new or resumed; trials that it has started and not ended come first.
        settings: of the sweep.
        workers: how many trials run at a time.
        executor: runs them; it must take that many calls.
        task_of: makes a trial's task.
    """

    def __init__(
        self,
        study: Study,
        settings: SweepSettings,
        workers: int,
        executor: Executor,
        task_of: Callable[[FrozenTrial], Task],
    ) -> None:
        self._study = study
        self._settings = settings
        self._workers = workers
        self._executor = executor
        self._task_of = task_of
        self._waiting = deque(study.unfinished())
        self._started_before = {trial.number for trial in self._waiting}
        self._waiting.extend(study.complete_batch())
        self._doing: dict[Future[Outcome], FrozenTrial] = {}
        self._repeating: list[FrozenTrial] = []
        self._done: list[tuple[FrozenTrial, Outcome]] = []
        self._attempts: dict[int, int] = {}
        self._is_stopping = False
        self._repeated_failures = 0  # since any other trial ended
        self.failures = 0

    @property
    def running(self) -> int:
        """How many trials are running."""
        return len(self._doing)

    @property
    def reason_to_give_up(self) -> str:
        """Why the study gives up, in words; empty while it does not."""
        if self.failures >= (self._settings.failures_allowed or max(self._settings.trials, FEWEST_FAILURES)):
            return f"{self.failures} trials failed (sweep.on_failure={self._settings.on_failure})"
        if self._study.is_exhausted:
            return "each combination of the search space was tried, and each failed; search other values"
        if self._repeated_failures >= REPETITIONS_IN_A_ROW:
            return (
                f"the last {self._repeated_failures} trials had values with which an earlier one failed; "
                "search other values, or choose another sweep.sampler"
            )
        return ""

    def stop(self) -> None:
        """Start no more trials; those that are running finish."""
        self._is_stopping = True

    def cancel(self) -> None:
        """Cancel what no worker has started: an executor of the user's would still run it, in vain."""
        for future in self._doing:
            future.cancel()

    def run(self) -> Iterator[Event]:
        """Run the trials; the work proceeds as the events are taken.

        Raises:
            RunFailedError: if the storage does not answer.
        """
        while True:
            yield from self._start_trials()
            if self._doing:
                yield from self._wait()
            # A batch is reported as a whole, or its last trials would be judged by more trials than its first.
            if not self._settings.deterministic or not (self._doing or self._waiting):
                yield from self._tell()
            if not self._doing and (self._is_stopping or self._is_complete):
                return

    @property
    def _is_complete(self) -> bool:
        open_trials = len(self._waiting) + len(self._doing) + len(self._repeating) + len(self._done)
        return open_trials == 0 and (self._study.finished >= self._settings.trials or bool(self.reason_to_give_up))

    def _start_trials(self) -> Iterator[Event]:
        """Give every free worker a trial, as far as there are any left."""
        while len(self._doing) < self._workers and not self._is_stopping:
            if not self._waiting:
                self._waiting.extend(self._proposals())
            if not self._waiting:
                return
            trial = self._waiting.popleft()
            known = Outcome.of(trial)
            if known is not None:  # its worker was done, but the coordinator was killed
                self._done.append((trial, known))
            elif Asked.of(trial).duplicate_of is not None:
                self._repeating.append(trial)
            else:
                yield from self._submit(trial)
            if not self._settings.deterministic:
                yield from self._tell()

    def _proposals(self) -> list[FrozenTrial]:
        """New trials: one, or a synchronous batch when nothing of the last one is left."""
        under_way = len(self._doing) + len(self._repeating) + len(self._done)
        if self.reason_to_give_up:
            return []
        if not self._settings.deterministic:
            return [self._study.propose()] if self._study.finished + under_way < self._settings.trials else []
        if under_way:
            return []
        missing = min(self._workers, self._settings.trials - self._study.finished)
        return self._study.propose_batch(missing) if missing > 0 else []

    def _submit(self, trial: FrozenTrial) -> Iterator[Event]:
        try:
            task = self._task_of(trial)
        except UserError as error:  # a combination that no corner of the space has shown
            self._done.append((trial, Outcome("failed", redacted(str(error)))))
            return
        again = trial.number in self._started_before
        self._started_before.add(trial.number)
        # Counted, since an executor may take two equal calls for one, as Dask's does, and give back the lost one.
        self._doing[self._executor.submit(run_trial, task, self._attempts.get(trial.number, 0))] = trial
        yield Started(trial, task, again)

    def _wait(self) -> Iterator[Event]:
        """Take what the workers have done."""
        done, _ = wait(self._doing, timeout=SECONDS_BETWEEN_TICKS, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=lambda future: self._doing[future].number):
            trial = self._doing.pop(future)
            try:
                self._done.append((trial, future.result()))
            except TerminatedError:
                yield from self._lose(trial)
            except Exception as error:  # of the storage or the executor: trials keep their own
                if is_lost(error):
                    yield from self._lose(trial)
                    continue
                raise RunFailedError(
                    f"Trial {trial.number} could not be run ({type(error).__name__}: {redacted(str(error))}). "
                    "Nothing is lost; the study can be resumed once its storage and its workers answer."
                ) from error
        if not done:
            yield Tick()

    def _lose(self, trial: FrozenTrial) -> Iterator[Event]:
        attempt = self._attempts[trial.number] = self._attempts.get(trial.number, 0) + 1
        if attempt <= self._settings.retries:
            self._waiting.appendleft(trial)
            yield Lost(trial, attempt)
        else:
            reason = f"its process was killed {attempt} times (out of memory?); sweep.retries limits the retries"
            self._done.append((trial, Outcome("killed", reason)))

    def _tell(self) -> Iterator[Event]:
        """End the trials that have results, in the order of their numbers, and then those that repeat them."""
        for trial, outcome in sorted(self._done, key=lambda done: done[0].number):
            yield from self._ended(self._study.tell(trial, outcome))
        self._done = []
        trials = self._study.trials
        for trial in list(self._repeating):
            original = trials[Asked.of(trial).duplicate_of or 0]
            if original.state.is_finished():
                self._repeating.remove(trial)
                yield from self._ended(self._study.end_duplicate(trial, original))

    def _ended(self, trial: FrozenTrial) -> Iterator[Event]:
        self.failures += is_failure(trial)
        is_repeated = trial.state == TrialState.FAIL and not is_failure(trial)
        self._repeated_failures = self._repeated_failures + 1 if is_repeated else 0
        yield Ended(trial)
