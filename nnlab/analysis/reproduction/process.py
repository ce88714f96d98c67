"""The process in which a run is run again: it has the environment that NumPy must find when it starts.

It stands in a process group of its own, so that each signal reaches it once, through its parent; and it ends with its
parent, which holds its standard input open.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

from nnlab.errors import RunFailedError, TerminatedError, UserError
from nnlab.paths import importing_from
from nnlab.runs.code import PACKAGE
from nnlab.streams import open_closed

START = "from nnlab.commands.entry import start; start('nnlab.commands.reproducing', syncs=True)"
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130


@dataclass(frozen=True)
class Order:
    """What the process is told; through a pipe, for an address may hold a password.

    Args:
        run: the directory of the original, absolute.
        runs_dir: the folder for the new run, absolute.
        tracking_uri: where in MLflow the new run goes; None keeps it out.
        data_root: where the data is now; None is where it was.
        tolerance: within which numbers count as equal; None takes `default_tolerance`.
    """

    run: Path
    runs_dir: Path
    tracking_uri: str | None
    data_root: Path | None
    tolerance: float | None

    def line(self, answers: int) -> bytes:
        """As it is sent, with the descriptor to which the process is to answer."""
        plain = {
            key: str(value) if isinstance(value, Path) else value for key, value in dataclasses.asdict(self).items()
        }
        return (json.dumps({**plain, "answers": answers}) + "\n").encode()

    @classmethod
    def read(cls, source: BinaryIO) -> tuple[Order, int]:
        """The order that comes first, and the descriptor for the answer. When the source ends, this process does."""
        line = source.readline()
        if not line.endswith(b"\n"):
            raise TerminatedError("its parent is gone")
        facts: dict[str, Any] = json.loads(line)
        answers = facts.pop("answers")
        paths = {key: Path(facts[key]) for key in ("run", "runs_dir", "data_root") if facts[key] is not None}
        threading.Thread(target=_end_with, args=(source,), daemon=True).start()
        return cls(**{**facts, **paths}), answers


def answer(descriptor: int, **facts: str) -> None:
    """In the process: say what came of it, `directory` of the new run, or `wrong` or `failed` with a message."""
    with suppress(OSError):
        os.write(descriptor, json.dumps(facts).encode())


def executed(order: Order, environment: Mapping[str, str], stdout: int | None) -> Path:
    """Execute an order in a process of its own; returns the directory of the new run.

    Raises:
        UserError: if it cannot be tried.
        RunFailedError: if the new run fails, or the process dies.
        KeyboardInterrupt: if interrupted or terminated.
    """
    open_closed()
    said, answers = os.pipe()
    # MLflow's worker is started before anything else is imported, unless it has nothing to do.
    options = [] if order.tracking_uri else ["tracking.enabled=false"]
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, *options],
            stdin=subprocess.PIPE,
            stdout=stdout,
            env=importing_from(PACKAGE.parent, environment),
            pass_fds=[answers],
            process_group=0,
        )
    except OSError as error:
        os.close(said)
        raise RunFailedError(f"A process for the new run could not be started ({error.strerror or error}).") from error
    finally:
        os.close(answers)
    with os.fdopen(said, "rb") as answered, process, _signals_passed_on(process) as passed:
        with suppress(BrokenPipeError):
            assert process.stdin is not None
            process.stdin.write(order.line(answers))
            process.stdin.flush()
        text = answered.read()
        status = process.wait()
    return _directory(json.loads(text) if text else {}, status, passed)


def _directory(said: Mapping[str, str], status: int, passed: list[signal.Signals]) -> Path:
    if "directory" in said:
        return Path(said["directory"])
    if "wrong" in said:
        raise UserError(said["wrong"])
    if "failed" in said:
        raise RunFailedError(said["failed"])
    if passed or status == INTERRUPTED:
        raise KeyboardInterrupt if set(passed) <= {signal.SIGINT} else TerminatedError
    how = f"exit status {status}" if status >= 0 else signal.Signals(-status).name
    raise RunFailedError(
        f"The process of the new run died ({how}). There is no verdict, and the original is as it was."
    )


@contextmanager
def _signals_passed_on(process: subprocess.Popen[bytes]) -> Iterator[list[signal.Signals]]:
    """Pass on what this process is told, and stop and continue with it; the list gets what was passed on."""
    passed: list[signal.Signals] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        passed.append(signal.Signals(number))
        with suppress(ProcessLookupError):
            process.send_signal(number)

    def stop(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGCONT)

    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for number in (*PASSED_ON, signal.SIGTSTP):
                before = signal.getsignal(number)
                if before is not signal.SIG_IGN:
                    stack.callback(signal.signal, number, signal.SIG_DFL if before is None else before)
                    signal.signal(number, stop if number is signal.SIGTSTP else pass_on)
        yield passed


def _end_with(source: BinaryIO) -> None:
    """End this process, as if it had been told to, when its parent is gone."""
    while os.read(source.fileno(), 1):  # not through the buffer, whose lock would abort Python as it ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)
