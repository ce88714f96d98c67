"""Worker processes with the interface of `concurrent.futures`: a killed worker costs only its own call.

Python's own pool breaks as a whole when a worker dies. So each worker is a pool of one here, replaced when it breaks.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.process import BaseProcess
from typing import Any, ParamSpec, TypeVar

from nnlab.errors import MachineError, TerminatedError
from nnlab.execution.ending import send, wait_for_ends
from nnlab.execution.worker import INTERRUPT, Moment, begun_at, call, start_worker
from nnlab.execution.worker_memory import PeakMemory, Seen
from nnlab.streams import open_closed
from nnlab.wording import bytes_in_words

P = ParamSpec("P")
T = TypeVar("T")

SECONDS_TO_CLOSE = 4.0
"""For workers that were interrupted, to close their runs."""
SECONDS_TO_END = 2.0
"""For workers that were told to end, before they are killed: one that hangs never does."""


class WorkerDiedError(BrokenExecutor):
    """The process of a call died.

    Attributes:
        memory: bytes that the process had at most during the call, as far as it was seen.
        for_memory: whether the system killed a process for want of memory meanwhile.
    """

    def __init__(self, exit_status: int | None, memory: int, for_memory: bool) -> None:
        self.memory = memory
        self.for_memory = for_memory
        how = f"exit status {exit_status}"
        if exit_status is not None and exit_status < 0:
            with suppress(ValueError):
                how = signal.Signals(-exit_status).name
        used = f", with {bytes_in_words(memory)} of memory in use" if memory else ""
        super().__init__(f"a worker process was terminated abruptly ({how}{used})")


class WorkerProcesses(Executor):
    """Runs calls in processes of their own. A call whose process dies raises `WorkerDiedError` from its future.

    Args:
        count: how many calls can run at a time; more are refused.
    """

    def __init__(self, count: int) -> None:
        open_closed()  # workers inherit the standard streams
        self._memory = PeakMemory()
        self._workers = [_Worker(self._memory) for _ in range(count)]

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in a free worker.

        Raises:
            RuntimeError: if no worker is free.
            MachineError: if a worker's process cannot be started.
        """
        for worker in self._workers:
            if worker.is_free:
                return worker.submit(fn, *args, **kwargs)
        raise RuntimeError(f"All {len(self._workers)} workers are busy.")

    def taken(self, call: Future[Any]) -> tuple[float, int]:
        """The seconds since a process has begun with a call that `submit` returned, and the most bytes of memory that
        this process had meanwhile, as far as it was seen; 0 and 0 before that."""
        worker = next((worker for worker in self._workers if worker.does(call)), None)
        return (0.0, 0) if worker is None else worker.taken

    def kill(self, call: Future[Any]) -> None:
        """Kill the process of a call, which raises `WorkerDiedError` then; nothing happens if it has ended."""
        for worker in self._workers:
            if worker.does(call):
                send(signal.SIGKILL, worker.processes)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers: after their calls, or at once without `wait`, see `stop`."""
        if not wait:
            self.stop()
        for worker in self._workers:
            worker.shutdown(wait=True, cancel_futures=cancel_futures)
        self._memory.stop()

    def stop(self, *, interrupted: bool = False) -> None:
        """End the workers in the middle of their calls; one that has not ended some seconds later is killed.

        Args:
            interrupted: whether the user wants it, who calls that interrupted. Else the workers are terminated.
        """
        processes = [process for worker in self._workers for process in worker.processes]
        threads = [thread for worker in self._workers for thread in worker.threads]
        try:
            for worker in self._workers:
                worker.shutdown(wait=False, cancel_futures=True)
            if interrupted and any(not worker.is_free for worker in self._workers):
                send(INTERRUPT, processes)
                wait_for_ends(processes, SECONDS_TO_CLOSE)
            send(signal.SIGTERM, processes)
            wait_for_ends(processes, SECONDS_TO_END)
        finally:  # also at another Ctrl-C
            send(signal.SIGKILL, processes)
            for thread in threads:
                thread.join()
            self._memory.stop()

    @property
    def pids(self) -> list[int]:
        """The ids of the living processes."""
        processes = (process for worker in self._workers for process in worker.processes)
        return [process.pid for process in processes if process.is_alive() and process.pid is not None]


class _Worker:
    """A pool of one process, which is made by the first call, and again after its process died."""

    def __init__(self, memory: PeakMemory) -> None:
        self._begun = begun_at()
        self._pool: ProcessPoolExecutor | None = None
        self._memory = memory
        self._seen = Seen()
        self._call: Future[Any] | None = None

    @property
    def is_free(self) -> bool:
        return self._call is None or self._call.done()

    def does(self, call: Future[Any]) -> bool:
        """Whether this is the call that it does now."""
        return call is self._call and not call.done()

    @property
    def taken(self) -> tuple[float, int]:
        begun = self._begun.value
        return (time.monotonic() - begun, self._seen.bytes) if begun else (0.0, 0)

    @property
    def processes(self) -> list[BaseProcess]:
        known = None if self._pool is None else self._pool._processes
        return list((known or {}).values())  # the pool's own thread changes it

    @property
    def threads(self) -> list[threading.Thread]:
        pool: Any = self._pool  # typeshed takes its thread for another
        thread = None if pool is None else pool._executor_manager_thread
        return [] if thread is None else [thread]

    def shutdown(self, *, wait: bool, cancel_futures: bool) -> None:
        """Start nothing more, see `Executor.shutdown`."""
        if self._pool is not None:
            self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def submit(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> Future[T]:
        self._begun.value = 0.0
        try:
            inner = self._started(fn, args, kwargs)
        except BrokenProcessPool:  # its process was killed
            self._drop()
            inner = self._started(fn, args, kwargs)
        outer: Future[T] = Future()
        outer.set_running_or_notify_cancel()
        self._call = outer
        process = next(iter(self.processes), None)  # none if it has died already
        seen = self._seen = self._memory.watch(None if process is None else process.pid)

        def pass_on(inner: Future[T]) -> None:
            """In the pool's thread."""
            error = inner.exception() if not inner.cancelled() else BrokenExecutor("the worker was told to end")
            if isinstance(error, BrokenProcessPool) and process is not None:
                process.join(SECONDS_TO_END)
                error = WorkerDiedError(process.exitcode, *seen.end())
            if error is None:
                outer.set_result(inner.result())
            else:
                outer.set_exception(error)

        inner.add_done_callback(pass_on)
        return outer

    def _started(self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future[T]:
        try:
            with _ctrl_c_waits():
                if self._pool is None:  # only now: its locks need a process too, Python's resource tracker
                    self._begun = begun_at()
                    self._pool = _pool_of_one(self._begun)
                return self._pool.submit(call, fn, *args, **kwargs)
        except BrokenProcessPool:
            raise
        except (OSError, RuntimeError) as error:  # of a process or, in its own kind, of a thread
            if isinstance(error, RuntimeError) and "thread" not in str(error):
                raise
            self._drop()
            reason = getattr(error, "strerror", None) or error
            raise MachineError(f"a worker process could not be started ({reason})", "processes") from error

    def _drop(self) -> None:
        send(signal.SIGKILL, self.processes)
        self.shutdown(wait=False, cancel_futures=False)
        self._pool = None


@contextmanager
def running_workers(count: int) -> Iterator[WorkerProcesses]:
    """So many workers, which end with the block: as interrupted if Ctrl-C or the caller leaves it, else terminated."""
    workers, is_interrupted = WorkerProcesses(count), False
    try:
        yield workers
    except (KeyboardInterrupt, GeneratorExit) as error:
        is_interrupted = not isinstance(error, TerminatedError)
        raise
    finally:
        workers.stop(interrupted=is_interrupted)


def is_lost(error: BaseException) -> bool:
    """Whether this is how an executor reports that the process of a call died: Python's own, or Dask's if in use."""
    dask = sys.modules.get("distributed")
    return isinstance(error, BrokenExecutor) or (dask is not None and isinstance(error, dask.KilledWorker))


def _pool_of_one(begun: Moment) -> ProcessPoolExecutor:
    # Spawned: a fork would copy the threads' locks of whatever the parent has imported.
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=start_worker, initargs=(begun,))


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Keep Ctrl-C from a process that is being started, until it ignores it by itself; ours comes a moment later."""
    resource_tracker.ensure_running()  # it would lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
