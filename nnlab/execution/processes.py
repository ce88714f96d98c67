"""Worker processes with the interface of `concurrent.futures`: a killed worker costs only its own trial.

Python's own pool breaks as a whole when a worker dies. So each worker is a pool of one here, replaced when it breaks.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import Any, ParamSpec, TypeVar

from nnlab.streams import open_closed, secure

P = ParamSpec("P")
T = TypeVar("T")


class WorkerProcesses(Executor):
    """Runs calls in processes of their own. A call whose process dies raises `BrokenExecutor` from its future.

    Args:
        count: how many calls can run at a time; more are refused.
    """

    def __init__(self, count: int) -> None:
        open_closed()  # workers inherit the standard streams
        self._pools = [_pool() for _ in range(count)]
        self._calls: list[Future[Any] | None] = [None] * count

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in a free worker.

        Raises:
            RuntimeError: if no worker is free.
        """
        for place, call in enumerate(self._calls):
            if call is None or call.done():
                with _ctrl_c_waits():
                    try:
                        future = self._pools[place].submit(fn, *args, **kwargs)
                    except BrokenProcessPool:  # its worker was killed
                        self._pools[place].shutdown(wait=False)
                        self._pools[place] = _pool()
                        future = self._pools[place].submit(fn, *args, **kwargs)
                self._calls[place] = future
                return future
        raise RuntimeError(f"All {len(self._pools)} workers are busy.")

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers: after their calls, or at once (SIGTERM) without `wait`."""
        if not wait:
            for pid in self.pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=cancel_futures)

    @property
    def pids(self) -> list[int]:
        """The ids of the living processes."""
        return [
            process.pid
            for pool in self._pools
            for process in list((pool._processes or {}).values())  # the pool's own thread changes it
            if process.is_alive() and process.pid is not None
        ]


def is_lost(error: Exception) -> bool:
    """Whether this is how an executor reports that the process of a call died: Python's own, or Dask's if in use."""
    dask = sys.modules.get("distributed")
    return isinstance(error, BrokenExecutor) or (dask is not None and isinstance(error, dask.KilledWorker))


def _pool() -> ProcessPoolExecutor:
    # Spawned: a fork would copy the threads' locks of whatever the parent has imported.
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker)


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Keep Ctrl-C from a process that is being started, until it ignores it by itself; ours comes a moment later."""
    resource_tracker.ensure_running()  # it would lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker() -> None:
    """In a worker: the parent handles Ctrl-C, the worker ends with the parent, and no broken stream ends a call."""
    secure()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
