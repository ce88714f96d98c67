"""What every command raises when it cannot continue; `nnlab.exit_status` turns it into a message and a status."""

from __future__ import annotations

import time
from typing import Literal

Kind = Literal["disk", "memory", "files", "processes", "storage"]


class UserError(ValueError):
    """The input is wrong: the message says the rule, the facts and the remedy."""


class RunFailedError(RuntimeError):
    """The input was right but the work failed (say, training diverged); the message says what is known."""


class MachineError(RunFailedError):
    """The machine is at fault and not the work, which succeeds once the machine is well: see `nnlab.machine`.

    Attributes:
        kind: what fails: the disk, memory, open files, processes, or the storage of a study.
        path: of the file that could not be written, if the kind is "disk" and it is known.
        code: the system's number of the error, if it has one.
        time: when it was raised, in seconds since 1970.
    """

    def __init__(self, message: str, kind: Kind, path: str | None = None, code: int | None = None) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.path = path
        self.code = code
        self.time = time.time()

    def __reduce__(self) -> tuple[object, ...]:  # it passes between processes
        return type(self), (str(self), self.kind), {"path": self.path, "code": self.code, "time": self.time}


class TerminatedError(KeyboardInterrupt):
    """The system asked the process to end (SIGTERM), or its terminal was closed (SIGHUP); the message says which."""
